package front

import (
	"bufio"
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
	const here, ended, full, gone = socket.Here, socket.Ended, socket.Full, socket.Gone
	for name, test := range map[string]struct {
		each  []socket.Peer
		old   bool          // nothing can be asked
		takes time.Duration // the request
		left  time.Duration // 0: never
		looks int
		asked int
	}{
		"short":                              {[]socket.Peer{gone}, false, lookAfter - 1, 0, 0, 0},
		"gone":                               {[]socket.Peer{gone}, false, time.Hour, lookAfter, 1, 0},
		"gone later":                         {[]socket.Peer{here, here, gone}, false, time.Hour, 4 * lookAfter, 3, 0},
		"half closed":                        {[]socket.Peer{here, ended}, false, 10 * time.Second, 0, 14, 1},
		"half closed, and gone":              {[]socket.Peer{ended, gone}, false, time.Hour, 2 * lookAfter, 2, 1},
		"half closed, and asked when it can": {[]socket.Peer{full, full, ended}, false, 10 * time.Second, 0, 14, 1},
		"half closed with HTTP/1.0":          {[]socket.Peer{ended}, true, 10 * time.Second, 0, 14, 0},
		"half closed with HTTP/1.0, gone":    {[]socket.Peer{ended, gone}, true, 10 * time.Second, 2 * lookAfter, 2, 0},
		"half closed later, with HTTP/1.0":   {[]socket.Peer{here, ended}, true, time.Hour, 2 * lookAfter, 2, 0},
		"there: looked at less and less":     {[]socket.Peer{here}, false, 10 * time.Second, 0, 14, 0},
		"there: every second in the end":     {[]socket.Peer{here}, false, 110 * time.Second, 0, 114, 0},
		"there, and answered after the look": {[]socket.Peer{here}, false, lookAfter + 1, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, left, asked := time.Now(), time.Duration(0), 0
				peer := &seen{each: test.each}
				w := watch{peer: peer, left: func() { left = time.Since(began) }, ask: func() error {
					asked++
					return nil
				}}
				for range 2 { // a connection carries more than one
					began, peer.looks, asked = time.Now(), 0, 0
					w.request(test.old)
					w.begin()
					<-time.After(test.takes)
					synctest.Wait()
					w.end()
					if left != test.left || peer.looks != test.looks || asked != test.asked {
						t.Fatalf("left after %s, %d looks and %d questions, want %s, %d and %d",
							left, peer.looks, asked, test.left, test.looks, test.asked)
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
		"while the answer goes on": func(c *net.TCPConn) {
			_, _ = bufio.NewReader(c).ReadString('\n')
			<-time.After(2 * lookAfter)
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
			addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
				close(arrived)
				if strings.Contains(name, "answer") {
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
				left <- r.Context().Err()
			})
			c := dial(t, addr)
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
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

// A client that ends its sending side behind its request, as `printf ... | nc` does,
// gets all of the answer, however long that takes.
func TestWatch_halfClosedClientGetsItsAnswer(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		pause := func() {
			select {
			case <-time.After(4 * lookAfter):
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		}
		if r.URL.Path == "/slow" {
			pause()
		}
		for range 3 {
			_, _ = io.WriteString(w, "piece ")
			_ = http.NewResponseController(w).Flush()
			pause()
		}
	})
	for name, request := range map[string]string{
		"a slow answer":             "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
		"one that takes long":       "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"both":                      "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
		"to a body":                 "PUT /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
		"a slow one in HTTP/1.0":    "GET /slow HTTP/1.0\r\n\r\n",
		"on a connection that ends": "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, addr)
			_, _ = io.WriteString(c, request)
			_ = c.(*net.TCPConn).CloseWrite()
			in := bufio.NewReader(c)
			for range strings.Count(request, "HTTP/1.") {
				res, err := http.ReadResponse(in, nil)
				for err == nil && res.StatusCode == http.StatusContinue {
					res, err = http.ReadResponse(in, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				if body, err := io.ReadAll(res.Body); string(body) != "piece piece piece " || err != nil {
					t.Fatalf("%q, %v", body, err)
				}
			}
			if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
				t.Errorf("behind it came %q, %v", rest, err)
			}
		})
	}
}

// Whoever ends its sending side while the answer comes gets the rest of it, as long as
// there is some on its way: that tells whether the client has left.
func TestWatch_halfClosedWhileTheAnswerMoves(t *testing.T) {
	t.Parallel()
	const piece, pieces = 1 << 20, 40
	for name, every := range map[string]time.Duration{"the service takes its time": lookAfter / 2, "the client does": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for range pieces {
					_, _ = w.Write(make([]byte, piece))
					_ = http.NewResponseController(w).Flush()
					<-time.After(every)
					if r.Context().Err() != nil {
						panic(http.ErrAbortHandler)
					}
				}
			})
			c := dial(t, addr)
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			in := bufio.NewReader(c)
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			pause := func() {
				if every == 0 {
					<-time.After(10 * lookAfter)
				}
			}
			pause()
			_, _ = io.CopyN(io.Discard, res.Body, pieces/4*piece)
			_ = c.(*net.TCPConn).CloseWrite()
			pause()
			if n, err := io.Copy(io.Discard, res.Body); n != pieces*3/4*piece || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
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

// A client that reads nothing cannot be asked. Neither the look for it nor who closes
// the connection waits until it does.
func TestWatch_clientThatReadsNothing(t *testing.T) {
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
	}), ConnContext: func(ctx context.Context, c net.Conn) context.Context { // full, as behind the answer to an earlier request
		much := make([]byte, 32<<20)
		for n := 1; n > 0; {
			_ = c.SetWriteDeadline(time.Now().Add(lookAfter))
			n, _ = c.(*conn).Conn.Write(much)
		}
		_ = c.SetWriteDeadline(time.Time{})
		return ctx
	}}
	Attach(server)
	go func() { _ = server.Serve(Listen(l, nil, nil)) }()
	c := dial(t, l.Addr().String())
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = c.(*net.TCPConn).CloseWrite()
	<-arrived
	<-time.After(4 * lookAfter)
	select {
	case <-left:
		t.Fatal("a client that waits is taken for one that has left")
	default:
	}
	closed := make(chan struct{})
	go func() {
		server.Close()
		close(closed)
	}()
	for _, done := range []chan struct{}{closed, left} {
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("whoever closes the connection waits for its client")
		}
	}
}

// net/http's look may be ahead of the handler, and finds nothing then either.
func TestWatch_lookAheadOfTheHandler(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	c := &conn{Conn: ours}
	theirs.Close()
	for range 2 { // a connection carries more than one
		c.enters(http.StateActive)
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		c.enters(http.StateIdle)
		if _, err := c.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // io.EOF itself, as io.Reader promises
			t.Fatal(err)
		}
	}
}
