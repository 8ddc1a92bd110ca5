package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

func explainSettings(t *testing.T) settings {
	t.Helper()
	s, err := config.Load[settings]([]string{
		"APP_ENV=test", "PUBLIC_URL=http://localhost:8000", "SERVICE_TOKENS=" + serviceToken, "AUTH_URL=http://127.0.0.1:1", "WEBHOOK_URL=http://127.0.0.1:2",
		"STORAGE_URL=http://127.0.0.1:3", "WEB_URL=http://127.0.0.1:4", "REDIS_URL=redis://127.0.0.1:5/0", "LIMIT_SHADOW=api", "LIMIT_CLOSE_WITHOUT_REDIS=auth-strict",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestExplain_namesWhatARequestMeets(t *testing.T) {
	t.Parallel()
	s := explainSettings(t)
	for _, tc := range []struct{ method, path, class, route, verdict, limits string }{
		{"POST", "/api/storage/v1/files", "upload", "/api/storage/v1/files", "goes to", "total api-address upload api-key"},
		{"GET", "/api/storage/v1/files", "storage", "/api/storage/v1/files", "goes to", "total api-address api api-key"},
		{"POST", "/api/auth/sign-in/email", "auth-strict", "/api/auth/sign-in/*", "goes to", "total strict"},
		{"POST", "/webhooks/stripe", "webhook", "/webhooks/stripe", "goes to", "total webhook webhook-address"},
		{"GET", "/webhooks/stripe", "webhook", "/webhooks/stripe", "405 ", "total webhook webhook-address"},
		{"GET", "/api/nowhere", "closed", "/api/*", "404 ", "total public"},
		{"GET", "/some/page", "web", "/*", "goes to", "total public"},
		{"GET", "/.well-known/jwks.json", "jwks", "/.well-known/jwks.json", "goes to", "total public"},
		{"GET", "/api/storage/v1/a%2fb", "storage", "/api/storage/v1/*", "400 BAD_REQUEST_TARGET", "total api-address api api-key"},
		{"GET", "//api/storage/v1/files", "web", "/*", "400 BAD_REQUEST_TARGET", "total public"},
		{"GET", "/a b", "web", "", "400", "total public"},
		{"GET", "/" + strings.Repeat("a", 33<<10), "web", "/*", "414 URI_TOO_LONG", "total public"},
		{"GET", "/" + strings.Repeat("a", 40<<10), "web", "", "431 HEADERS_TOO_LARGE", "total public"},
	} {
		var out bytes.Buffer
		if err := explain(t.Context(), s, []string{tc.method, tc.path, "--json"}, &out); err != nil {
			t.Fatal(err)
		}
		var x explanation
		if err := json.Unmarshal(out.Bytes(), &x); err != nil {
			t.Fatalf("%s %s: %v", tc.method, tc.path, err)
		}
		var names []string
		for _, l := range x.Limits {
			names = append(names, l.Name)
			if l.Shadow != (l.Name == "api") || l.Exact != (l.Name == "strict") || !l.Shared {
				t.Errorf("%s %s: limit %+v", tc.method, tc.path, l)
			}
		}
		if x.Class != tc.class || x.Route != tc.route || !strings.HasPrefix(x.Verdict, tc.verdict) || strings.Join(names, " ") != tc.limits {
			t.Errorf("%s %s: %s %q %q %v", tc.method, tc.path, x.Class, x.Route, x.Verdict, names)
		}
		if x.Closes != (tc.class == "auth-strict") || x.Headers["X-Content-Type-Options"] != "nosniff" {
			t.Errorf("%s %s: closes %v, headers %v", tc.method, tc.path, x.Closes, x.Headers)
		}
	}
}

func TestExplain_writesForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := explain(t.Context(), explainSettings(t), []string{"GET", "/.well-known/jwks.json"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"class ", "jwks", "http://127.0.0.1:1 /api/auth/jwks", "300 in 1m0s by address"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestExplain_namesTheRightForm(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"GET"}, {"/a", "GET"}, {"GET", "/a", "b"}, {"GET", "/a\r\nX: y"}} {
		if err := explain(t.Context(), settings{}, args, &bytes.Buffer{}); !errors.Is(err, errExplainUsage) || config.ExitCode(err) != 2 {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// GW-16
func TestExplain_tellsWhatIsAskedTwice(t *testing.T) {
	t.Parallel()
	s := explainSettings(t)
	for request, want := range map[string]struct {
		class   upstream.Retry
		repeats bool
	}{
		"GET /api/storage/v1/files": {upstream.Idempotent, true}, "DELETE /api/storage/v1/files/1": {upstream.Idempotent, true},
		"POST /api/storage/v1/files/1/copy": {upstream.Idempotent, false}, "POST /api/storage/v1/files": {upstream.Never, false},
		"PUT /api/storage/v1/files/1": {upstream.Never, false}, "GET /api/billing/v1/plan": {upstream.Idempotent, true},
		"GET /api/auth/get-session": {upstream.Idempotent, true}, "GET /api/auth/magic-link/verify": {upstream.Never, false},
		"POST /webhooks/stripe": {upstream.Never, false}, "GET /.well-known/jwks.json": {upstream.Idempotent, true},
		"GET /": {upstream.Idempotent, true}, "GET /docs": {upstream.Never, false},
	} {
		var out bytes.Buffer
		if err := explain(t.Context(), s, append(strings.Fields(request), "--json"), &out); err != nil {
			t.Fatal(err)
		}
		var x explanation
		if err := json.Unmarshal(out.Bytes(), &x); err != nil || x.Retry != string(want.class) || x.Repeats != want.repeats {
			t.Errorf("%s: retry %v, repeats %v, %v", request, x.Retry, x.Repeats, err)
		}
	}
}
