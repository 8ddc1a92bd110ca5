// Package upstream owns the way from the gateway to a service and back: one
// request out, its body and its answer streamed, nothing kept in memory.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// The refusals for services that do not answer as they should.
var (
	ErrAway    = problem.New(http.StatusServiceUnavailable, "UPSTREAM_UNAVAILABLE", "This part of the service is away for a moment: try again shortly").WithRetryAfter(2 * time.Second)
	ErrBroken  = problem.New(http.StatusBadGateway, "UPSTREAM_FAILED", "This part of the service gave no proper answer").WithRetryAfter(2 * time.Second)
	ErrTooSlow = problem.New(http.StatusGatewayTimeout, "UPSTREAM_TIMEOUT", "This part of the service took too long to answer").WithRetryAfter(2 * time.Second)
)

const (
	maxAnswerHeader = 64 << 10
	dialTimeout     = time.Second
	idleConnections = 256
	idleConnection  = 30 * time.Second // before the service closes it (60 s): no request meets a closing one
	copyBuffer      = 32 << 10
)

// Times bound one exchange. No bound is on the whole of a stream that keeps moving.
type Times struct {
	FirstByte time.Duration // from the end of the request to the answer's header
	Idle      time.Duration // without a byte, in either direction
	Whole     time.Duration // 0: none
}

// Proxy passes requests of one class to one service.
type Proxy struct {
	Service        *Service
	Path           string // in place of the request's; empty: the same
	Times          Times
	MaxBody        int64           // bytes of a request's body
	Drop           map[string]bool // request headers that this service must not see
	KeepPolicy     bool            // the answer's own content policy stays
	Cookies        bool            // the answer may set cookies
	RefuseCookie   func(setCookie string) bool
	ForwardedHost  string // how people reach us; empty: the line is not sent
	ForwardedProto string
	Compress       bool // answers may be compressed: none of them holds a secret beside what the caller chose
	Upgrade        bool // WebSocket may be asked for
	transport      *http.Transport
}

// New makes a proxy ready for use.
func New(p Proxy) *Proxy {
	p.transport = p.Service.transport.Clone()
	p.transport.ResponseHeaderTimeout = p.Times.FirstByte
	return &p
}

// Answerer has the last word on an answer's header.
type Answerer interface {
	Answer(status int, answer http.Header)
}

// Outgoing is what the gateway adds to one request, and what became of it. An
// empty text means that its line is not sent; nothing of the client's survives
// under these names.
type Outgoing struct {
	Authorization string
	RequestID     string
	Traceparent   string
	Tracestate    string
	Client        string          // the client's address, for X-Forwarded-For
	Forwarded     string          // RFC 7239
	Deadline      time.Time       // handed on as X-Request-Timeout, in milliseconds left; zero: none
	Answerer      Answerer        // may be nil
	Done          <-chan struct{} // closed when the caller may not go on: a streaming answer ends; nil: never
	Result        Result          // filled in as far as the exchange comes
}

// Result is what happened, for the access line.
type Result struct {
	FirstByte time.Duration // until the service's header was there
	Received  int64         // bytes of the request's body
	Retries   int
	Kind      string // how the service failed; empty when it did not
}

