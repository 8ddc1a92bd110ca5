package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// rules are the browser's rules of the APIs' answers, a part of each line.
var rules = map[string]string{
	"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
	"Content-Security-Policy": "require-trusted-types-for 'script'", "Permissions-Policy": "camera=()", "Cross-Origin-Opener-Policy": "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "max-age=", "Cache-Control": "no-store", "X-Request-Id": "",
}

// GW-11, GW-12: every answer has every rule, once, whatever its status, whoever
// made it, and in both versions of HTTP.
func TestAnswers_haveTheBrowsersRules(t *testing.T) {
	t.Parallel()
	const at = files + "/1"
	cert, key, _ := certificate(t)
	for name, transport := range map[string]http.RoundTripper{
		"HTTP/1.1": &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // made for the test
		"HTTP/2.0": &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true},
	} {
		hasty := func(s settings) []class {
			all := routes(s)
			slow := all[slices.IndexFunc(all, func(c class) bool { return c.name == "storage" })]
			slow.name, slow.paths, slow.times.FirstByte = "slow", []string{"/slow"}, 200*time.Millisecond
			return []class{slow}
		}
		w := startWith(t, hasty, map[string]string{"TLS_CERT_FILE": cert, "TLS_KEY_FILE": key, "PUBLIC_URL": "https://app.example", "LIMIT_UPLOAD": "1/1h"})
		base := "https" + strings.TrimPrefix(w.url, "http")
		token := w.token("u1", "s1")
		w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
			for name := range rules { // a service has no say in them
				rw.Header().Set(name, "its own")
			}
			rw.Header().Set("Cache-Control", "public, max-age=60")
			switch r.URL.Query().Get("do") {
			case "break":
				panic(http.ErrAbortHandler)
			case "wait":
				<-r.Context().Done()
			case "empty":
				rw.WriteHeader(http.StatusNoContent)
			case "same":
				rw.WriteHeader(http.StatusNotModified)
			case "lead":
				rw.Header().Set("Location", "/elsewhere")
				rw.WriteHeader(http.StatusFound)
			case "fail":
				rw.WriteHeader(http.StatusInternalServerError)
			case "early":
				rw.WriteHeader(http.StatusEarlyHints)
				_, _ = io.WriteString(rw, "later")
			default:
				_, _ = io.WriteString(rw, strings.Repeat("x", 10_000))
			}
		})
		for _, tc := range []struct {
			method, path string
			status       int
			change       func(*http.Request)
		}{
			{method: "GET", path: at, status: 200},
			{method: "HEAD", path: at, status: 200},
			{method: "GET", path: at + "?do=early", status: 200},
			{method: "GET", path: at + "?do=empty", status: 204},
			{method: "GET", path: at + "?do=lead", status: 302},
			{method: "GET", path: at + "?do=same", status: 304},
			{method: "GET", path: files + "//1", status: 400},
			{method: "GET", path: at, status: 401, change: func(r *http.Request) { r.Header.Del("Authorization") }},
			{method: "GET", path: "/api/none", status: 404},
			{method: "GET", path: "/internal/v1/users/1", status: 404},
			{method: "PROPFIND", path: at, status: 405},
			{method: "PUT", path: at, status: 413, change: func(r *http.Request) { r.ContentLength, r.Body = 1<<50, io.NopCloser(newEndless(1<<50)) }},
			{method: "GET", path: at, status: 431, change: func(r *http.Request) { r.Header.Set("X-Long", strings.Repeat("a", 20<<10)) }},
			{method: "GET", path: at + "?do=fail", status: 500},
			{method: "PUT", path: at + "?do=break", status: 502},
			{method: "GET", path: "/slow?do=wait", status: 504},
			{method: "POST", path: "/api/billing/v1/portal", status: 503},
			{method: "PUT", path: at, status: 429},
		} {
			if tc.status == http.StatusServiceUnavailable {
				w.billing.Close()
			}
			r, err := http.NewRequestWithContext(t.Context(), tc.method, base+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			if tc.change != nil {
				tc.change(r)
			}
			res, err := transport.RoundTrip(r)
			if err != nil {
				t.Errorf("%s: %s %s: %v", name, tc.method, tc.path, err)
				continue
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.Proto != name {
				t.Errorf("%s: answered in %s", name, res.Proto)
			}
			if res.StatusCode != tc.status {
				t.Errorf("%s: %s %s: %d, want %d", name, tc.method, tc.path, res.StatusCode, tc.status)
			}
			for line, part := range rules {
				got := res.Header.Values(line)
				if len(got) != 1 || !strings.Contains(got[0], part) || slices.Contains(got, "its own") {
					t.Errorf("%s: %s %s: %d with %s %q", name, tc.method, tc.path, res.StatusCode, line, got)
				}
			}
		}
	}
}
