package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// endless yields n bytes without holding them: a block of odd length, again and
// again, so that a lost or doubled piece changes the checksum.
type endless struct {
	left int64
	at   int
	sum  hash.Hash32
}

var block = func() []byte {
	b := make([]byte, 1<<20+7)
	for i := range b {
		b[i] = byte(i*31 + i>>8)
	}
	return b
}()

func checksum() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

func newEndless(n int64) *endless { return &endless{left: n, sum: checksum()} }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), e.left)], block[e.at:])
	e.sum.Write(p[:n])
	e.at = (e.at + n) % len(block)
	e.left -= int64(n)
	return n, nil
}

func (e *endless) digest() string { return fmt.Sprintf("%x", e.sum.Sum(nil)) }

// peak watches the heap while something runs.
func peak(f func()) (most uint64) {
	runtime.GC()
	done := make(chan struct{})
	result := make(chan uint64)
	go func() {
		var m runtime.MemStats
		var most uint64
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-done:
				result <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	return <-result
}

const (
	mebi    = 1 << 20
	bigFile = 256 * mebi
	// heapBound holds the whole test process: client, gateway, services.
	heapBound = 48 * mebi
)

func bigSize() int64 {
	if testing.Short() {
		return 32 * mebi
	}
	return bigFile
}

// Not parallel: it watches the memory of the process.
func TestUpload_passesThroughWithFlatMemory(t *testing.T) {
	w := start(t)
	w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
		sum := checksum()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(rw, "%d %x %v", n, sum.Sum(nil), err)
	})
	token := w.bearer("u1")
	for _, chunked := range []bool{false, true} {
		body := newEndless(bigSize())
		r := w.request("PUT", files+"/1", body, token)
		if !chunked {
			r.ContentLength = bigSize()
		}
		var got reply
		begin := time.Now()
		most := peak(func() { got = w.send(r) })
		took := time.Since(begin)
		t.Logf("FIGURE upload of %d MiB (chunked %v): %.0f MiB/s, heap at most %d MiB", bigSize()/mebi, chunked, float64(bigSize()/mebi)/took.Seconds(), most/mebi)
		if want := fmt.Sprintf("%d %s <nil>", bigSize(), body.digest()); got.text != want {
			t.Errorf("chunked %v: the service got %.60s, want %.60s", chunked, got.text, want)
		}
		if most > heapBound {
			t.Errorf("heap grew to %d MiB", most/mebi)
		}
	}
}

// Not parallel: it watches the memory of the process.
func TestDownload_passesThroughWithFlatMemory(t *testing.T) {
	w := start(t)
	token := w.bearer("u1")
	for _, announced := range []bool{true, false} {
		body := newEndless(bigSize())
		w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/octet-stream")
			if announced {
				rw.Header().Set("Content-Length", strconv.FormatInt(bigSize(), 10))
			}
			_, _ = io.CopyBuffer(struct{ io.Writer }{rw}, body, make([]byte, 64<<10))
		})
		sum := checksum()
		var n int64
		begin := time.Now()
		most := peak(func() {
			res, err := noRedirects.Do(w.request("GET", files+"/1/content", nil, token))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if n, err = io.Copy(sum, res.Body); err != nil {
				t.Error(err)
			}
		})
		t.Logf("FIGURE download of %d MiB (length announced %v): %.0f MiB/s, heap at most %d MiB", bigSize()/mebi, announced, float64(bigSize()/mebi)/time.Since(begin).Seconds(), most/mebi)
		if n != bigSize() || fmt.Sprintf("%x", sum.Sum(nil)) != body.digest() {
			t.Errorf("announced %v: %d bytes came, or others", announced, n)
		}
		if most > heapBound {
			t.Errorf("heap grew to %d MiB", most/mebi)
		}
	}
}

func TestAnswer_isPassedOnAsItComes(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]string{"an endless one": "", "one that says how long it will be": "16"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			more := make(chan string)
			w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "text/event-stream")
				if length != "" {
					rw.Header().Set("Content-Length", length)
				}
				_ = http.NewResponseController(rw).Flush()
				for text := range more {
					_, _ = io.WriteString(rw, text)
					_ = http.NewResponseController(rw).Flush()
				}
			})
			res, err := noRedirects.Do(w.request("GET", "/api/storage/v1/events", nil, w.bearer("u1")))
			if err != nil { // the header comes before the first event
				t.Fatal(err)
			}
			defer res.Body.Close()
			in := bufio.NewReader(res.Body)
			for _, text := range []string{"data: 1\n", "data: 2\n"} {
				more <- text
				if got, err := in.ReadString('\n'); err != nil || got != text {
					t.Fatalf("got %q, %v", got, err)
				}
			}
			close(more)
		})
	}
}

