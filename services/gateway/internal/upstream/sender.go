package upstream

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// waitContinue is how long a client's body waits for a service's go-ahead.
const waitContinue = time.Second

// sender brings a request's body to the service while the exchange waits for the
// answer, which may come before the body is through.
type sender struct {
	e       *exchange
	body    *clientBody
	started bool
	ahead   chan struct{} // closed: the body may be sent
	once    sync.Once
	end     chan struct{} // closed when the sender is done
	whole   bool          // all of it was sent; valid after end
}

func newSender(e *exchange) *sender {
	s := &sender{
		e: e, end: make(chan struct{}), ahead: make(chan struct{}),
		body: newClientBody(e.r, http.NewResponseController(e.w), e.proxy.MaxBody, e.proxy.Times.Idle),
	}
	if !expects(e.r) {
		s.goAhead()
	}
	return s
}

func (s *sender) goAhead() { s.once.Do(func() { close(s.ahead) }) }

func (s *sender) run() {
	defer close(s.end)
	wait := time.NewTimer(waitContinue)
	select {
	case <-s.ahead:
	case <-wait.C:
	}
	wait.Stop()
	c := s.e.conn
	c.until.Store(s.e.limit(time.Now(), 2*s.e.proxy.Times.Idle))
	err := s.copy()
	s.whole = err == nil
	if s.whole {
		s.e.tell()
	}
	switch {
	case s.body.failure() != nil:
		c.kill(errGone) // half a body must not look like a whole one
	case errors.Is(err, errStopped):
	default: // sent, or the service does not take it: its answer may be on the way
		c.until.Store(s.e.limit(time.Now(), s.e.proxy.Times.FirstByte))
	}
}

// dripBuffers are for bodies that come slowly, or are short.
var dripBuffers = sync.Pool{New: func() any { b := make([]byte, 1<<10); return &b }}

// copy frames the body anew.
func (s *sender) copy() error {
	buffer, _ := dripBuffers.Get().(*[]byte)
	pool := &dripBuffers
	defer func() { pool.Put(buffer) }()
	const room = 10 // for a chunk's size in front, and 2 for its end
	b, chunked := *buffer, s.e.r.ContentLength < 0
	c, idle := s.e.conn, s.e.proxy.Times.Idle
	for {
		n, err := s.body.Read(b[room : len(b)-2])
		piece := b[room : room+n]
		if chunked && n > 0 {
			piece = frame(b, room, n)
		}
		if n > 0 {
			c.until.Store(s.e.limit(time.Now(), 2*idle)) // a service may stop taking it
			if _, err := c.net.Write(piece); err != nil {
				return err
			}
			c.until.Store(s.e.limit(time.Now(), 2*idle))
		}
		switch {
		case errors.Is(err, io.EOF) && chunked:
			_, err = io.WriteString(c.net, "0\r\n\r\n")
			return err
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case pool == &dripBuffers && n == len(b)-2-room: // there is more where that came from
			pool.Put(buffer)
			pool = &bigBuffers
			buffer, _ = pool.Get().(*[]byte)
			b = *buffer
		}
	}
}

// frame writes a chunk's size in front of its n bytes at room, and its end behind.
func frame(b []byte, room, n int) []byte {
	var digits [8]byte
	size := append(strconv.AppendInt(digits[:0], int64(n), 16), "\r\n"...)
	from := room - len(size)
	copy(b[from:], size)
	copy(b[room+n:], "\r\n")
	return b[from : room+n+2]
}

// stop ends the sending, and says whether all was sent. It returns when nothing
// reads the client's body any more: the server may not be asked for it after the
// handler is done.
func (s *sender) stop(failed bool) (whole bool) {
	if failed {
		s.e.conn.kill(io.ErrClosedPipe)
	}
	s.body.stop()
	s.goAhead() // after: nothing is read any more, and no client is told to go on
	_ = s.e.conn.net.SetWriteDeadline(time.Unix(1, 0))
	<-s.end
	_ = s.e.conn.net.SetWriteDeadline(time.Time{})
	return s.whole
}
