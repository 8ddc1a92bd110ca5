package front

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serve runs a server as the gateway does, and gives its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second}
	Attach(server)
	go func() {
		_ = server.Serve(Listen(l, nil, func(net.Addr, int) []byte { return []byte("HTTP/1.1 400 No\r\n\r\n") }))
	}()
	t.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// Requests that are sent before the answer to the last one are read, whether that
// takes longer than the look for the client's end or not.
func TestRead_pipelinedRequests(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-time.After(2 * lookAfter)
		}
		_, _ = io.WriteString(w, r.URL.Path)
	})
	c := dial(t, addr)
	for _, path := range []string{"/1", "/slow", "/2", "/slow", "/3"} {
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	in := bufio.NewReader(c)
	for _, path := range []string{"/1", "/slow", "/2", "/slow", "/3"} {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(res.Body); string(body) != path {
			t.Fatalf("answered %q to %s", body, path)
		}
	}
}

// Lines given to a request stand once, behind the status line of its own answer.
func TestLead(t *testing.T) {
	t.Parallel()
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/with" && !Lead(r, []byte("X-First: 1\r\nX-Second: 2\r\n")) {
			t.Error("not a connection of Listen's")
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "9000") // more than a server's buffer
		_, _ = io.WriteString(w, strings.Repeat("HTTP/1.1 ", 1000))
	})
	c := dial(t, addr)
	in := bufio.NewReader(c)
	for _, path := range []string{"/with", "/without", "/with"} {
		_, _ = io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
		if line, _ := in.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%s: %q", path, line)
		}
		if line, _ := in.ReadString('\n'); line != "\r\n" {
			t.Fatalf("%s: a go-ahead with %q", path, line)
		}
		_, _ = io.WriteString(c, "ab")
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || string(body) != strings.Repeat("HTTP/1.1 ", 1000) {
			t.Fatalf("%s: %d bytes, %v", path, len(body), err)
		}
		want := path == "/with"
		if got := res.Header.Get("X-First") == "1" && res.Header.Get("X-Second") == "2"; got != want {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
}

// Lines that no answer took do not get into what follows on a connection that is
// somebody else's.
func TestLead_hijackedConnection(t *testing.T) {
	t.Parallel()
	const switched = "HTTP/1.1 101 Switching Protocols\r\n\r\n"
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		Lead(r, []byte("X-First: 1\r\n"))
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, switched)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
	})
	c := dial(t, addr)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, err := io.ReadAll(c); string(got) != switched+"HTTP/1.1 200 OK\r\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// What a client sends behind its last request does not cost it the answer.
func TestClose_theLastAnswerArrives(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) })
	for name, request := range map[string]string{
		"that is closed": "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "of HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
	} {
		c := dial(t, addr)
		_, _ = io.WriteString(c, request+strings.Repeat("more ", 20_000))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

// A client that is silent behind its answer is not waited for as long as it likes.
func TestClose_waitsForNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: 5 * time.Second, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}}
	Attach(server)
	go func() { _ = server.Serve(Listen(l, nil, nil)) }()
	t.Cleanup(func() { server.Close() })
	c := dial(t, l.Addr().String())
	_, _ = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 404 ") {
		t.Fatalf("%q, %v", answer, err)
	}
	select {
	case <-closed:
	case <-time.After(5 * time.Second):
		t.Fatal("the connection stays")
	}
}