func TestUpload_theServiceReadsWhileTheClientStillSends(t *testing.T) {
	t.Parallel()
	w := start(t)
	arrived := make(chan string, 1)
	w.storage.answers(func(_ http.ResponseWriter, r *http.Request) {
		first := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, first)
		arrived <- string(first)
		_, _ = io.Copy(io.Discard, r.Body)
	})
	in, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, "hello")
		if got := <-arrived; got != "hello" {
			t.Errorf("the service read %q", got)
		}
		_, _ = io.WriteString(out, " world")
		_ = out.Close()
	}()
	if got := w.send(w.request("PUT", files+"/1", in, w.bearer("u1"))); got.StatusCode != 200 {
		t.Errorf("%d", got.StatusCode)
	}
}

func TestUpload_thatIsRefusedIsNotRead(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"MAX_FILE_BYTES": "1MiB"})
	for name, tc := range map[string]struct {
		line string
		size int64
		want int
	}{
		"no token":  {"X-A: b", 512 << 10, 401},
		"too large": {w.bearer("u1"), 1<<20 + 1, 413},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		begin := time.Now()
		fmt.Fprintf(conn, "PUT %s/1 HTTP/1.1\r\nHost: x\r\n%s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", files, tc.line, tc.size)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if res.StatusCode != tc.want || time.Since(begin) > time.Second {
			t.Errorf("%s: %d after %s", name, res.StatusCode, time.Since(begin))
		}
	}
	if n := w.storage.count(); n != 0 {
		t.Errorf("%d uploads reached the service", n)
	}
}

func TestUpload_expectContinueAsksTheServiceFirst(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Want") == "no" {
			rw.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
	})
	for want, codes := range map[string]string{"no": "413", "yes": "100 200"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(conn, "PUT %s/1 HTTP/1.1\r\nHost: x\r\n%s\r\nX-Want: %s\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", files, w.bearer("u1"), want)
		in := bufio.NewReader(conn)
		var got []string
		for {
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			got = append(got, strconv.Itoa(res.StatusCode))
			if res.StatusCode != 100 {
				break
			}
			_, _ = io.WriteString(conn, "hello")
		}
		if strings.Join(got, " ") != codes {
			t.Errorf("%s: answers %v, want %s", want, got, codes)
		}
	}
}

// The service says no while the client is still sending: the client gets the
// answer and not a broken connection.
func TestUpload_anEarlyAnswerReachesTheClient(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1000)
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(rw, `{"code":"QUOTA_EXCEEDED"}`)
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	begin := time.Now()
	fmt.Fprintf(conn, "PUT %s/1 HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: 10000000\r\n\r\n%s", files, w.bearer("u1"), strings.Repeat("x", 2000))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != 413 || string(text) != `{"code":"QUOTA_EXCEEDED"}` || time.Since(begin) > 2*time.Second {
		t.Errorf("%d %s after %s", res.StatusCode, text, time.Since(begin))
	}
}

// GW-15: a broken answer must not look whole.
func TestAnswer_thatBreaksOffIsSeenByTheClient(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, announce := range map[string]bool{"announced": true, "chunked": false} {
		w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
			if announce {
				rw.Header().Set("Content-Length", "1000000")
			}
			_, _ = rw.Write(make([]byte, 100_000))
			panic(http.ErrAbortHandler)
		})
		res, err := noRedirects.Do(w.request("GET", files+"/1/content", nil, w.bearer("u1")))
		if err != nil {
			continue // cut before the header reached us: visible too
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err == nil {
			t.Errorf("%s: %d bytes came and no error", name, n)
		}
	}
	eventually(t, "written down", func() bool {
		for _, line := range w.lines() {
			if line["aborted"] == true {
				return true
			}
		}
		return false
	})
}

// GW-15: HTTP/1.0 has no chunks, and its client takes the end of the connection for
// the answer's.
func TestAnswer_thatBreaksOffIsSeenByAClientOfHTTP10(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"plain": start(t), "TLS": secure(t)} {
		w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write(make([]byte, 20_000))
			panic(http.ErrAbortHandler)
		})
		conn := w.dial(name == "TLS")
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(8 * time.Second))
		_, _ = io.WriteString(conn, "GET "+files+" HTTP/1.0\r\nHost: x\r\n"+w.bearer("u1")+"\r\n\r\n")
		if answer, err := io.ReadAll(conn); err == nil {
			t.Errorf("%s: %d bytes came and no error", name, len(answer))
		}
	}
}

