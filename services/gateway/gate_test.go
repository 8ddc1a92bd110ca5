package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/codex-platform/codex/services/gateway/internal/identity"
)

func TestStages_standInTheirOrder(t *testing.T) {
	t.Parallel()
	want := []string{
		"security headers", "strict request checks", "cross-origin sharing", "rate limit by address",
		"identity", "rate limit by user", "origin of changes", "proxy",
	}
	var got []string
	for _, s := range stages {
		got = append(got, s.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("stages are %q, want %q", got, want)
	}
}

// A request with several faults gets the answer of the first stage that minds one.
func TestStages_theFirstRefusalIsTheAnswer(t *testing.T) {
	t.Parallel()
	tight := map[string]string{"LIMIT_API_ADDRESS": "1/1h", "LIMIT_API": "1/1h"}
	const files = "/api/storage/v1/files"
	steps := []struct {
		name   string
		method string
		path   string
		lines  []string
		want   int
	}{
		{"a strict check before the limit", http.MethodGet, files + "//x", nil, 400},
		{"and again: nothing was charged", http.MethodGet, files + "/%2e%2e/x", nil, 400},
		{"a preflight before the limit", http.MethodOptions, files, []string{"Origin: https://good.example", "Access-Control-Request-Method: PUT"}, 204},
		{"the address passes once, identity refuses", http.MethodGet, files, nil, 401},
		{"then the limit comes before identity", http.MethodGet, files, []string{"Authorization: Bearer x"}, 429},
		{"and before the origin rule", http.MethodDelete, files + "/1", []string{"Origin: https://evil.example"}, 429},
	}
	w := start(t, tight)
	for _, s := range steps {
		if got := w.do(s.method, s.path, s.lines...); got.StatusCode != s.want {
			t.Errorf("%s: %d %s, want %d", s.name, got.StatusCode, got.text, s.want)
		}
	}

	w = start(t, map[string]string{"LIMIT_API": "1/1h"})
	cookie := "Cookie: codex.jwt=" + w.token("u1", "s1")
	for i, want := range []int{403, 429} { // the user pays before the origin rule
		if got := w.do(http.MethodDelete, files+"/1", cookie, "Origin: https://evil.example"); got.StatusCode != want {
			t.Errorf("request %d: %d, want %d", i, got.StatusCode, want)
		}
	}
}

func TestRoutes_leadToTheirService(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.bearer("u1")
	for _, tc := range []struct {
		method, path string
		service      string
		uri          string
	}{
		{"POST", "/api/auth/sign-in/email", "auth", ""},
		{"GET", "/api/auth/get-session?disableRefresh=true", "auth", ""},
		{"GET", "/api/auth/reset-password/abc?callbackURL=%2Fx", "auth", ""},
		{"OPTIONS", "/api/auth/get-session", "auth", ""},
		{"GET", "/api/storage/v1/files?limit=5", "storage", ""},
		{"POST", "/api/storage/v1/files?name=a.txt", "storage", ""},
		{"PUT", "/api/storage/v1/files/1?name=a.txt", "storage", ""},
		{"PATCH", "/api/storage/v1/files/1", "storage", ""},
		{"DELETE", "/api/storage/v1/files/1", "storage", ""},
		{"GET", "/api/storage/v1/files/1/content", "storage", ""},
		{"GET", "/api/storage/v1/quota", "storage", ""},
		{"GET", "/api/billing/v1/plan", "billing", ""},
		{"POST", "/api/billing/v1/checkout", "billing", ""},
		{"POST", "/webhooks/stripe", "billing", ""},
		{"GET", "/", "web", ""},
		{"GET", "/dashboard", "web", ""},
		{"GET", "/_app/immutable/entry/start.Bx-1_2.js", "web", ""},
		{"GET", "/apiary", "web", ""},
	} {
		got := w.do(tc.method, tc.path, token)
		if got.StatusCode != http.StatusOK || !strings.Contains(got.text, `"service":"`+tc.service+`"`) ||
			!strings.Contains(got.text, `"uri":"`+strings.ReplaceAll(tc.path, "&", `\u0026`)+`"`) {
			t.Errorf("%s %s: %d %.120s", tc.method, tc.path, got.StatusCode, got.text)
		}
	}
}

// GW-01
func TestRoutes_areClosedUnlessNamed(t *testing.T) {
	t.Parallel()
	w := start(t)
	before := w.auth.count() + w.storage.count() + w.billing.count() + w.web.count()
	token := w.bearer("u1")
	for _, tc := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/internal", 404}, {"POST", "/internal/v1/sessions/exchange", 404}, {"GET", "/internal/v1/users/1", 404},
		{"GET", "/api", 404}, {"GET", "/api/", 404}, {"GET", "/api/storage", 404}, {"GET", "/api/storage/v2/files", 404},
		{"GET", "/api/billing/v1", 404}, {"GET", "/api/auth", 404}, {"GET", "/api/unknown", 404}, {"DELETE", "/api/x", 404},
		{"GET", "/webhooks", 404}, {"POST", "/webhooks/other", 404}, {"GET", "/.well-known/change-password", 404},
		{"GET", "/webhooks/stripe", 405}, {"PUT", "/webhooks/stripe", 405}, {"OPTIONS", "/webhooks/stripe", 405},
		{"POST", "/", 405}, {"DELETE", "/dashboard", 405}, {"OPTIONS", "/", 405}, {"POST", "/openapi.json", 405}, {"PUT", "/.well-known/jwks.json", 405},
		{"TRACE", "/api/storage/v1/files", 405}, {"FOO", "/api/storage/v1/files", 405}, {"TRACE", "/", 405}, {"PROPFIND", "/api/auth/x", 405},
		{"OPTIONS", "/api/storage/v1/files", 405},
		{"PUT", "/api/storage/v1/quota/%2e%2e/files", 400},
	} {
		got := w.do(tc.method, tc.path, token)
		if got.StatusCode != tc.want {
			t.Errorf("%s %s: %d, want %d", tc.method, tc.path, got.StatusCode, tc.want)
		}
		if tc.want == 405 && got.Header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tc.method, tc.path)
		}
	}
	if after := w.auth.count() + w.storage.count() + w.billing.count() + w.web.count(); after != before {
		t.Errorf("%d of them reached a service", after-before)
	}
	for _, path := range []string{"/api/storage/v1/files", "/api/storage/v1/quota", "/api/billing/v1/plan", "/api/billing/v1/x"} {
		if got := w.do("GET", path); got.StatusCode != 401 {
			t.Errorf("%s without a token: %d", path, got.StatusCode)
		}
	}
}

