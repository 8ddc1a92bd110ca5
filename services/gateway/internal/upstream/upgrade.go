package upstream

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 §4.2.2 asks for it; it keeps nothing safe
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/strict"
)

// upgrades holds where a client asks for WebSocket and its class allows it.
func (p *Proxy) upgrades(r *http.Request) bool {
	return p.Upgrade && strict.WebSocket(r)
}

// switched holds when the service has changed to what was asked for.
func switched(r *http.Request, a *answer) bool {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see the import
	return strings.EqualFold(a.get("Upgrade"), "websocket") && hasToken(a.get("Connection"), "upgrade") &&
		a.get("Sec-Websocket-Accept") == base64.StdEncoding.EncodeToString(sum[:])
}

// tunnel joins the client's connection with the service's until one of them ends,
// is silent for the idle time, or the caller may not go on.
func (e *exchange) tunnel() error {
	if !switched(e.r, &e.conn.answer) {
		return wrap(ErrBroken, errors.New("an answer to another handshake"))
	}
	if e.out.Answerer != nil {
		e.out.Answerer.Answer(e.conn.answer.status, e.w.Header())
	}
	client, buffered, err := http.NewResponseController(e.w).Hijack()
	if err != nil {
		return wrap(ErrBroken, err)
	}
	defer func() { _ = client.Close() }()
	_ = client.SetDeadline(time.Time{})
	c := e.conn
	e.touch()
	if _, err := client.Write(e.switching()); err != nil {
		return nil //nolint:nilerr // the client has left: there is nobody to tell
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.move(c.net, buffered.Reader)
		c.kill(io.EOF)
	}()
	e.move(client, io.MultiReader(strings.NewReader(string(c.in.buf[c.in.r:c.in.w])), c.net))
	_ = client.Close()
	<-ended
	return nil
}

// switching is the 101 with the lines of the handshake and no others.
func (e *exchange) switching() []byte {
	b := []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
	for _, f := range e.conn.answer.fields {
		if strings.HasPrefix(f.name, "Sec-Websocket-") {
			b = appendLine(b, f.name, f.value)
		}
	}
	return append(b, "\r\n"...)
}

// touch starts the idle time anew.
func (e *exchange) touch() { e.conn.until.Store(clock(time.Now().Add(e.proxy.Times.Idle))) }

func (e *exchange) move(to net.Conn, from io.Reader) {
	buffer, _ := bigBuffers.Get().(*[]byte)
	defer bigBuffers.Put(buffer)
	for {
		n, err := from.Read(*buffer)
		e.touch()
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(e.proxy.Times.Idle))
			if _, err := to.Write((*buffer)[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
