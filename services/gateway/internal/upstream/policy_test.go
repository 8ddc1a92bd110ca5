package upstream_test

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// front serves a proxy; out makes what each request carries, and may be nil.
func front(t *testing.T, p upstream.Proxy, out func() *upstream.Outgoing) string {
	t.Helper()
	if p.Times == (upstream.Times{}) {
		p.Times = upstream.Times{FirstByte: 5 * time.Second, Idle: 5 * time.Second}
	}
	proxy := upstream.New(p)
	t.Cleanup(p.Service.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := &upstream.Outgoing{}
		if out != nil {
			o = out()
		}
		if err := proxy.Serve(w, r, o); err != nil {
			w.Header().Set("X-Code", problem.From(err).Code)
			w.WriteHeader(problem.From(err).Status)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func service(t testing.TB, address string, o upstream.Options) *upstream.Service {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return upstream.NewService("test", u, o)
}

func send(t *testing.T, method, address string, lines ...string) (res *http.Response, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	res, err = (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// GW-17
func TestService_isNotAskedForMoreThanItsShare(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	back := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer back.Close()
	s := service(t, back.URL, upstream.Options{MaxInFlight: 2})
	address := front(t, upstream.Proxy{Service: s}, nil)
	done := make(chan struct{}, 2)
	for range 2 {
		go func() {
			_, _, _ = ask(t, address)
			done <- struct{}{}
		}()
		<-arrived
	}
	if got := s.State(); got.InFlight != 2 || got.Open {
		t.Errorf("%+v", got)
	}
	if res, _ := send(t, "GET", address); res.StatusCode != 503 || res.Header.Get("X-Code") != "UPSTREAM_BUSY" {
		t.Errorf("%d %s", res.StatusCode, res.Header.Get("X-Code"))
	}
	close(release)
	<-done
	<-done
	if res, _ := send(t, "GET", address); res.StatusCode != 200 {
		t.Errorf("afterwards %d", res.StatusCode)
	}
}

// GW-17: who is away is not asked each time, and is found again.
func TestService_theCircuitOpensAndClosesAgain(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s := service(t, "http://"+address, upstream.Options{})
	door := front(t, upstream.Proxy{Service: s}, nil)
	for range 5 {
		if res, _ := send(t, "POST", door); res.StatusCode != 503 {
			t.Fatalf("%d", res.StatusCode)
		}
	}
	if !s.State().Open {
		t.Fatal("the circuit is closed")
	}
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	back := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: time.Second}
	go func() { _ = back.Serve(l) }()
	defer back.Close()
	if res, _ := send(t, "GET", door); res.StatusCode != 503 || res.Header.Get("X-Code") != "UPSTREAM_UNAVAILABLE" {
		t.Errorf("while open: %d", res.StatusCode)
	}
	end := time.After(10 * time.Second)
	for s.State().Open {
		select {
		case <-end:
			t.Fatal("still open")
		case <-time.After(50 * time.Millisecond):
			send(t, "GET", door)
		}
	}
	if res, _ := send(t, "GET", door); res.StatusCode != 200 {
		t.Errorf("after: %d", res.StatusCode)
	}
}

// GW-16: at most a tenth more calls, and none of a request that changes something.
func TestRetries_areForIdempotentRequestsAndUnderABudget(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	back := listen(t, func(c net.Conn) {
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			calls.Add(1)
		}
	})
	for method, want := range map[string][2]int32{"GET": {41, 44}, "DELETE": {41, 44}, "POST": {40, 40}, "PATCH": {40, 40}} {
		calls.Store(0)
		address := front(t, upstream.Proxy{Retry: upstream.Idempotent, Service: service(t, back, upstream.Options{})}, nil)
		for range 40 {
			if res, _ := send(t, method, address); res.StatusCode != 502 {
				t.Fatalf("%s: %d", method, res.StatusCode)
			}
		}
		if n := calls.Load(); n < want[0] || n > want[1] {
			t.Errorf("%s: 40 requests made %d calls", method, n)
		}
	}
	calls.Store(0)
	send(t, "GET", front(t, upstream.Proxy{Retry: upstream.Never, Service: service(t, back, upstream.Options{})}, nil))
	if n := calls.Load(); n != 1 {
		t.Errorf("a class without retries: %d calls", n)
	}
}

func TestAnswer_trailersThatWereAnnouncedArrive(t *testing.T) {
	t.Parallel()
	back := rawService(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\nSet-Cookie: a=b\r\nX-Other: c\r\n\r\n", true)
	res, body := send(t, "GET", front(t, upstream.Proxy{Retry: upstream.Idempotent, Service: service(t, back, upstream.Options{})}, nil))
	if body != "ok" || res.Trailer.Get("X-Sum") != "7" || len(res.Trailer) != 1 {
		t.Errorf("%q %v", body, res.Trailer)
	}
}

func TestOutgoing_theTimeLeftIsHandedOn(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	back := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header }))
	defer back.Close()
	address := front(t, upstream.Proxy{Service: service(t, back.URL, upstream.Options{}), ForwardedHost: "codex.example", ForwardedProto: "https"}, func() *upstream.Outgoing {
		return &upstream.Outgoing{Deadline: time.Now().Add(3 * time.Second), Forwarded: "for=192.0.2.1", Client: "192.0.2.1", Authorization: "Bearer t"}
	})
	send(t, "GET", address, "Authorization: Bearer theirs", "Forwarded: for=evil", "X-Request-Timeout: 99999999", "X-Forwarded-For: evil")
	h := <-got
	if ms := h["X-Request-Timeout"]; len(ms) != 1 || len(ms[0]) > 4 {
		t.Errorf("time left %v", ms)
	}
	for name, want := range map[string]string{"Forwarded": "for=192.0.2.1", "X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer t", "X-Forwarded-Host": "codex.example", "X-Forwarded-Proto": "https"} {
		if len(h[name]) != 1 || h.Get(name) != want {
			t.Errorf("%s: %v", name, h[name])
		}
	}
}

func TestDone_endsAStreamingAnswer(t *testing.T) {
	t.Parallel()
	for kind, broken := range map[string]bool{"text/event-stream": false, "application/octet-stream": true} {
		back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}))
		defer back.Close()
		done := make(chan struct{})
		address := front(t, upstream.Proxy{Service: service(t, back.URL, upstream.Options{})}, func() *upstream.Outgoing { return &upstream.Outgoing{Done: done} })
		res, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.ReadFull(res.Body, make([]byte, 9)); err != nil {
			t.Fatal(err)
		}
		close(done)
		if _, err := io.ReadAll(res.Body); (err != nil) != broken {
			t.Errorf("%s: ended with %v", kind, err)
		}
	}
}

