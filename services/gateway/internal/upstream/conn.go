package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/socket"
)

// Why a connection was ended under an exchange.
var (
	errLate    = errors.New("the service took too long")
	errGone    = errors.New("the client is gone")
	errRevoked = errors.New("the caller may not go on")
)

// conn is one connection to a service. Only one exchange uses it at a time; the
// service's watch ends it when the exchange must not go on.
type conn struct {
	net    net.Conn
	socket *socket.Asker // below TLS; nil: not known
	in     reader
	answer answer
	used   bool  // has carried an exchange
	since  int64 // idle from then

	until atomic.Int64 // when the exchange is given up, as clock tells it; 0: never

	mu     sync.Mutex
	client context.Context //nolint:containedctx // the exchange's, watched while it lasts
	done   <-chan struct{}
	killed error
}

var epoch = time.Now()

// clock is the time since the process began: monotonic.
func clock(now time.Time) int64 { return int64(now.Sub(epoch)) }

func (s *Service) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	tcp, err := s.dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	c := &conn{net: tcp, socket: socket.NewAsker(tcp)}
	if s.tls != nil {
		secure := tls.Client(tcp, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = tcp.Close()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
		c.net = secure
	}
	c.in.src = c.net
	s.watchOver(c)
	return c, nil
}

// begin puts the connection at the service of one exchange.
func (c *conn) begin(client context.Context, done <-chan struct{}, until int64) {
	c.until.Store(until)
	c.mu.Lock()
	c.client, c.done = client, done
	c.mu.Unlock()
}

// release takes the exchange off; it fails where the watch was faster.
func (c *conn) release() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client, c.done = nil, nil
	return c.killed == nil
}

// kill ends the connection for a reason: who reads or writes on it wakes up.
func (c *conn) kill(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed == nil {
		c.killed = why
		_ = c.net.Close()
	}
}

// cause is why the watch ended it; nil when it did not.
func (c *conn) cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killed
}

// check ends an exchange that must not go on.
func (c *conn) check(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client == nil || c.killed != nil {
		return
	}
	select {
	case <-c.done:
		c.killed = errRevoked
	default:
		until := c.until.Load()
		switch {
		case c.client.Err() != nil:
			c.killed = errGone
		case until != 0 && now > until:
			c.killed = errLate
		default:
			return
		}
	}
	_ = c.net.Close()
}

// asks holds for a connection that looks itself, as it is asked, whether it is still
// fit for use. Under TLS the records are not for us to read.
func (c *conn) asks() bool {
	_, secure := c.net.(*tls.Conn)
	return !secure && c.socket != nil
}

// ask sends a head, which may lie in the buffer, and reads the beginning of what
// comes back, where it can.
func (c *conn) ask(head []byte) error {
	if !c.asks() {
		_, err := c.net.Write(head)
		return err
	}
	n, err := c.socket.Ask(head, c.in.buf, c.used)
	c.in.w = n
	return err
}

// quiet holds when nothing has come on an idle connection: neither its end nor
// bytes that no request asked for, which the next one would take for its answer.
func (c *conn) quiet() bool {
	if c.socket == nil || !c.socket.Quiet() {
		return false
	}
	secure, ok := c.net.(*tls.Conn)
	if !ok {
		return true
	}
	// A record may have been decrypted further than its answer went.
	_ = secure.SetReadDeadline(time.Unix(1, 0))
	var one [1]byte
	_, err := secure.Read(one[:])
	var late net.Error
	return errors.As(err, &late) && late.Timeout() && secure.SetReadDeadline(time.Time{}) == nil
}