func TestClient_thatLeavesCancelsTheServicesWork(t *testing.T) {
	t.Parallel()
	w := start(t)
	arrived, cancelled := make(chan struct{}, 1), make(chan struct{})
	w.storage.answers(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
		close(cancelled)
	})
	ctx, leave := context.WithCancel(t.Context())
	r := w.request("GET", files, nil, w.bearer("u1")).WithContext(ctx)
	gone := make(chan error, 1)
	go func() {
		_, err := noRedirects.Do(r)
		gone <- err
	}()
	<-arrived
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("client: %v", err)
	}
	select {
	case <-cancelled:
	case <-time.After(5 * time.Second):
		t.Fatal("the service goes on working")
	}
	eventually(t, "written down", func() bool {
		lines := w.lines()
		return len(lines) > 0 && lines[len(lines)-1]["status"] == 499.0
	})
}

// Who leaves in the middle of an answer is no fault of the service's, and nobody's to look at.
func TestClient_thatLeavesAnAnswerIsNoFaultOfTheServices(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = rw.Write(make([]byte, 64<<10))
		}
	})
	res, err := noRedirects.Do(w.request("GET", files, nil, w.bearer("u1")))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.CopyN(io.Discard, res.Body, 1<<20)
	_ = res.Body.Close()
	eventually(t, "written down", func() bool { return len(w.lines()) > 0 })
	if line := w.lines()[0]; line["aborted"] != true || line["upstream_failure"] != nil || line["level"] != "INFO" {
		t.Errorf("%v", line)
	}
}

func TestClient_thatOnlyStopsSendingGetsItsAnswer(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"plain": start(t), "TLS": secure(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(500 * time.Millisecond):
					_, _ = io.WriteString(rw, "late")
				case <-r.Context().Done():
				}
			})
			conn := w.dial(name == "TLS")
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(8 * time.Second))
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", files, w.bearer("u1"))
			tcp := conn
			if secured, ok := conn.(*tls.Conn); ok {
				_ = secured.CloseWrite()
				tcp = secured.NetConn()
			}
			_ = tcp.(*net.TCPConn).CloseWrite()
			text, err := io.ReadAll(conn)
			if err != nil || !strings.Contains(string(text), "\r\n\r\nHTTP/1.1 200 OK\r\n") || !strings.HasSuffix(string(text), "\r\n\r\nlate") {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

func TestClient_thatLeavesInMidUploadLeavesABrokenBodyBehind(t *testing.T) {
	t.Parallel()
	w := start(t)
	failed := make(chan error, 1)
	w.storage.answers(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		failed <- err
	})
	for name, framing := range map[string]string{"length": "Content-Length: 1000\r\n\r\nhello", "chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %s/1 HTTP/1.1\r\nHost: x\r\n%s\r\n%s", files, w.bearer("u1"), framing)
		_ = conn.Close()
		select {
		case err := <-failed:
			if err == nil {
				t.Errorf("%s: the service took half a body for a whole one", name)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: the service still waits", name)
		}
	}
}

func TestUpload_thatEndsEarlyIsToldSo(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.storage.answers(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	for name, framing := range map[string]string{
		"length": "Content-Length: 1000\r\n\r\nhello", "chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"last chunk": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %s/1 HTTP/1.1\r\nHost: x\r\n%s\r\n%s", files, w.bearer("u1"), framing)
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if half, ok := conn.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
		got, err := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400 ") || !strings.Contains(string(got), "BODY_TRUNCATED") {
			t.Errorf("%s: %v, %s", name, err, got)
		}
	}
}

// GW-16: POST is never repeated, and a failing service is not hammered.
func TestRetries_areNone(t *testing.T) {
	t.Parallel()
	w := start(t)
	var calls atomic.Int32
	w.storage.answers(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	})
	token := w.bearer("u1")
	for range 20 {
		for _, method := range []string{"POST", "GET"} {
			got := w.do(method, files, token, "Idempotency-Key: k")
			if got.StatusCode != 502 || got.code() != "UPSTREAM_FAILED" || got.Header.Get("Retry-After") == "" {
				t.Fatalf("%s: %d %s", method, got.StatusCode, got.text)
			}
		}
	}
	if n := calls.Load(); n > 44 {
		t.Errorf("40 requests made %d calls", n)
	}
}

func TestIdempotencyKey_reachesTheService(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.do("POST", "/api/billing/v1/checkout", w.bearer("u1"), "Idempotency-Key: k-1")
	if got := w.billing.last(t).Header.Get("Idempotency-Key"); got != "k-1" {
		t.Errorf("got %q", got)
	}
}
