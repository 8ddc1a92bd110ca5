package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/socket"
)

// maxInformational bounds the 1xx answers before the final one.
const maxInformational = 8

// exchange is one request on its way to the service and back, on the goroutine of
// the handler that asked.
type exchange struct {
	proxy *Proxy
	w     http.ResponseWriter
	r     *http.Request
	out   *Outgoing
	began time.Time
	ends  time.Time // zero: never
	conn  *conn
	send  *sender // nil without a body
	sent  bool    // the service has all of the request
}

// open sends the request and reads the answer's head; on an error nothing is left
// behind.
func (e *exchange) open() error {
	s := e.proxy.Service
	err := e.try(false)
	if err != nil && e.repeatable(err) && s.budget.spend() {
		e.out.Result.Retries++
		err = e.try(true)
	}
	now := time.Now()
	e.out.Result.FirstByte = now.Sub(e.began)
	if e.send != nil {
		e.out.Result.Received = e.send.body.read.Load()
	}
	if err == nil {
		s.circuit.success(clock(now))
		return nil
	}
	return e.explain(err)
}

// try makes one attempt. An idle connection that had ended was none: nothing was sent.
func (e *exchange) try(fresh bool) error {
	err := e.attempt(fresh)
	for errors.Is(err, socket.ErrStale) {
		err = e.attempt(fresh)
	}
	return err
}

func (e *exchange) attempt(fresh bool) error {
	s, client := e.proxy.Service, e.r.Context()
	if !e.ends.IsZero() {
		if time.Until(e.ends) <= 0 {
			return errLate
		}
	}
	c, err := s.take(client, fresh, e.r.ContentLength != 0)
	if err != nil {
		return err
	}
	e.conn = c
	c.begin(client, e.out.Done, e.limit(time.Now(), e.proxy.Times.FirstByte))
	if err = e.ask(); err == nil {
		if e.send != nil && c.socket != nil {
			c.socket.Wait() // a slow body holds neither a buffer for the answer nor a deep stack
		}
		err = e.head()
	}
	why := c.cause()
	e.join(err != nil)
	if err == nil {
		return nil
	}
	if why != nil {
		err = why
	}
	s.put(c, false)
	e.conn = nil
	return err
}

// repeatable holds for a request that may be sent once more: its class and method
// allow it, it has no body, and it failed neither for its client nor for want of
// time, before a byte of the answer was there.
func (e *exchange) repeatable(err error) bool {
	if !e.proxy.Retry.Allows(e.r.Method) {
		return false
	}
	late, gone := errors.Is(err, errLate), errors.Is(err, errGone) || errors.Is(err, errRevoked) || e.r.Context().Err() != nil
	return e.r.ContentLength == 0 && !late && !gone && !errors.Is(err, errAnswered) && !errors.Is(err, problem.Malformed) && !e.proxy.upgrades(e.r)
}

// errAnswered marks a failure after the answer had begun.
var errAnswered = errors.New("the answer had begun")

// limit is the earlier of this long from now and the end of the whole.
func (e *exchange) limit(now time.Time, d time.Duration) int64 {
	at := now.Add(d)
	if !e.ends.IsZero() && e.ends.Before(at) {
		at = e.ends
	}
	return clock(at)
}

// ask writes the head, and starts the body on its way where there is one.
func (e *exchange) ask() error {
	c, left := e.conn, time.Duration(0)
	if !e.ends.IsZero() {
		left = time.Until(e.ends)
	}
	body := e.r.ContentLength != 0
	c.in.borrow(&smallBuffers)
	head, err := e.proxy.appendRequest(c.in.buf[:0], e.r, body, left, e.out)
	if err != nil {
		return err
	}
	if !body {
		e.sent = true
		e.tell()
		return c.ask(head)
	}
	e.send = newSender(e)
	if _, err = c.net.Write(head); err != nil {
		return err
	}
	c.in.rest()
	e.send.started = true
	go e.send.run()
	return nil
}

// tell says that the service has all of the request.
func (e *exchange) tell() {
	if e.out.Answerer != nil {
		e.out.Answerer.Sent()
	}
}

