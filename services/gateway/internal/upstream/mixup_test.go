package upstream_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// unruly answers each request with the last part of its path, many times over, in
// every framing there is; now and then it cuts, lags, says too much, or closes
// without a word. Surplus goes out together with its answer: what comes after the
// next request was written is that one's answer, as far as HTTP/1.1 can tell.
func unruly(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		body := strings.Repeat(id+"|", 1+rand.IntN(200))
		status := "200 OK"
		if rand.IntN(20) == 0 {
			status = "304 Not Modified"
		}
		head := fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nX-Id: %s\r\nContent-Length: %d\r\n\r\n", status, id, len(body))
		payload := body
		if rand.IntN(3) == 0 {
			half := rand.IntN(len(body)-1) + 1
			head = fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nX-Id: %s\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n", status, id)
			payload = fmt.Sprintf("%x\r\n%s\r\n%x;a=b\r\n%s\r\n0\r\nX-Sum: %s\r\n\r\n", half, body[:half], len(body)-half, body[half:], id)
		}
		if r.Method == http.MethodHead || status != "200 OK" {
			payload = ""
		}
		if rand.IntN(10) == 0 {
			head = "HTTP/1.1 103 Early Hints\r\nX-Id: early\r\n\r\n" + head
		}
		if rand.IntN(50) == 0 {
			<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond)
		}
		answer := head + payload
		switch rand.IntN(100) {
		case 0: // cut in the body, or in the head
			_, _ = io.WriteString(c, answer[:rand.IntN(len(answer))])
			return
		case 1: // more than was said
			answer += "HTTP/1.1 200 OK\r\nX-Id: poison\r\nContent-Length: 6\r\n\r\npoison"
		case 2: // a body where none belongs
			if payload == "" {
				answer += body
			}
		case 3: // an end that was not announced
			_, _ = io.WriteString(c, answer)
			return
		case 4: // until the end of the connection
			if payload != "" {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Id: "+id+"\r\n\r\n"+body)
				return
			}
		}
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

func listen(t testing.TB, serve func(net.Conn)) string {
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
			go serve(c)
		}
	}()
	return "http://" + l.Addr().String()
}

// tally counts what became of the requests.
type tally struct{ whole, refused, cut, left, mixed atomic.Int64 }

// asker sends requests on one connection after another, and leaves now and then.
func (y *tally) asker(t *testing.T, address string, who, n int) {
	var c net.Conn
	var in *bufio.Reader
	for i := range n {
		if c == nil {
			var err error
			if c, err = net.Dial("tcp", address); err != nil {
				t.Error(err)
				return
			}
			in = bufio.NewReader(c)
		}
		if !y.ask(t, c, in, fmt.Sprintf("%d-%d-%d", who, i, rand.Uint32())) {
			c.Close()
			c = nil
		}
	}
	if c != nil {
		c.Close()
	}
}

// ask makes one exchange and says whether the connection is good for another.
func (y *tally) ask(t *testing.T, c net.Conn, in *bufio.Reader, id string) bool {
	method := []string{"GET", "GET", "GET", "HEAD", "DELETE", "POST", "PUT"}[rand.IntN(7)]
	body := ""
	if method == "POST" || method == "PUT" {
		body = strings.Repeat("x", rand.IntN(20_000))
		if rand.IntN(2) == 0 {
			fmt.Fprintf(c, "%s /a/%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%sx\r\n0\r\n\r\n", method, id, len(body)+1, body)
			body = "-"
		}
	}
	if body != "-" {
		fmt.Fprintf(c, "%s /a/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, id, len(body), body)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if rand.IntN(50) == 0 {
		y.left.Add(1)
		return false
	}
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		y.cut.Add(1)
		return false
	}
	if rand.IntN(50) == 0 { // half-read
		_, _ = res.Body.Read(make([]byte, 10))
		y.left.Add(1)
		return false
	}
	text, err := io.ReadAll(res.Body)
	if res.StatusCode >= 500 {
		y.refused.Add(1)
		return err == nil && !res.Close
	}
	if got := res.Header.Get("X-Id"); got != id {
		y.mixed.Add(1)
		t.Errorf("asked for %s, got the header of %s", id, got)
	}
	parts := strings.Split(string(text), "|")
	for i, part := range parts { // the last is empty, or cut
		if part != id && (i < len(parts)-1 || !strings.HasPrefix(id, part)) {
			y.mixed.Add(1)
			t.Errorf("asked for %s, got %.60q", id, part)
			break
		}
	}
	if sum := res.Trailer.Get("X-Sum"); err == nil && sum != "" && sum != id {
		y.mixed.Add(1)
		t.Errorf("asked for %s, got the trailer of %s", id, sum)
	}
	if err != nil {
		y.cut.Add(1)
		return false
	}
	y.whole.Add(1)
	return !res.Close
}

// GW-15: whatever a service does, nobody gets another's answer.
func TestServe_neverGivesOneCallersAnswerToAnother(t *testing.T) {
	t.Parallel()
	const askers = 32
	each := 200
	if os.Getenv("CODEX_SOAK") == "1" {
		each = 4000
	}
	target, err := url.Parse(listen(t, unruly))
	if err != nil {
		t.Fatal(err)
	}
	s := upstream.NewService("unruly", target, upstream.Options{})
	t.Cleanup(s.Close)
	p := upstream.New(upstream.Proxy{Retry: upstream.Idempotent, Service: s, Times: upstream.Times{FirstByte: 5 * time.Second, Idle: 5 * time.Second}, MaxBody: 1 << 20})
	var retries atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var out upstream.Outgoing
		defer func() { retries.Add(int64(out.Result.Retries)) }()
		if err := p.Serve(w, r, &out); err != nil {
			w.WriteHeader(problem.From(err).Status)
		}
	}))
	t.Cleanup(front.Close)
	var y tally
	var all sync.WaitGroup
	for who := range askers {
		all.Go(func() { y.asker(t, strings.TrimPrefix(front.URL, "http://"), who, each) })
	}
	all.Wait()
	t.Logf("FIGURE MIX-UPS %d in %d whole answers; %d refused, %d cut, %d left, %d retries", y.mixed.Load(), y.whole.Load(), y.refused.Load(), y.cut.Load(), y.left.Load(), retries.Load())
	if y.whole.Load() < int64(askers*each*8/10) {
		t.Errorf("only %d whole answers", y.whole.Load())
	}
}