// Serve passes one request on. An error means that nothing has been written and
// says what to answer. When the answer breaks off in the middle, Serve panics
// with http.ErrAbortHandler: the client must see a broken answer, not a short one.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, out *Outgoing) error {
	ctx, cancel := p.context(r.Context())
	defer cancel()
	control := http.NewResponseController(w)
	body, err := p.body(r, control, cancel)
	if err != nil {
		return err
	}
	began := time.Now()
	answer, err := p.transport.RoundTrip(p.request(ctx, r, body, out))
	if body != nil {
		body.stop()
	}
	out.Result.note(time.Since(began), body)
	if err != nil {
		return p.explain(r.Context(), body, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode < http.StatusOK { // a switch of protocols that nobody asked for
		return wrap(ErrBroken, fmt.Errorf("status %d", answer.StatusCode))
	}
	p.answerHeader(w.Header(), answer.Header)
	if out.Answerer != nil {
		out.Answerer.Answer(answer.StatusCode, w.Header())
	}
	_ = control.SetWriteDeadline(time.Now().Add(p.Times.Idle))
	w.WriteHeader(answer.StatusCode)
	if err := p.copy(w, answer, control, cancel); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (res *Result) note(firstByte time.Duration, body *clientBody) {
	res.FirstByte = firstByte
	if body != nil {
		res.Received = body.read.Load()
	}
}

func (p *Proxy) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.Times.Whole > 0 {
		return context.WithTimeout(ctx, p.Times.Whole)
	}
	return context.WithCancel(ctx)
}

// body wraps the request's body; nil when there is none.
func (p *Proxy) body(r *http.Request, control *http.ResponseController, cancel func()) (*clientBody, error) {
	switch {
	case r.ContentLength == 0:
		return nil, nil
	case r.ContentLength > p.MaxBody:
		return nil, problem.TooLarge
	}
	return newClientBody(r, control, p.MaxBody, p.Times.Idle, cancel), nil
}

// request makes the one that the service sees. The target's bytes are those that
// were checked.
func (p *Proxy) request(ctx context.Context, r *http.Request, body *clientBody, o *Outgoing) *http.Request {
	h := requestHeader(r.Header, p.Drop, 10)
	if h["User-Agent"] == nil {
		h["User-Agent"] = []string{""} // or the transport would put its own
	}
	// net/http repeats a POST with this header on its own. Only services know
	// whether a repetition is harmless; under the lower-case name it does not look.
	if key, ok := h["Idempotency-Key"]; ok {
		delete(h, "Idempotency-Key")
		h["idempotency-key"] = key
	}
	for name, value := range map[string]string{
		"Authorization": o.Authorization, "X-Request-Id": o.RequestID, "Traceparent": o.Traceparent, "Tracestate": o.Tracestate,
		"X-Forwarded-For": o.Client, "Forwarded": o.Forwarded, "X-Forwarded-Host": p.ForwardedHost, "X-Forwarded-Proto": p.ForwardedProto,
	} {
		if value != "" {
			h[name] = []string{value}
		}
	}
	target := &url.URL{
		Scheme: p.Service.target.Scheme, Host: p.Service.target.Host,
		Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery,
	}
	if p.Path != "" {
		target.Path, target.RawPath = p.Path, ""
	}
	out := (&http.Request{
		Method: r.Method, URL: target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Host: p.Service.target.Host,
	}).WithContext(ctx)
	if body != nil {
		out.Body, out.ContentLength = body, r.ContentLength
		if r.Header.Get("Expect") != "" { // net/http has refused all but 100-continue
			h["Expect"] = []string{"100-continue"}
		}
	}
	return out
}

// explain turns a failed round trip into what the client is told. The client's
// own failure comes first: it is the cause of the transport's.
func (p *Proxy) explain(client context.Context, body *clientBody, err error) error {
	if body != nil {
		if why := body.failure(); errors.Is(why, errLeft) {
			return problem.ClientClosed
		} else if why != nil {
			return why
		}
	}
	var dial *net.OpError
	var timeout net.Error
	switch {
	case client.Err() != nil:
		return problem.ClientClosed
	case errors.As(err, &dial) && dial.Op == "dial":
		return wrap(ErrAway, err)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return wrap(ErrTooSlow, err)
	}
	return wrap(ErrBroken, err)
}

// wrap keeps the cause for the log.
func wrap(p *problem.Problem, cause error) error { return errors.Join(p, cause) }

var buffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// copy streams the answer's body. The service may be silent for the idle time, the
// client may take as long to make room; each move starts the clock anew.
func (p *Proxy) copy(w http.ResponseWriter, answer *http.Response, control *http.ResponseController, cancel func()) error {
	if answer.Body == http.NoBody {
		return nil
	}
	silence := time.AfterFunc(p.Times.Idle, cancel)
	defer silence.Stop()
	buffer, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	stream := answer.ContentLength < 0
	if stream && answer.Header.Get("Content-Type") == "text/event-stream" {
		_ = control.Flush()
	}
	for {
		n, err := answer.Body.Read(*buffer)
		silence.Reset(p.Times.Idle)
		if n > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(p.Times.Idle))
			if _, err := w.Write((*buffer)[:n]); err != nil {
				return err
			}
			if stream {
				if err := control.Flush(); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