// GW-12: whatever the answer, the headers are there, once each.
func TestSecurityHeaders_standOnEveryAnswerOnce(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"PUBLIC_URL": "https://app.example", "LIMIT_AUTH": "1/1h"})
	noisy := func(rw http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "Strict-Transport-Security", "X-Frame-Options"} {
			rw.Header().Add(name, "upstream")
			rw.Header().Add(name, "twice")
		}
		rw.Header().Set("Server", "leaky/1.2.3")
		rw.Header().Set("X-Powered-By", "secret")
		rw.Header().Set("Access-Control-Allow-Private-Network", "true")
		rw.Header().Set("Timing-Allow-Origin", "*")
		if r.URL.Path == "/api/storage/v1/500" {
			rw.WriteHeader(500)
		}
	}
	w.storage.answers(noisy)
	w.auth.answers(noisy)
	w.billing.Close()
	token := w.bearer("u1")
	seen := map[int]bool{}
	for _, got := range []reply{
		w.do("GET", "/api/storage/v1/files", token), w.do("GET", "/api/storage/v1/500", token), w.do("GET", "/api/storage/v1/files"),
		w.do("GET", "/api/storage/v1//", token), w.do("GET", "/api/none"), w.do("FOO", "/api/storage/v1/x"), w.do("GET", "/"),
		w.do("GET", "/api/auth/ok"), w.do("GET", "/api/auth/ok"), w.do("GET", "/api/billing/v1/plan", token), w.do("GET", "/docs"),
		w.do("GET", "/"+strings.Repeat("x", 9000)), w.do("OPTIONS", "/api/storage/v1/x", "Origin: https://good.example", "Access-Control-Request-Method: GET"),
		w.do("GET", "/api/storage/v1/x", token, "Upgrade: h2c"),
	} {
		seen[got.StatusCode] = true
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "", "Content-Security-Policy": "frame-ancestors 'none'",
			"Strict-Transport-Security": "max-age=63072000; includeSubDomains", "X-Frame-Options": "DENY",
			"Permissions-Policy": "", "Cross-Origin-Opener-Policy": "same-origin", "X-Request-Id": "",
		} {
			values := got.Header.Values(name)
			if len(values) != 1 || !strings.Contains(values[0], want) || values[0] == "" {
				t.Errorf("%s %s → %d: %s is %q", got.Request.Method, got.Request.URL.Path, got.StatusCode, name, values)
			}
		}
		for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Private-Network", "Timing-Allow-Origin"} {
			if v := got.Header.Get(name); v != "" {
				t.Errorf("%d tells %s: %s", got.StatusCode, name, v)
			}
		}
	}
	for _, status := range []int{200, 204, 400, 401, 404, 405, 414, 429, 500, 503} {
		if !seen[status] {
			t.Errorf("no answer had the status %d", status)
		}
	}
}

