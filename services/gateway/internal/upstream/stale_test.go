//go:build unix

package upstream

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/socket"
)

// A service may end its side of an idle connection between two looks at it, and need
// not say so again.
func TestAsk_anEndThatCameBeforeIsNotMissed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	c := &conn{net: ours, socket: socket.NewAsker(ours), used: true}
	c.in.src = ours
	c.in.borrow(&smallBuffers)
	if half, ok := theirs.(*net.TCPConn); !ok || half.CloseWrite() != nil {
		t.Fatal("its side stays open")
	}
	c.socket.Wait()
	_ = ours.SetReadDeadline(time.Now().Add(2 * time.Second))
	if err := c.ask([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); !errors.Is(err, socket.ErrStale) {
		t.Errorf("asked all the same: %v", err)
	}
}
