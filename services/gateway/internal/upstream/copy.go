package upstream

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const eventStream = "text/event-stream"

// writer takes an answer's body: the client's own, or one that compresses.
type writer interface{ Write(p []byte) (int, error) }

// copy streams the answer's body. The service may be silent for the idle time, the
// client may take as long to make room; each move starts the clock anew.
func (e *exchange) copy(to writer, body *bodyReader, now time.Time) error {
	c, idle := e.conn, e.proxy.Times.Idle
	if body.done {
		return nil
	}
	c.until.Store(e.limit(now, idle))
	control := http.NewResponseController(e.w)
	if c.answer.length < 0 || int64(c.in.buffered()) < c.answer.length {
		c.in.wait = flusher(c, control, to)
	}
	first := true
	for {
		piece, err := body.next()
		if errors.Is(err, io.EOF) {
			addTrailers(e.w.Header(), body.trailers)
			return nil
		}
		if err != nil {
			return err
		}
		if !first {
			now = time.Now()
			_ = control.SetWriteDeadline(now.Add(idle))
		}
		first = false
		c.until.Store(e.limit(now, 2*idle)) // while the client takes its time
		if _, err := to.Write(piece); err != nil {
			return err
		}
		if body.done {
			continue
		}
		c.until.Store(e.limit(time.Now(), idle))
	}
}

// flusher passes on what is there before a wait for more.
func flusher(c *conn, control *http.ResponseController, to writer) func() error {
	return func() error {
		if c.asks() && !c.socket.Quiet() { // there is more already
			return nil
		}
		if p, ok := to.(*packer); ok {
			if err := p.flush(); err != nil {
				return err
			}
		}
		return control.Flush()
	}
}
