package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// serve starts a server and gives its addresses, the way to stop it and its end.
func serve(t *testing.T, s httpapi.ServeSettings, h http.Handler) (public, private string, stop func(), end <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	addrs := make(chan [2]string, 1)
	s.Addr, s.PrivateAddr = "127.0.0.1:0", "127.0.0.1:0"
	s.Listening = func(public, private net.Addr) { addrs <- [2]string{public.String(), private.String()} }
	log := (&logs{}).logger()
	s.Health = httpapi.NewHealth(log)
	done := make(chan error, 1)
	go func() {
		done <- httpapi.Serve(ctx, s, h, httpapi.Private(s.Health, http.NotFoundHandler(), false), log)
	}()
	got := <-addrs
	return "http://" + got[0], "http://" + got[1], cancel, done
}

func status(url string) int {
	res, err := http.Get(url)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// until waits for a thing, with an end.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if f() {
			return
		}
	}
	t.Fatalf("waited in vain for: %s", what)
}

func TestServe_stopsInOrder(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-release
		}
		fmt.Fprint(w, "done")
	})
	public, private, stop, end := serve(t, httpapi.ServeSettings{Grace: 500 * time.Millisecond}, h)
	slow := make(chan string, 1)
	go func() {
		res, err := http.Get(public + "/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		slow <- string(body)
	}()
	<-entered
	if got := status(private + "/readyz"); got != 200 {
		t.Fatalf("readyz = %d", got)
	}
	stop()
	until(t, "readiness to fall", func() bool { return status(private+"/readyz") == 503 })
	if got := status(public + "/"); got != 200 {
		t.Errorf("new requests are refused in the grace: %d", got)
	}
	until(t, "the public port to close", func() bool { return status(public+"/") == 0 })
	if got := status(private + "/livez"); got != 200 {
		t.Errorf("livez while a request still runs = %d", got)
	}
	close(release)
	if got := <-slow; got != "done" {
		t.Errorf("the running request got %q", got)
	}
	if err := <-end; err != nil {
		t.Errorf("a clean stop gave %v", err)
	}
}

func TestServe_cutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	entered, left := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(left)
	})
	public, _, stop, end := serve(t, httpapi.ServeSettings{Drain: 50 * time.Millisecond}, h)
	go status(public + "/")
	<-entered
	stop()
	if err := <-end; err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("err = %v", err)
	}
	<-left
}

func TestServe_boundsHeaders(t *testing.T) {
	t.Parallel()
	public, _, stop, end := serve(t, httpapi.ServeSettings{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for size, want := range map[int]string{15 << 10: "200", 17 << 10: "431"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(public, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n", strings.Repeat("a", size))
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		line, err := bufio.NewReader(conn).ReadString('\n')
		if !strings.Contains(line, want) {
			t.Errorf("%d bytes: got %q, %v; want %s", size, line, err, want)
		}
		conn.Close()
	}
	stop()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

func TestPrivate_waitsForNoBody(t *testing.T) {
	t.Parallel()
	_, private, stop, end := serve(t, httpapi.ServeSettings{}, http.NotFoundHandler())
	for _, framing := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(private, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", framing)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if got, err := io.ReadAll(conn); err != nil || !strings.Contains(string(got), " 413 ") {
			t.Errorf("%s: got %q, %v", framing, got, err)
		}
		conn.Close()
	}
	stop()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

func TestServe_namesAPortThatIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	log := (&logs{}).logger()
	err = httpapi.Serve(t.Context(), httpapi.ServeSettings{Addr: l.Addr().String(), PrivateAddr: "127.0.0.1:0"}, nil, nil, log)
	if err == nil || !strings.Contains(err.Error(), "ADDR") {
		t.Errorf("err = %v", err)
	}
}
