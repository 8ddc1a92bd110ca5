package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// protected wants of a refusal what every answer has, once each, and the form of a
// problem.
func (w *world) protected(res *http.Response, body []byte) {
	w.t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "", "X-Frame-Options": "DENY",
		"Content-Security-Policy": "frame-ancestors 'none'", "Permissions-Policy": "camera=()", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "X-Request-Id": "", "Date": "GMT",
		"Content-Type": "application/problem+json",
	} {
		if got := res.Header.Values(name); len(got) != 1 || got[0] == "" || !strings.Contains(got[0], want) {
			w.t.Errorf("%d: %s is %q", res.StatusCode, name, got)
		}
	}
	var problem struct {
		Status    int
		Code      string
		RequestID string `json:"request_id"`
	}
	if res.Request.Method == http.MethodHead {
		return
	}
	if err := json.Unmarshal(body, &problem); err != nil || problem.Status != res.StatusCode || problem.Code == "" || problem.RequestID != res.Header.Get("X-Request-Id") {
		w.t.Errorf("%d: %v, %s", res.StatusCode, err, body)
	}
}

// say sends the bytes on the connection and reads one answer.
func (w *world) say(conn net.Conn, text string) (*http.Response, []byte) {
	w.t.Helper()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(8 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }()
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, &http.Request{})
	if err != nil {
		w.t.Fatalf("%.40q: %v", text, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%.40q: %v", text, err)
	}
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		w.t.Errorf("%.40q: behind the answer came %q, %v", text, rest, err)
	}
	return res, body
}

func (w *world) dial(secure bool) net.Conn {
	w.t.Helper()
	address := strings.TrimPrefix(w.url, "http://")
	var conn net.Conn
	var err error
	if secure { // the certificate is made for the test; who shows it is not what is tested
		conn, err = tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	} else {
		conn, err = net.Dial("tcp", address)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

// GW-10, GW-12: what no handler is asked about is refused with our headers and in
// our form all the same.
func TestUnread_isRefusedLikeAnythingElse(t *testing.T) {
	t.Parallel()
	const two = "GET /api/none HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, over := range map[string]*world{"plain": start(t), "TLS": secure(t)} {
		for text, want := range map[string]string{
			"GET / HTTP/1.1\r\n\r\n":                                                         "400 MALFORMED_REQUEST",
			"GET / HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n":                                    "400 MALFORMED_REQUEST",
			"nonsense\r\n\r\n":                                                               "400 MALFORMED_REQUEST",
			post + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc":                       "400 MALFORMED_REQUEST",
			get + "X-A: " + strings.Repeat("a", 1<<20) + "\r\n\r\n":                          "431 HEADERS_TOO_LARGE",
			post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n":                       "501 TRANSFER_CODING_UNKNOWN",
			"GET / HTTP/9.9\r\nHost: x\r\n\r\n":                                              "505 HTTP_VERSION_UNKNOWN",
			post + "Expect: the-moon\r\nContent-Length: 1\r\n\r\na":                          "417 EXPECTATION_FAILED",
			post + "Transfer-Encoding: cow\r\n\r\n" + strings.Repeat("unread ", 10_000) + "": "501 TRANSFER_CODING_UNKNOWN",
		} {
			res, body := over.say(over.dial(name == "TLS"), text)
			if got := res.Status[:4] + (reply{res, string(body)}).code(); got != want || !res.Close {
				t.Errorf("%s: %.60q is answered %s, closed %v; want %s", name, text, got, res.Close, want)
			}
			over.protected(res, body)
			if hsts := res.Header.Get("Strict-Transport-Security"); (hsts != "") != (name == "TLS") {
				t.Errorf("%s: HSTS is %q", name, hsts)
			}
		}
		// The same on a connection that has served a request before.
		conn := over.dial(name == "TLS")
		_, _ = io.WriteString(conn, two)
		in := bufio.NewReader(conn)
		first, err := http.ReadResponse(in, nil)
		if err != nil || first.StatusCode != 404 {
			t.Fatalf("%s: %v", name, err)
		}
		_, _ = io.Copy(io.Discard, first.Body)
		res, body := over.say(conn, "GET / HTTP/1.1\r\n\r\n")
		over.protected(res, body)
		eventually(t, "an access line", func() bool {
			n := 0
			for _, line := range over.lines() {
				if line["class"] == "unread" && line["code"] != "" && line["client"] == "127.0.0.1" {
					n++
				}
			}
			return n == 10
		})
	}
}

func TestUnread_ofAHeadHasNoBody(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*world{"plain": start(t), "TLS": secure(t)} {
		for text, status := range map[string]int{
			"HEAD / HTTP/1.1\r\nHost: x\r\nExpect: the-moon\r\n\r\n":                        http.StatusExpectationFailed,
			"HEAD / HTTP/1.1\r\n\r\n":                                                       http.StatusBadRequest,
			"HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: cow\r\n\r\n":                  http.StatusNotImplemented,
			"HEAD / HTTP/9.9\r\nHost: x\r\n\r\n":                                            http.StatusHTTPVersionNotSupported,
			"HEAD / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 1<<20) + "\r\n\r\n": http.StatusRequestHeaderFieldsTooLarge,
			"HEAD /api/none HTTP/1.1\r\nHost: x\r\n\r\n|HEAD / HTTP/1.1\r\n\r\n":            http.StatusBadRequest, // the second on its connection
		} {
			conn := w.dial(name == "TLS")
			_ = conn.SetDeadline(time.Now().Add(8 * time.Second))
			in := bufio.NewReader(conn)
			first, second, kept := strings.Cut(text, "|")
			go func() { _, _ = io.WriteString(conn, first) }()
			res, err := http.ReadResponse(in, &http.Request{Method: http.MethodHead})
			if kept && err == nil {
				_, _ = io.WriteString(conn, second)
				res, err = http.ReadResponse(in, &http.Request{Method: http.MethodHead})
			}
			if err != nil || res.StatusCode != status {
				t.Fatalf("%s: %.60q: %v, %v", name, text, res, err)
			}
			w.protected(res, nil)
			if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
				t.Errorf("%s: %.60q: behind the head came %q, %v", name, text, rest, err)
			}
			conn.Close()
		}
	}
}

func TestUnread_HTTPWhereTLSIsSpokenIsToldSo(t *testing.T) {
	t.Parallel()
	w := secure(t)
	res, body := w.say(w.dial(false), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("answered %s", res.Status)
	}
	w.protected(res, body)
}

// The bytes of an answer are never taken for a refusal, wherever they are cut.
func TestUnread_anAnswerThatLooksLikeARefusalPasses(t *testing.T) {
	t.Parallel()
	const mimic = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
	for name, w := range map[string]*world{"plain": start(t), "TLS": secure(t)} {
		w.web.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/plain")
			for range 3 {
				_, _ = io.WriteString(rw, mimic)
				_ = http.NewResponseController(rw).Flush()
			}
			_, _ = io.WriteString(rw, strings.Repeat(mimic, 1000))
		})
		conn := w.dial(name == "TLS")
		in := bufio.NewReader(conn)
		for range 3 {
			_, _ = io.WriteString(conn, get+"\r\n")
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != strings.Repeat(mimic, 1003) {
				t.Fatalf("%s: %d bytes, %v", name, len(body), err)
			}
		}
		conn.Close()
	}
}
