package front

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/socket"
)

// seen is another end of a connection, at each look.
type seen struct {
	each  []socket.Peer // the last one lasts
	looks int
}

func (s *seen) Peer() socket.Peer {
	at := min(s.looks, len(s.each)-1)
	s.looks++
	return s.each[at]
}

func TestWatch(t *testing.T) {
	t.Parallel()
	const here, ended, gone = socket.Here, socket.Ended, socket.Gone
	for name, test := range map[string]struct {
		each  []socket.Peer
		takes time.Duration // the request
		left  time.Duration // 0: never
		looks int
	}{
		"short":                           {[]socket.Peer{gone}, lookAfter - 1, 0, 0},
		"gone":                            {[]socket.Peer{gone}, time.Hour, lookAfter, 1},
		"gone later":                      {[]socket.Peer{here, here, gone}, time.Hour, 4 * lookAfter, 3},
		"half closed, and answered":       {[]socket.Peer{here, ended}, 2*lookAfter + grace - 1, 0, 2},
		"half closed, and for too long":   {[]socket.Peer{ended}, time.Hour, lookAfter + grace, 2},
		"half closed, and reset":          {[]socket.Peer{ended, gone}, time.Hour, lookAfter + grace, 2},
		"there: looked at less and less":  {[]socket.Peer{here}, 10 * time.Second, 0, 14},
		"there: every second in the end":  {[]socket.Peer{here}, 110 * time.Second, 0, 114},
		"there, and answered at the look": {[]socket.Peer{here}, lookAfter + 1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, left := time.Now(), time.Duration(0)
				peer := &seen{each: test.each}
				w := watch{peer: peer, left: func() { left = time.Since(began) }}
				for range 2 { // a connection carries more than one
					began, peer.looks = time.Now(), 0
					w.begin()
					<-time.After(test.takes)
					synctest.Wait()
					w.end()
					if left != test.left || peer.looks != test.looks {
						t.Fatalf("left after %s and %d looks, want %s and %d", left, peer.looks, test.left, test.looks)
					}
				}
			})
		})
	}
}

// Of a real client, that went away in whatever way, the handler hears in time.
func TestWatch_clientThatLeaves(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(c *net.TCPConn){
		"by closing": func(c *net.TCPConn) { c.Close() },
		"by a reset": func(c *net.TCPConn) {
			_ = c.SetLinger(0)
			c.Close()
		},
		"behind another request": func(c *net.TCPConn) {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived, left := make(chan struct{}), make(chan error, 1)
			addr := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				close(arrived)
				<-r.Context().Done()
				left <- r.Context().Err()
			})
			c := dial(t, addr)
			_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
			<-arrived
			leave(c.(*net.TCPConn))
			select {
			case err := <-left:
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the request goes on for nobody")
			}
		})
	}
}

// A client may close its side behind its request: `printf ... | nc` does.
func TestWatch_halfClosedClientGetsItsAnswer(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(lookAfter + grace/2):
			_, _ = io.WriteString(w, "all of it")
		case <-r.Context().Done():
		}
	})
	c := dial(t, addr)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = c.(*net.TCPConn).CloseWrite()
	if answer, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(answer), "\r\n\r\nall of it") {
		t.Errorf("%q, %v", answer, err)
	}
}

// The end of a connection ends what its handler does, whoever ends it.
func TestWatch_serverThatCloses(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived, left := make(chan struct{}), make(chan struct{})
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	})}
	Attach(server)
	go func() { _ = server.Serve(Listen(l, nil, nil)) }()
	_, _ = io.WriteString(dial(t, l.Addr().String()), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	server.Close()
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Fatal("the handler goes on")
	}
}