// head reads up to the final answer's.
//
//go:noinline // attempt's frame stays while a slow body comes
func (e *exchange) head() error {
	c := e.conn
	if c.in.buffered() == 0 {
		if err := c.in.fill(); err != nil {
			return err // nothing came: what was asked may be asked again
		}
	}
	for range maxInformational {
		text, err := c.in.until("\r\n\r\n", maxAnswerHeader)
		if err != nil {
			return errors.Join(errAnswered, err)
		}
		if err := c.answer.parse(string(text)); err != nil {
			return errors.Join(errAnswered, err)
		}
		switch status := c.answer.status; {
		case status >= http.StatusOK:
			return nil
		case status == http.StatusContinue && e.send != nil:
			e.send.goAhead()
		case status == http.StatusSwitchingProtocols:
			if e.proxy.upgrades(e.r) {
				return nil
			}
			return fmt.Errorf("%w: switch of protocols that nobody asked for", errAnswered)
		}
	}
	return fmt.Errorf("%w: nothing but informational answers", errAnswered)
}

// join waits until the body's sender is done: with the answer here, what is still
// to be sent is not wanted any more.
func (e *exchange) join(failed bool) {
	if e.send == nil || !e.send.started {
		return
	}
	e.sent = e.send.stop(failed)
}

// begin writes the answer's header, and gives what takes its body.
//
//go:noinline // a client that reads slowly must not keep this frame, which would double its stack
func (e *exchange) begin(now time.Time) (to writer, release func()) {
	c, p := e.conn, e.proxy
	p.answerHeader(e.w.Header(), &c.answer, e.r.Method)
	if e.out.Answerer != nil {
		e.out.Answerer.Answer(c.answer.status, e.w.Header())
	}
	_ = http.NewResponseController(e.w).SetWriteDeadline(now.Add(p.Times.Idle))
	to = e.w
	if packed := p.compress(e.w, e.r, &c.answer); packed != nil {
		to, release = packed, packed.release
	}
	e.w.WriteHeader(c.answer.status)
	return to, release
}

// pass hands the answer to the client.
func (e *exchange) pass() error {
	c, p, now := e.conn, e.proxy, time.Now()
	whole := false
	defer func() { p.Service.put(c, whole) }()
	if c.answer.status == http.StatusSwitchingProtocols {
		return e.tunnel()
	}
	body := c.answer.body(&c.in, e.r.Method)
	to, release := e.begin(now)
	if release != nil {
		defer release()
	}
	err := e.copy(to, &body, now)
	if err == nil {
		err = finish(to)
	}
	switch {
	case err == nil:
		whole = e.sent && !c.answer.last && (body.chunked || body.left >= 0 || c.answer.bodiless(e.r.Method))
		return nil
	case errors.Is(c.cause(), errRevoked) && c.answer.get("Content-Type") == eventStream:
		return nil // events have no end to miss: the client comes again and is asked who it is
	}
	if e.r.Context().Err() == nil { // else it was the client who left
		e.out.Result.Kind = "cut"
	}
	panic(http.ErrAbortHandler)
}

// explain turns a failed exchange into what the client is told. The client's own
// failure comes first: it is the cause of the service's.
func (e *exchange) explain(err error) error {
	if e.send != nil {
		if why := e.send.body.failure(); errors.Is(why, errLeft) {
			return problem.ClientClosed
		} else if why != nil {
			return why
		}
	}
	now := clock(time.Now())
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(err, problem.Malformed):
		return err
	case e.r.Context().Err() != nil, errors.Is(err, errGone):
		return problem.ClientClosed
	case errors.Is(err, errRevoked):
		return problem.Unauthorized
	case errors.As(err, &op) && op.Op == "dial":
		e.out.Result.Kind = "away"
		e.proxy.Service.circuit.failure(now, true)
		return wrap(ErrAway, err)
	case errors.Is(err, errLate), errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		e.out.Result.Kind = "slow"
		e.proxy.Service.circuit.failure(now, false)
		return wrap(ErrTooSlow, err)
	}
	e.out.Result.Kind = "broken"
	e.proxy.Service.circuit.failure(now, false)
	return wrap(ErrBroken, err)
}
