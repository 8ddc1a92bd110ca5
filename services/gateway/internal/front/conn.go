// Package front owns the connections of the public listener. What net/http cannot
// read it refuses by itself, in a bare text and before any handler is asked; here
// an answer of ours goes out in its place.
package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/socket"
)

// Refuse makes the whole answer to a message that could not be read: head and body.
// The status is net/http's.
type Refuse func(from net.Addr, status int) []byte

const (
	writeLimit = 10 * time.Second
	goAhead    = "HTTP/1.1 100 Continue\r\n\r\n"
)

// conn is a connection that speaks HTTP/1.
type conn struct {
	net.Conn
	refuse  Refuse
	handled atomic.Bool // a handler has the request: what is written is its answer
	refused atomic.Bool
	ending  ending
	coming  coming
	watch   watch
	looks   atomic.Bool // a read of one byte is net/http's look for the client's end
	lines   []byte      // behind the status line of the answer that comes; see Lead
}

// secured is one with TLS; net/http asks it what was agreed upon.
type secured struct {
	conn
	state tls.ConnectionState
}

func (s *secured) ConnectionState() tls.ConnectionState { return s.state }

func (c *conn) front() *conn { return c }

// Read lets net/http's look for the client's end find nothing: a watch is kept instead.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 1 && c.looks.Load() {
		c.watch.begin()
		return 0, nil
	}
	n, err := c.Conn.Read(p)
	if !c.handled.Load() {
		c.coming.note(p[:n])
	}
	return n, err
}

// coming is the request that is being read.
type coming struct{ begun, head bool }

// note learns from its first bytes whether it is a HEAD, which net/http does not tell
// of what it cannot read. One that came together with an earlier one is taken for none.
func (c *coming) note(b []byte) {
	if !c.begun && len(b) > 0 {
		c.begun, c.head = true, bytes.HasPrefix(b, []byte("HEAD "))
	}
}

// Write replaces a refusal of net/http's. Where no handler has a request nothing
// else is written, so that bytes of an answer can never be taken for one.
func (c *conn) Write(b []byte) (int, error) {
	if c.handled.Load() {
		c.watch.moves.Store(moving)
		defer c.watch.moves.Store(moved)
		if final(b) {
			c.watch.answer()
			if c.lines != nil {
				return c.lead(b)
			}
		}
		return c.Conn.Write(b)
	}
	status := refusal(b)
	if status == 0 {
		return c.Conn.Write(b)
	}
	return len(b), c.answer(status, c.coming.head || bodiless(b))
}

func (c *conn) answer(status int, bodiless bool) error {
	c.refused.Store(true)
	_ = c.SetWriteDeadline(time.Now().Add(writeLimit))
	text := c.refuse(c.RemoteAddr(), status)
	if bodiless {
		text = text[:headLength(text)]
	}
	_, err := c.Conn.Write(text)
	return err
}

// bodiless holds for what net/http writes where it knew the request, and that it was
// a HEAD: neither a body nor the length of one.
func bodiless(b []byte) bool {
	return headLength(b) == len(b) && !bytes.Contains(b, []byte("\r\nContent-Length: "))
}

// headLength counts the empty line in.
func headLength(text []byte) int {
	if i := bytes.Index(text, []byte("\r\n\r\n")); i >= 0 {
		return i + len("\r\n\r\n")
	}
	return len(text)
}

// refusal is the status of an error's first line, 0 for anything else.
func refusal(b []byte) int {
	if len(b) < len("HTTP/1.1 400") || !bytes.HasPrefix(b, []byte("HTTP/1.")) || b[9] < '4' || b[9] > '5' {
		return 0
	}
	return int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
}

// CloseWrite ends our side alone; net/http looks for it.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// NetConn is the connection below, also below TLS: closing it waits for nobody.
func (c *conn) NetConn() net.Conn {
	if secure, ok := c.Conn.(*tls.Conn); ok {
		return secure.NetConn()
	}
	return c.Conn
}

// Lead makes the connection of a request write these lines of a header, each with
// its CRLF, behind the status line of the answer. net/http copies, sorts and checks
// every line of every answer; these are the same each time, and made once. It does
// not hold where the request did not come over a connection of Listen's that speaks
// HTTP/1: the lines then go the usual way.
func Lead(r *http.Request, lines []byte) bool {
	c, ok := r.Context().Value(key{}).(*conn)
	if ok {
		c.lines = lines
	}
	return ok
}

// final holds for the beginning of an answer that is not informational.
func final(b []byte) bool {
	return len(b) > len("HTTP/1.1 2") && bytes.HasPrefix(b, []byte("HTTP/1.")) && b[9] >= '2'
}

var leads = sync.Pool{New: func() any { return new([]byte) }}

// lead writes the beginning of an answer with the lines in it.
func (c *conn) lead(b []byte) (int, error) {
	buffer, _ := leads.Get().(*[]byte)
	defer leads.Put(buffer)
	status := bytes.IndexByte(b, '\n') + 1
	all := append(append(append((*buffer)[:0], b[:status]...), c.lines...), b[status:]...)
	more := len(c.lines)
	*buffer, c.lines = all, nil
	n, err := c.Conn.Write(all)
	return max(0, n-more), err
}

type fronted interface{ front() *conn }

type key struct{}

// Attach makes the server tell its connections which of them a handler has.
func Attach(server *http.Server) {
	next, note, with := server.Handler, server.ConnState, server.ConnContext
	stops := new(atomic.Bool)
	server.RegisterOnShutdown(func() { stops.Store(true) })
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(key{}).(*conn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		c.lines = nil
		c.ending.begin(r)
		c.watch.request(c.ending.endless.Load())
		c.handled.Store(true)
		next.ServeHTTP(w, r)
		c.ending.answered.Store(true)
	})
	server.ConnState = func(c net.Conn, state http.ConnState) {
		if f, ok := c.(fronted); ok {
			f.front().enters(state)
		}
		if note != nil {
			note(c, state)
		}
	}
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if f, ok := c.(fronted); ok {
			ctx = f.front().attach(ctx, stops)
		}
		if with != nil {
			ctx = with(ctx, c)
		}
		return ctx
	}
}

// attach makes the context of all the connection's requests. It ends with its client.
func (c *conn) attach(ctx context.Context, stops *atomic.Bool) context.Context {
	c.ending.stops = stops
	ctx, c.watch.left = context.WithCancel(ctx)
	c.watch.peer, _ = c.NetConn().(interface{ Peer() socket.Peer })
	c.watch.ask = func() error {
		_, err := io.WriteString(c.Conn, goAhead)
		return err
	}
	return context.WithValue(ctx, key{}, c)
}

func (c *conn) enters(state http.ConnState) {
	switch state {
	case http.StateIdle: // the answer is written
		c.coming = coming{}
		c.handled.Store(false)
		c.ending.answered.Store(false)
		c.looks.Store(false)
		c.watch.end()
	case http.StateHijacked:
		c.lines = nil
		c.looks.Store(false)
		c.watch.end()
	case http.StateActive: // the head is read; net/http begins to look before it asks the handler
		c.looks.Store(true)
	case http.StateNew, http.StateClosed:
	}
}
