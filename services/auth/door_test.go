package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// bareWorld is the service without a database: what is asked for here needs none.
func bareWorld(t *testing.T, env map[string]string) *world {
	t.Helper()
	return newWorld(t, options{env: env, pool: open(t, "postgres://nobody@127.0.0.1:1/none?sslmode=disable")})
}

func TestPaths_matchExactlyOrThereIsNothing(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, nil)
	for _, try := range [][2]string{
		{"GET", "/"}, {"GET", "/nothing"}, {"GET", "/ok/"}, {"POST", "/ok"}, {"HEAD", "/ok"}, {"OPTIONS", "/ok"}, {"GET", "/sign-in/email"},
		{"PUT", "/sign-in/email"}, {"DELETE", "/get-session"}, {"HEAD", "/get-session"}, {"GET", "/sign-out"}, {"POST", "/SIGN-OUT"}, {"POST", "/sign-out/"},
		{"GET", "/reset-password/"}, {"GET", "/reset-password/a/b"}, {"TRACE", "/ok"},
	} {
		r := w.browser().send(try[0], try[1], "", "")
		if r.status != http.StatusNotFound || r.text != "" {
			t.Errorf("%s %s: %d %q", try[0], try[1], r.status, r.text)
		}
	}
	if r := w.stranger().get("/ok"); r.status != http.StatusOK || r.text != `{"ok":true}`+"\n" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("/ok: %d %s", r.status, r.text)
	}
}

func TestErrorPage(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, nil)
	for query, tc := range map[string]struct{ has, not []string }{
		"?error=INVALID_TOKEN":                                         {[]string{"INVALID_TOKEN", "does not work", `href="` + home}, nil},
		"?error=TOKEN_EXPIRED":                                         {[]string{"TOKEN_EXPIRED", "too old"}, nil},
		"?error=state_mismatch&error_description=It%20was%20so":        {[]string{"state_mismatch", "It was so"}, nil},
		"?error=%3Cscript%3Ealert(1)%3C/script%3E":                     {[]string{"UNKNOWN"}, []string{"<script", "alert"}},
		"?error=a%20b":                                                 {[]string{"UNKNOWN"}, []string{"a b"}},
		"?error=X&error_description=%3Cimg%20src%3Dx%20onerror%3D1%3E": {[]string{"&lt;img"}, []string{"<img"}},
		"":                     {[]string{"UNKNOWN", "<h1>"}, nil},
		"?error=access_denied": {[]string{"access_denied", "did not agree", home + "/sign-in"}, nil},
	} {
		r := w.stranger().get("/error" + query)
		if r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", query, r.status, r.header.Get("Content-Type"))
		}
		for _, want := range tc.has {
			if !strings.Contains(r.text, want) {
				t.Errorf("%s: %q is missing in\n%s", query, want, r.text)
			}
		}
		for _, not := range tc.not {
			if strings.Contains(r.text, not) {
				t.Errorf("%s: %q is in\n%s", query, not, r.text)
			}
		}
	}
}

func TestErrorPage_speaksGermanOrIsTheAppsOwn(t *testing.T) {
	t.Parallel()
	german := bareWorld(t, nil).stranger()
	german.headers["Accept-Language"] = "de-DE"
	if r := german.get("/error?error=state_mismatch"); !strings.Contains(r.text, `<html lang="de">`) || !strings.Contains(r.text, "Zur Anmeldung") {
		t.Errorf("%s", r.text)
	}
	own := bareWorld(t, map[string]string{"ERROR_PAGE": "/oops"}).stranger()
	for query, want := range map[string]string{
		"?error=invalid_code&error_description=a%26b%3Dc": "/oops?error=invalid_code&error_description=a%26b%3Dc",
		"?error=//evil.example":                           "/oops?error=UNKNOWN",
	} {
		if r := own.get("/error" + query); r.status != http.StatusFound || r.header.Get("Location") != home+want {
			t.Errorf("%s: %d to %s", query, r.status, r.header.Get("Location"))
		}
	}
}

