package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// readAll reads one answer as an exchange does, and says how much was taken.
func readAll(raw []byte, method string) (a answer, body []byte, trailers []field, taken int, err error) {
	in := reader{src: bytes.NewReader(raw)}
	for range maxInformational {
		text, err := in.until("\r\n\r\n", maxAnswerHeader)
		if err != nil {
			return a, nil, nil, 0, err
		}
		if err := a.parse(string(text)); err != nil {
			return a, nil, nil, 0, err
		}
		if a.status >= 200 {
			break
		}
	}
	b := a.body(&in, method)
	for {
		piece, err := b.next()
		body = append(body, piece...)
		if errors.Is(err, io.EOF) {
			source, _ := in.src.(*bytes.Reader)
			return a, body, b.trailers, len(raw) - source.Len() - in.buffered(), nil
		}
		if err != nil {
			return a, body, nil, 0, err
		}
	}
}

// FuzzAnswer: no bytes make the parser panic or read past its message, and where
// net/http accepts an answer too, both read the same.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-A: b\r\n\r\nmore",
		"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, head bool) {
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		a, body, trailers, taken, err := readAll(raw, method)
		if err != nil || a.status < 200 {
			return
		}
		source := bytes.NewReader(raw)
		in := bufio.NewReader(source)
		var res *http.Response
		for res == nil || res.StatusCode < 200 {
			if res, err = http.ReadResponse(in, &http.Request{Method: method}); err != nil {
				return
			}
		}
		theirs, err := io.ReadAll(res.Body)
		if err != nil {
			return
		}
		if res.StatusCode != a.status || !bytes.Equal(theirs, body) {
			t.Fatalf("%d %q, and net/http reads %d %q", a.status, body, res.StatusCode, theirs)
		}
		if used := len(raw) - source.Len() - in.Buffered(); used != taken && !a.bodiless(method) {
			t.Fatalf("took %d bytes, net/http %d", taken, used)
		}
		for _, fl := range a.fields {
			if fl.name != "Transfer-Encoding" && fl.name != "Trailer" && fl.name != "Content-Length" && !contains(res.Header[fl.name], fl.value) {
				t.Fatalf("%s: %q, and net/http has %q", fl.name, fl.value, res.Header[fl.name])
			}
		}
		for _, fl := range trailers {
			if !contains(res.Trailer[fl.name], fl.value) {
				t.Fatalf("trailer %s: %q, and net/http has %q", fl.name, fl.value, res.Trailer[fl.name])
			}
		}
	})
}

// FuzzRequest: what is written for a service is read by net/http as exactly one
// request, equal to the client's.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/a/b", "x=1", "X-A", "b", "curl/8")
	f.Add("POST", "/a b", "x=1 2", "X-A\r\nX-User-Id", "b\r\nc", "\x00")
	f.Add("G\r\nT", "/%2f/..", "", "x_user_id", "1", "a")
	f.Fuzz(func(t *testing.T, method, path, query, name, value, agent string) {
		target, _ := url.Parse("http://service:80")
		p := New(Proxy{Service: NewService("fuzz", target, Options{})})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query}
		r.Header = http.Header{http.CanonicalHeaderKey(name): {value}, "User-Agent": {agent}}
		raw, err := p.appendRequest(nil, r, false, 0, &Outgoing{Authorization: "Bearer t", Client: "192.0.2.1"})
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(raw))
		got, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%v in %q", err, raw)
		}
		if _, err := in.Peek(1); err != io.EOF {
			t.Fatalf("more than one request in %q", raw)
		}
		if got.Method != method || got.URL.Path != path || got.URL.RawQuery != query || got.Host != "service:80" {
			t.Fatalf("%s %q?%q became %s %q?%q", method, path, query, got.Method, got.URL.Path, got.URL.RawQuery)
		}
		if len(got.Header["Authorization"]) != 1 || len(got.Header["X-Forwarded-For"]) != 1 || got.UserAgent() != strings.Trim(agent, " \t") {
			t.Fatalf("header %v", got.Header)
		}
	})
}