func TestService_overTLSIsTheSame(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	back := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	back.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	back.Config.ErrorLog = log.New(io.Discard, "", 0)
	back.StartTLS()
	defer back.Close()
	transport, _ := back.Client().Transport.(*http.Transport)
	for name, o := range map[string]upstream.Options{"trusted": {TLS: transport.TLSClientConfig}, "unknown": {}} {
		opened.Store(0)
		address := front(t, upstream.Proxy{Service: service(t, back.URL, o), MaxBody: 1 << 20}, nil)
		for range 10 {
			res, err := http.Post(address, "text/plain", strings.NewReader(strings.Repeat("hello", 20_000)))
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if name == "trusted" && (err != nil || n != 100_000 || res.StatusCode != 200) {
				t.Errorf("%d, %d bytes, %v", res.StatusCode, n, err)
			}
			if name == "unknown" && res.StatusCode != 503 {
				t.Errorf("answered %d from behind a certificate that nobody knows", res.StatusCode)
			}
		}
		if n := opened.Swap(0); name == "trusted" && n > 2 {
			t.Errorf("10 requests opened %d connections", n)
		}
	}
}

// GW-18
func TestUpgrade_webSocketIsATunnelWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	// The key and its answer are those of RFC 6455 §1.3.
	back := listen(t, func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.Header.Get("Upgrade") == "" {
			_, _ = io.WriteString(c, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: b\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello ")
		_, _ = io.Copy(c, in)
	})
	handshake := "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for allowed, want := range map[bool]int{true: 101, false: 426} {
		done := make(chan struct{})
		address := front(t, upstream.Proxy{Service: service(t, back, upstream.Options{}), Upgrade: allowed}, func() *upstream.Outgoing { return &upstream.Outgoing{Done: done} })
		c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(c, handshake)
		in := bufio.NewReader(c)
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != want {
			t.Fatalf("allowed %v: %v, %v", allowed, res, err)
		}
		if !allowed {
			continue
		}
		_, _ = io.WriteString(c, "world")
		got := make([]byte, len("hello world"))
		if _, err := io.ReadFull(in, got); err != nil || string(got) != "hello world" {
			t.Errorf("%q, %v", got, err)
		}
		close(done) // the session was revoked
		if _, err := in.ReadByte(); err == nil || errors.Is(err, http.ErrHandlerTimeout) {
			t.Errorf("the tunnel goes on: %v", err)
		}
	}
}
