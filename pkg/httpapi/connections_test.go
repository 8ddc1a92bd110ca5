package httpapi_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/security"
)

// loopback is a proxy for tests that are about the whole and not about shares.
func loopback(t *testing.T) security.Proxies {
	t.Helper()
	p, err := security.ParseProxies([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// line is a connection of a client.
type line struct {
	net.Conn
	in *bufio.Reader
}

func open(t *testing.T, url string) *line {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return &line{conn, bufio.NewReader(conn)}
}

// ask sends a request and gives the answer; nil when the connection has ended.
func (l *line) ask(path string) *http.Response {
	fmt.Fprintf(l, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	res, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return nil
	}
	res.Body.Close()
	return res
}

func (l *line) ended() bool {
	_, err := l.in.ReadByte()
	return err != nil
}

func nothing(http.ResponseWriter, *http.Request) {}

func TestConnections_theLongestIdleMakesRoom(t *testing.T) {
	t.Parallel()
	url, _, _, _ := serve(t, httpapi.ServeSettings{MaxConnections: 3, Proxies: loopback(t)}, http.HandlerFunc(nothing))
	first, second, third := open(t, url), open(t, url), open(t, url)
	asked := []*line{second, first}
	for range 200 { // the server learns that first is idle a little after first has its answer
		asked = append(asked, third, second)
	}
	for _, l := range asked { // first has waited longest
		if l.ask("/") == nil {
			t.Fatal("a connection ended with room for it")
		}
	}
	if open(t, url).ask("/") == nil {
		t.Error("the new one was refused although others were idle")
	}
	if !first.ended() || second.ask("/") == nil || third.ask("/") == nil {
		t.Error("another one than the longest idle was closed")
	}
}

func TestConnections_thatAreBusyStay(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	url, _, _, _ := serve(t, httpapi.ServeSettings{MaxConnections: 2, Proxies: loopback(t)}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-release
	}))
	answers := make(chan *http.Response, 2)
	for range 2 {
		l := open(t, url)
		go func() { answers <- l.ask("/") }()
		<-entered
	}
	if !open(t, url).ended() {
		t.Error("the third is served")
	}
	close(release)
	for range 2 {
		if <-answers == nil {
			t.Error("a busy one was closed")
		}
	}
}

func TestConnections_oneAddressMayHaveHalf(t *testing.T) {
	t.Parallel()
	url, _, _, _ := serve(t, httpapi.ServeSettings{MaxConnections: 4}, http.HandlerFunc(nothing))
	first, second := open(t, url), open(t, url)
	for range 3 {
		if first.ask("/") == nil || second.ask("/") == nil {
			t.Fatal("its half was refused")
		}
		if !open(t, url).ended() {
			t.Error("it got more than half")
		}
	}
	first.Close()
	until(t, "the place to be free", func() bool { return open(t, url).ask("/") != nil })
}

func TestServe_sendsClientsAwayDuringTheGrace(t *testing.T) {
	t.Parallel()
	url, private, stop, end := serve(t, httpapi.ServeSettings{Grace: 300 * time.Millisecond}, http.HandlerFunc(nothing))
	l := open(t, url)
	if res := l.ask("/"); res == nil || res.Close {
		t.Fatal("a connection ends without need")
	}
	stop()
	until(t, "readiness to fall", func() bool { return status(private+"/readyz") == http.StatusServiceUnavailable })
	if res := l.ask("/"); res == nil || !res.Close || !l.ended() {
		t.Errorf("answered %+v during the grace", res)
	}
	if err := <-end; err != nil {
		t.Error(err)
	}
}
