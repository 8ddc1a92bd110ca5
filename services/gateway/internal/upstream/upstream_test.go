package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// through serves a proxy with these times to a service and returns its address
// and a channel of the errors that Serve returned.
func through(t *testing.T, target string, times upstream.Times) (address string, errs chan error) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := upstream.New(upstream.Proxy{Service: upstream.NewService("test", u, upstream.Options{}), Times: times, MaxBody: 1 << 20})
	errs = make(chan error, 64)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := p.Serve(w, r, &upstream.Outgoing{})
		errs <- err
		if err != nil {
			w.WriteHeader(problem.From(err).Status)
		}
	}))
	t.Cleanup(front.Close)
	return front.URL, errs
}

var quick = upstream.Times{FirstByte: 150 * time.Millisecond, Idle: 150 * time.Millisecond}

func ask(t *testing.T, address string) (status int, body int64, err error) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	return res.StatusCode, n, err
}

// rawService answers every connection with these bytes; with hold it then waits
// for the client to go.
func rawService(t *testing.T, answer string, hold bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				_, _ = io.WriteString(c, answer)
				if hold {
					_, _ = io.Copy(io.Discard, in)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// GW-15: services that lie, hang or break.
func TestServe_boundsWhatAServiceAnswers(t *testing.T) {
	t.Parallel()
	wide := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: " + strings.Repeat("a", 10<<20) + "\r\n\r\n"
	many := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + strings.Repeat("X-A: b\r\n", 20_000) + "\r\n"
	for name, tc := range map[string]struct {
		answer string
		hold   bool
		want   error
	}{
		"header of 10 MiB":       {wide, false, upstream.ErrBroken},
		"header of 20,000 lines": {many, false, upstream.ErrBroken},
		"hangs":                  {"", true, upstream.ErrTooSlow},
		"hangs in the header":    {"HTTP/1.1 200 OK\r\nX-A: ", true, upstream.ErrTooSlow},
		"closes at once":         {"", false, upstream.ErrBroken},
		"closes in the header":   {"HTTP/1.1 200 OK\r\nX-A: ", false, upstream.ErrBroken},
		"no HTTP":                {"SSH-2.0-OpenSSH_9.9\r\n", false, upstream.ErrBroken},
		"two lengths":            {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", false, upstream.ErrBroken},
		"switches protocols":     {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", true, upstream.ErrBroken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			times := quick
			if !errors.Is(tc.want, upstream.ErrTooSlow) {
				times.FirstByte = 5 * time.Second // only those that hang are to run into it
			}
			address, errs := through(t, rawService(t, tc.answer, tc.hold), times)
			begin := time.Now()
			status, _, err := ask(t, address)
			if got := <-errs; !errors.Is(got, tc.want) || err != nil || status != problem.From(tc.want).Status {
				t.Errorf("%v, answered %d (%v)", got, status, err)
			}
			if took := time.Since(begin); errors.Is(tc.want, upstream.ErrTooSlow) && took > 2*time.Second {
				t.Errorf("after %s", took)
			}
		})
	}
}

func TestServe_aServiceThatIsAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	address, errs := through(t, "http://"+l.Addr().String(), quick)
	if status, _, _ := ask(t, address); status != http.StatusServiceUnavailable {
		t.Errorf("answered %d", status)
	}
	if err := <-errs; !errors.Is(err, upstream.ErrAway) || problem.From(err).RetryAfter == 0 {
		t.Errorf("%v", err)
	}
}

func TestServe_anAnswerThatStopsMovingIsCutVisibly(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"length":          "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
		"chunks":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"malformed chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := through(t, rawService(t, answer, true), quick)
			begin := time.Now()
			_, n, err := ask(t, address)
			if err == nil {
				t.Errorf("%d bytes came and no error", n)
			}
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("after %s", took)
			}
		})
	}
}

func TestServe_theWholeIsBoundedWhereTheClassSaysSo(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // always moving, never done
			if _, err := w.Write([]byte("x")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}))
	defer service.Close()
	address, _ := through(t, service.URL, upstream.Times{FirstByte: time.Second, Idle: time.Second, Whole: 200 * time.Millisecond})
	begin := time.Now()
	if _, n, err := ask(t, address); err == nil || time.Since(begin) > 2*time.Second {
		t.Errorf("%d bytes, %v after %s", n, err, time.Since(begin))
	}
}

// dribble sends a request's head and then one byte at a time.
func dribble(t *testing.T, address string, every time.Duration) (status int, took time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	begin := time.Now()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
	ctx, done := context.WithCancel(t.Context())
	defer done()
	if every > 0 {
		go func() {
			for ctx.Err() == nil {
				if _, err := conn.Write([]byte("x")); err != nil {
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(every):
				}
			}
		}()
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, time.Since(begin)
}

// GW-11
func TestServe_slowBodiesAreCutOff(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer service.Close()
	for name, every := range map[string]time.Duration{"silent": 0, "a byte every 20 ms": 20 * time.Millisecond} {
		address, errs := through(t, service.URL, upstream.Times{FirstByte: time.Second, Idle: 200 * time.Millisecond})
		status, took := dribble(t, address, every)
		if err := <-errs; status != http.StatusRequestTimeout || !errors.Is(err, problem.Timeout) || took > 2*time.Second {
			t.Errorf("%s: %d, %v after %s", name, status, err, took)
		}
	}
}

func TestServe_aServiceThatStopsTakingTheBody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer service.Close()
	defer close(release)
	u, _ := url.Parse(service.URL)
	p := upstream.New(upstream.Proxy{Service: upstream.NewService("test", u, upstream.Options{}), Times: quick, MaxBody: 1 << 40})
	errs := make(chan error, 1)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := p.Serve(w, r, &upstream.Outgoing{})
		errs <- err
		w.WriteHeader(problem.From(err).Status)
	}))
	defer front.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, front.URL, zeros{})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 1 << 38
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
	select {
	case err := <-errs:
		if !errors.Is(err, upstream.ErrTooSlow) {
			t.Errorf("%v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still waiting")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestServe_boundsTheBodyOfUnknownLength(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer service.Close()
	address, errs := through(t, service.URL, upstream.Times{FirstByte: time.Second, Idle: time.Second})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, io.LimitReader(zeros{}, 1<<20+1))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(req); err == nil {
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d", res.StatusCode)
		}
		res.Body.Close()
	}
	if err := <-errs; !errors.Is(err, problem.TooLarge) {
		t.Errorf("%v", err)
	}
}

func TestServe_reusesConnections(t *testing.T) {
	t.Parallel()
	opened := make(chan struct{}, 100)
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	service.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened <- struct{}{}
		}
	}
	service.Start()
	defer service.Close()
	address, _ := through(t, service.URL, quick)
	for range 20 {
		res, err := http.Post(address, "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	if n := len(opened); n > 2 {
		t.Errorf("20 requests opened %d connections", n)
	}
}
