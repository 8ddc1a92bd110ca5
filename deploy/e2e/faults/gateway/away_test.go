package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Auth is gone for the whole test. Who has a token goes on; who would have to get one
// is told to come again, not that the session is over.
func TestAuthAway_tokensGoOn(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	auth := i.auth(t)
	g := run(t, auth.URL, service(t, answers).URL)
	auth.Close()
	var seen tally
	stop := make(chan struct{})
	token := i.token(t, "u1")
	load := seen.clients(t, 8, stop, func(int) string { return g.addr }, get(token), post(token))
	for n := range 20 {
		answer := g.ask("GET " + filesPath + " HTTP/1.1\r\nHost: app.example\r\nCookie: __Secure-better-auth.session_token=s" + strconv.Itoa(n) + ".sig\r\n\r\n")
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Errorf("a session that needs auth: %d %v", answer.StatusCode, answer.Header)
		}
	}
	eventually(t, "requests without auth", func() bool { return seen.all.Load() > int64(size(3000, 100_000)) })
	close(stop)
	load.Wait()
	t.Logf("FIGURE auth away: %s", &seen)
	if seen.failed() != 0 {
		t.Errorf("failed: %v", seen.bad)
	}
}

// breaking is a service of which every fourth answer ends in the middle, as when its
// process is killed. Each body is its request's own, many times over.
func breaking(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var turn atomic.Int64
	one := func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			n := turn.Add(1)
			body := strings.Repeat(r.URL.Query().Get("n")+"\n", 2000)
			text := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
			if n%2 == 0 {
				half := len(body) / 2
				text = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:])
			}
			if n%8 < 2 { // every fourth, of either framing
				text = text[:len(text)*3/4]
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+text)
				return
			}
			if _, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+text); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go one(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

// An answer that breaks off is seen as broken; no answer is mixed with another, and
// the next request of the client is served.
func TestServiceDies_inMidAnswer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	g := run(t, i.auth(t).URL, breaking(t))
	token := i.token(t, "u1")
	var whole, cut, refused atomic.Int64
	one := func(client, n int, line *wire) bool {
		own := fmt.Sprintf("%d-%d", client, n)
		if _, err := io.WriteString(line, strings.Replace(get(token), filesPath, filesPath+"?n="+own, 1)); err != nil {
			t.Error(err)
			return false
		}
		answer, err := http.ReadResponse(line.in, nil)
		if err != nil {
			cut.Add(1)
			return false
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		switch {
		case answer.StatusCode != http.StatusOK:
			refused.Add(1) // the circuit, after so many failures
		case strings.ReplaceAll(string(body), own+"\n", "") != "" && err == nil:
			t.Errorf("the answer to %s holds something else", own)
		case err != nil && strings.Trim(strings.ReplaceAll(string(body), own+"\n", ""), own) != "":
			t.Errorf("a broken answer to %s holds something else", own)
		case err != nil:
			cut.Add(1)
		case len(body) != 2000*(len(own)+1):
			t.Errorf("%d bytes look like a whole answer to %s", len(body), own)
		default:
			whole.Add(1)
		}
		return err == nil && !answer.Close
	}
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			var line *wire
			for n := range size(100, 5000) {
				if line == nil {
					var err error
					if line, err = dial(t.Context(), g.addr); err != nil {
						t.Error(err)
						return
					}
				}
				if !one(client, n, line) {
					line.Close()
					line = nil
				}
			}
			if line != nil {
				line.Close()
			}
		})
	}
	all.Wait()
	t.Logf("FIGURE a service that dies in mid-answer: %d whole, %d seen as cut, %d refused", whole.Load(), cut.Load(), refused.Load())
	if whole.Load() < 2*cut.Load() || cut.Load() == 0 {
		t.Error("one in four was cut, and only these are to fail")
	}
}
