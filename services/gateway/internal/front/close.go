package front

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// Behind the last answer so much is taken in of what is still coming, for so long.
	lingerBytes = 256 << 10
	lingerTime  = 500 * time.Millisecond
)

// ending is what a connection's end depends on.
type ending struct {
	answered atomic.Bool  // the handler came to its end
	endless  atomic.Bool  // the client may take the connection's end for the answer's
	stops    *atomic.Bool // the server does
}

// begin is for a request that a handler gets. The answer to HTTP/1.0 has no chunks.
func (e *ending) begin(r *http.Request) {
	e.answered.Store(false)
	e.endless.Store(!r.ProtoAtLeast(1, 1))
}

// Close lets a client read the answer behind which the connection ends: one that is
// closed with bytes unread is reset, and what was not received yet is lost
// (RFC 9112 §9.6). An answer that broke off is reset where its end could be taken
// for a whole one's.
func (c *conn) Close() error {
	c.looks.Store(false)
	c.watch.close()
	broken := c.handled.Load() && !c.ending.answered.Load()
	switch {
	case broken && c.ending.endless.Load():
		c.reset()
	case c.refused.CompareAndSwap(true, false), c.ending.answered.CompareAndSwap(true, false):
		c.linger()
	}
	return c.Conn.Close()
}

func (c *conn) linger() {
	if c.ending.stops != nil && c.ending.stops.Load() || c.CloseWrite() != nil {
		return // a server that stops closes one after another
	}
	_ = c.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, c, lingerBytes)
}

func (c *conn) reset() {
	below := c.NetConn()
	if tcp, ok := below.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = below.Close() // under TLS, whose last word would say that all is well
}
