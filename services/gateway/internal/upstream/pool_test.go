package upstream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// GW-16: a POST is not repeated, so it must not meet a connection that has ended.
func TestPool_noRequestMeetsAConnectionThatEndedWhileIdle(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 1)
	back := listen(t, func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
		c.Close()
		closed <- struct{}{}
	})
	address := front(t, upstream.Proxy{Service: service(t, back, upstream.Options{}), MaxBody: 1 << 20}, nil)
	for range 50 {
		res, err := http.Post(address, "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 200 {
			t.Fatalf("answered %d", res.StatusCode)
		}
		<-closed
	}
}

func TestPool_closeEndsIdleConnections(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	back := listen(t, func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_, _ = in.ReadByte()
		close(ended)
	})
	s := service(t, back, upstream.Options{})
	send(t, "GET", front(t, upstream.Proxy{Service: s}, nil))
	s.Close()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("still open")
	}
}

// GW-17: half of fifty exchanges without an answer are enough.
func TestService_theCircuitOpensForOneThatHangs(t *testing.T) {
	t.Parallel()
	s := service(t, rawService(t, "", true), upstream.Options{})
	address := front(t, upstream.Proxy{Service: s, Times: quick}, nil)
	done := make(chan struct{})
	for range 60 {
		go func() {
			_, _, _ = ask(t, address)
			done <- struct{}{}
		}()
	}
	for range 60 {
		<-done
	}
	if !s.State().Open {
		t.Errorf("closed: %+v", s.State())
	}
	began := time.Now()
	if res, _ := send(t, "GET", address); res.StatusCode != 503 || time.Since(began) > time.Second {
		t.Errorf("%d after %s", res.StatusCode, time.Since(began))
	}
}

// What ends one connection will soon end the others: a POST must not meet that.
func TestPool_aServiceThatEndsOneConnectionLosesTheIdleOnes(t *testing.T) {
	t.Parallel()
	here, both, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}, 2)
	back := listen(t, func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				ended <- struct{}{}
				return
			}
			if r.URL.Path == "/together" {
				here <- struct{}{}
				<-both
			}
			last := ""
			if r.URL.Path == "/last" {
				last = "Connection: close\r\n"
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"+last+"Content-Length: 2\r\n\r\nok")
		}
	})
	s := service(t, back, upstream.Options{})
	address := front(t, upstream.Proxy{Service: s}, nil)
	done := make(chan error, 2)
	for range 2 {
		go func() {
			res, err := http.Get(address + "/together")
			if err == nil {
				res.Body.Close()
			}
			done <- err
		}()
	}
	for range 2 {
		<-here
	}
	close(both)
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for s.State().Idle != 2 { // the handlers put them back after the answers
		runtime.Gosched()
	}
	res, err := http.Get(address + "/last")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for range 2 { // the one that was idle, and the one that was answered
		<-ended
	}
	if idle := s.State().Idle; idle != 0 {
		t.Errorf("%d are still idle", idle)
	}
}