// GW-12, GW-19
func TestContentPolicy_ofTheWebServiceStaysOnTheWebClassOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	policy := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Security-Policy", "script-src 'sha256-x'")
		rw.Header().Set("Content-Type", "text/html")
		_, _ = rw.Write([]byte("<html>"))
	}
	w.web.answers(policy)
	w.storage.answers(policy)
	if got := w.do("GET", "/").Header.Values("Content-Security-Policy"); !slices.Equal(got, []string{"script-src 'sha256-x'"}) {
		t.Errorf("web: %q", got)
	}
	if got := w.do("GET", "/api/storage/v1/x", w.bearer("u")).Header.Values("Content-Security-Policy"); len(got) != 1 || strings.Contains(got[0], "script-src") {
		t.Errorf("storage: %q", got)
	}
}

// STO-04: the sandbox that storage puts around somebody's file also stands on the
// answer that a browser sees.
func TestFiles_areHandedOutInASandbox(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.do("GET", "/api/storage/v1/files/x/content", w.bearer("u")).Header.Values("Content-Security-Policy")
	if len(got) != 1 || !strings.HasPrefix(got[0], "sandbox; default-src 'none';") || !strings.Contains(got[0], "frame-ancestors 'none'") {
		t.Errorf("storage: %q", got)
	}
}

func TestErrors_haveTheFormOfTheirClass(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.do("GET", "/api/storage/v1/files")
	if got.Header.Get("Content-Type") != "application/problem+json" || got.code() != "UNAUTHORIZED" ||
		!strings.Contains(got.text, `"request_id":"`+got.Header.Get("X-Request-Id")+`"`) || got.Header.Get("Www-Authenticate") != "Bearer" {
		t.Errorf("storage: %v %s", got.Header, got.text)
	}
	w.auth.Close()
	got = w.do("GET", "/api/auth/get-session")
	if got.Header.Get("Content-Type") != "application/json" || got.StatusCode != 503 || got.Header.Get("Retry-After") == "" ||
		got.text != `{"message":"This part of the service is away for a moment: try again shortly","code":"UPSTREAM_UNAVAILABLE"}` {
		t.Errorf("auth: %d %v %s", got.StatusCode, got.Header, got.text)
	}
	if head := w.do("HEAD", "/api/storage/v1/files"); head.StatusCode != 401 || head.text != "" || head.Header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d %q %v", head.StatusCode, head.text, head.Header)
	}
}

func TestDevelopment_leadsTheAddressToTheName(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"APP_ENV": "development"})
	send := func(host string, lines ...string) reply {
		r := w.request("GET", "/files?a=b%20c", nil, lines...)
		r.Host = host
		return w.send(r)
	}
	for _, host := range []string{"127.0.0.1:8000", "[::1]:8000"} {
		if got := send(host, "Accept: text/html"); got.StatusCode != 307 || got.Header.Get("Location") != "http://localhost:8000/files?a=b%20c" {
			t.Errorf("%s: %d %s", host, got.StatusCode, got.Header.Get("Location"))
		}
	}
	for name, got := range map[string]reply{
		"an API call":      send("127.0.0.1:8000", "Accept: application/json"),
		"another port":     send("127.0.0.1:8001", "Accept: text/html"),
		"the name itself":  send("localhost:8000", "Accept: text/html"),
		"a script's fetch": send("127.0.0.1:8000", "Sec-Fetch-Mode: cors", "Accept: text/html"),
	} {
		if got.StatusCode != 200 {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
}

func TestAccessLine_tellsTheRequestAndNoSecrets(t *testing.T) {
	t.Parallel()
	w := start(t)
	cookie := w.session("tok.sig=", "u7")
	w.do("GET", "/api/storage/v1/files/abc?secret=q1", "Cookie: "+cookie)
	w.do("GET", "/api/auth/reset-password/very-secret-token?callbackURL=/x")
	w.do("GET", "/api/storage/v1/files", "Authorization: Bearer nonsense")
	eventually(t, "written", func() bool { return len(w.lines()) >= 3 })
	lines := w.lines()
	first := lines[0]
	if first["class"] != "storage" || first["status"] != 200.0 || first["user_id"] != "u7" || first["identity"] != string(identity.Exchange) ||
		first["path"] != "/api/storage/v1/files/abc" || first["method"] != "GET" || first["client"] != "127.0.0.1" {
		t.Errorf("line: %v", first)
	}
	if lines[2]["code"] != "UNAUTHORIZED" || lines[2]["status"] != 401.0 {
		t.Errorf("line: %v", lines[2])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, secret := range []string{"very-secret-token", "q1", "tok.sig", "nonsense", "eyJ"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
