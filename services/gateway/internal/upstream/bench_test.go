package upstream_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// discard is an answer that nobody keeps.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// plainService answers every request with the same bytes, at the least cost.
func plainService(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := c.Write(plainAnswer); err != nil {
			return
		}
	}
}

var plainAnswer = []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 12\r\n\r\n{\"items\":[]}")

func clientsRequest() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/api/storage/v1/files?limit=50", nil)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Accept-Language", "en")
	return r
}

var lines = upstream.Outgoing{Authorization: "Bearer token", RequestID: "01J0000000000000000000000", Client: "192.0.2.1"}

// throughTransport is what a tuned http.Transport does for the same exchange.
func throughTransport(transport *http.Transport, u *url.URL, w http.ResponseWriter, r *http.Request) error {
	h := make(http.Header, 10)
	for name, values := range r.Header {
		h[name] = values
	}
	h["Authorization"], h["X-Request-Id"], h["X-Forwarded-For"] = []string{lines.Authorization}, []string{lines.RequestID}, []string{lines.Client}
	out := (&http.Request{
		Method: r.Method, URL: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Host: u.Host,
	}).WithContext(r.Context())
	res, err := transport.RoundTrip(out)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, err = io.Copy(struct{ io.Writer }{w}, res.Body)
	return err
}

// BenchmarkServe compares our client with http.Transport in turns, and reports the
// ratio of their times: client goroutine, and the same plain service for both.
func BenchmarkServe(b *testing.B) {
	u, _ := url.Parse(listen(b, plainService))
	s := upstream.NewService("bench", u, upstream.Options{})
	defer s.Close()
	p := upstream.New(upstream.Proxy{Service: s, Times: upstream.Times{FirstByte: time.Second, Idle: time.Second}, MaxBody: 1 << 20})
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true, ReadBufferSize: 32 << 10, WriteBufferSize: 32 << 10}
	defer transport.CloseIdleConnections()
	r := clientsRequest()
	own := func() error {
		out := lines
		return p.Serve(discard{http.Header{}}, r, &out)
	}
	theirs := func() error { return throughTransport(transport, u, discard{http.Header{}}, r) }
	const turn = 200
	var took [2]time.Duration
	for b.Loop() {
		for i, do := range []func() error{own, theirs} {
			began := time.Now()
			for range turn {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			took[i] += time.Since(began)
		}
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "own/transport")
	b.ReportMetric(float64(took[0])/float64(turn*b.N), "own-ns")
	b.ReportMetric(float64(took[1])/float64(turn*b.N), "transport-ns")
	b.ReportMetric(testing.AllocsPerRun(200, func() { _ = own() }), "own-allocs")
	b.ReportMetric(testing.AllocsPerRun(200, func() { _ = theirs() }), "transport-allocs")
}

// A request's own allocations do not grow unseen: two of these are the test's.
func TestServe_allocatesLittle(t *testing.T) {
	u, _ := url.Parse(listen(t, plainService))
	s := upstream.NewService("bench", u, upstream.Options{})
	defer s.Close()
	p := upstream.New(upstream.Proxy{Service: s, Times: upstream.Times{FirstByte: time.Second, Idle: time.Second}, MaxBody: 1 << 20})
	r, header := clientsRequest(), http.Header{}
	n := testing.AllocsPerRun(500, func() {
		out := lines
		clear(header)
		if err := p.Serve(discard{header}, r, &out); err != nil {
			t.Fatal(err)
		}
	})
	if n > 8 && !forgetful {
		t.Errorf("%.0f allocations", n)
	}
	t.Logf("FIGURE %.0f allocations", n)
}