// The rule has its own tests; here it stands in front of every operation.
func TestOrigin_isCheckedOnEveryCall(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, map[string]string{"TRUSTED_ORIGINS": "https://*.partner.example"})
	for _, path := range []string{
		"/sign-out", "/revoke-session", "/revoke-sessions", "/revoke-other-sessions", "/update-user", "/change-password", "/verify-password",
		"/request-password-reset", "/reset-password", "/send-verification-email", "/sign-up/email", "/sign-in/email", "/get-session",
	} {
		b := w.browser()
		b.cookies["theme"] = "dark"
		b.headers["Origin"] = "https://evil.example"
		if r := b.post(path, map[string]any{}); r.status != http.StatusForbidden || r.code() != "INVALID_ORIGIN" || r.message() != "Invalid origin" {
			t.Errorf("%s from a foreign page: %d %s", path, r.status, r.text)
		}
		delete(b.headers, "Origin")
		if r := b.post(path, map[string]any{}); r.status != http.StatusForbidden || r.code() != "MISSING_OR_NULL_ORIGIN" || r.message() != "Missing or null Origin" {
			t.Errorf("%s from nowhere: %d %s", path, r.status, r.text)
		}
		b.headers["Origin"] = "https://a.partner.example"
		if r := b.post(path, map[string]any{}); r.status == http.StatusForbidden {
			t.Errorf("%s from a trusted page: %d %s", path, r.status, r.text)
		}
	}
}

func TestSecureCookies_onHTTPS(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, map[string]string{"PUBLIC_URL": "https://app.example"})
	b := w.browser()
	b.headers["Origin"] = "https://app.example"
	r := b.post("/sign-out", map[string]any{})
	if line := r.cookie("__Secure-better-auth.session_token"); line != "__Secure-better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure" {
		t.Errorf("Set-Cookie %q", r.header.Values("Set-Cookie"))
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, nil)
	httpapi.CheckOpenAPI(t, w.service.api, "openapi.yaml")
}

// LOG-01 and AUTH-16: what a client sent is never said back, and never logged.
func TestErrors_neverRepeatWhatWasSent(t *testing.T) {
	t.Parallel()
	lines := &safeBuffer{}
	w := newWorld(t, options{log: lines})
	const marked = "m4rked-s3cret-value"
	for _, body := range []string{
		`{"email":"` + marked + `","password":"` + marked + `","name":"x"}`,
		`{"email":["` + marked + `"],"password":{"a":"` + marked + `"},"name":"` + marked + `"}`,
		`{"email":"a@x.test","password":"` + marked + `","name":"x","callbackURL":"https://` + marked + `.example"}`,
		`{"` + marked + `":1,"` + marked + `":2}`,
		marked, `"` + marked + `"`, `[` + marked,
	} {
		for _, path := range []string{"/sign-up/email", "/sign-in/email", "/reset-password", "/change-password", "/update-user", "/request-password-reset"} {
			r := w.browser().send(http.MethodPost, path, "application/json", body)
			if r.status >= 500 || path != "/sign-up/email" && strings.Contains(r.text, marked) || r.status != http.StatusOK && strings.Contains(r.text, marked) {
				t.Errorf("%s %s: %d %s", path, body, r.status, r.text)
			}
			var refusal map[string]any
			if r.status != http.StatusOK && (json.Unmarshal([]byte(r.text), &refusal) != nil || len(refusal) != 2) {
				t.Errorf("%s %s: not {message, code}: %s", path, body, r.text)
			}
		}
	}
	b := w.signUp("marked-address@example.test", marked+"-password")
	b.get("/get-session")
	b.get("/token")
	w.browser().post("/request-password-reset", map[string]any{"email": "marked-address@example.test"})
	token := tokenOf(t, w.link("marked-address@example.test"))
	b.get("/reset-password/" + token + "?callbackURL=/x")
	for _, secret := range []string{marked, b.sessionToken(), token, secret, serviceToken, "marked-address@"} {
		if strings.Contains(lines.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}
