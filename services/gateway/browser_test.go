package main

import (
	"net/http"
	"strings"
	"testing"
)

// GW-13
func TestCORS_headersForTrustedOriginsOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.bearer("u1")
	for origin, want := range map[string]bool{
		"https://good.example": true, "https://a.app.test": true,
		"https://evil.example": false, "null": false, "https://good.example.evil.test": false, "https://evilapp.test": false,
		"http://good.example": false, "https://good.example:444": false, "https://sub.good.example": false, "": false,
		"http://localhost:8000": false, // our own page needs none
	} {
		for _, path := range []string{"/api/storage/v1/files", "/api/auth/get-session", "/api/billing/v1/plan"} {
			lines := []string{token}
			if origin != "" {
				lines = append(lines, "Origin: "+origin)
			}
			got := w.do("GET", path, lines...)
			allow := got.Header.Get("Access-Control-Allow-Origin")
			if want != (allow != "") || want && (allow != origin || got.Header.Get("Access-Control-Allow-Credentials") != "true") {
				t.Errorf("%s from %q: allow %q", path, origin, allow)
			}
			if !strings.Contains(strings.Join(got.Header.Values("Vary"), ","), "Origin") {
				t.Errorf("%s from %q: Vary is %q", path, origin, got.Header.Values("Vary"))
			}
		}
	}
	if got := w.do("GET", "/", "Origin: https://good.example"); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("the pages are shared")
	}
}

// GW-13
func TestCORS_aPreflightNeverReachesAService(t *testing.T) {
	t.Parallel()
	w := start(t)
	ask := []string{"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization,x-evil"}
	for _, path := range []string{"/api/storage/v1/files/1", "/api/storage/v1/quota", "/api/auth/sign-in/email", "/api/billing/v1/plan"} {
		got := w.do("OPTIONS", path, append(ask, "Origin: https://good.example")...)
		if got.StatusCode != http.StatusNoContent || !strings.Contains(got.Header.Get("Access-Control-Allow-Methods"), "PUT") ||
			got.Header.Get("Access-Control-Allow-Origin") != "https://good.example" || strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "evil") {
			t.Errorf("%s: %d %v", path, got.StatusCode, got.Header)
		}
		got = w.do("OPTIONS", path, append(ask, "Origin: https://evil.example")...)
		if got.StatusCode != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Methods") != "" || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s from evil: %d %v", path, got.StatusCode, got.Header)
		}
	}
	allowed := w.do("OPTIONS", "/api/storage/v1/files/1/content", append(ask, "Origin: https://good.example")...).Header.Get("Access-Control-Allow-Headers")
	for _, name := range []string{"Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Range"} {
		if !strings.Contains(allowed, name) { // the services read it
			t.Errorf("%s is not in %q", name, allowed)
		}
	}
	if n := w.auth.count() + w.storage.count() + w.billing.count(); n != 0 {
		t.Errorf("%d preflights reached a service", n)
	}
}

// A service's own CORS headers would add to ours.
func TestCORS_aServicesOwnHeadersAreDropped(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Access-Control-Allow-Origin", "*")
		rw.Header().Set("Access-Control-Allow-Credentials", "true")
	})
	got := w.do("GET", "/api/storage/v1/files", w.bearer("u"), "Origin: https://evil.example")
	if len(got.Header.Values("Access-Control-Allow-Origin"))+len(got.Header.Values("Access-Control-Allow-Credentials")) != 0 {
		t.Errorf("%v", got.Header)
	}
}

// What a service's answer lets pages read is told as the service tells it, and with
// the gateway's list where the answer is shared.
func TestCORS_exposesWhatAServiceExposes(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.auth.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Access-Control-Expose-Headers", "set-auth-jwt")
	})
	for origin, want := range map[string]string{"": "set-auth-jwt", "https://good.example": "Content-Disposition"} {
		lines := []string{}
		if origin != "" {
			lines = append(lines, "Origin: "+origin)
		}
		got := w.do("GET", "/api/auth/get-session", lines...).Header.Values("Access-Control-Expose-Headers")
		if len(got) != 1 || !strings.HasPrefix(got[0], want) || !strings.Contains(got[0], "set-auth-jwt") {
			t.Errorf("from %q: %q", origin, got)
		}
	}
}

// GW-14
func TestCSRF_aChangeByCookieNeedsProofOfItsPage(t *testing.T) {
	t.Parallel()
	w := start(t)
	jwt := "Cookie: codex.jwt=" + w.token("u1", "s1")
	session := "Cookie: " + w.session("x.sig", "u1")
	for _, cookie := range []string{jwt, session} {
		for name, tc := range map[string]struct {
			lines []string
			want  int
		}{
			"own origin":                     {[]string{"Origin: http://localhost:8000"}, 200},
			"trusted origin":                 {[]string{"Origin: https://good.example"}, 200},
			"same-origin fetch":              {[]string{"Sec-Fetch-Site: same-origin"}, 200},
			"no proof":                       {nil, 403},
			"text/plain form":                {[]string{"Content-Type: text/plain"}, 403},
			"urlencoded form":                {[]string{"Content-Type: application/x-www-form-urlencoded", "Origin: https://evil.example"}, 403},
			"JSON":                           {[]string{"Content-Type: application/json"}, 403},
			"evil origin":                    {[]string{"Origin: https://evil.example"}, 403},
			"null origin":                    {[]string{"Origin: null"}, 403},
			"null origin, same-origin":       {[]string{"Origin: null", "Sec-Fetch-Site: same-origin"}, 403},
			"evil origin, same-origin":       {[]string{"Origin: https://evil.example", "Sec-Fetch-Site: same-origin"}, 403},
			"cross-site":                     {[]string{"Sec-Fetch-Site: cross-site"}, 403},
			"same-site":                      {[]string{"Sec-Fetch-Site: same-site"}, 403},
			"typed by hand":                  {[]string{"Sec-Fetch-Site: none"}, 403},
			"only a referer":                 {[]string{"Referer: http://localhost:8000/x"}, 403},
			"a suffix":                       {[]string{"Origin: http://localhost:8000.evil.test"}, 403},
			"empty origin":                   {[]string{"Origin: "}, 403},
			"an override says GET":           {[]string{"X-HTTP-Method-Override: GET"}, 403},
			"an origin that says two things": {[]string{"Origin: http://localhost:8000, https://evil.example"}, 403},
		} {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				path := "/api/storage/v1/files"
				if method != "POST" {
					path += "/1"
				}
				if got := w.do(method, path, append(tc.lines, cookie)...); got.StatusCode != tc.want || tc.want == 403 && got.code() != "ORIGIN_NOT_TRUSTED" {
					t.Errorf("%s %s: %d %s, want %d", method, name, got.StatusCode, got.code(), tc.want)
				}
			}
		}
	}
}

// GW-14
func TestCSRF_readsAndBearersAreFree(t *testing.T) {
	t.Parallel()
	w := start(t)
	cookie := "Cookie: codex.jwt=" + w.token("u1", "s1")
	for _, method := range []string{"GET", "HEAD"} {
		if got := w.do(method, "/api/storage/v1/files", cookie, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"); got.StatusCode != 200 {
			t.Errorf("%s: %d", method, got.StatusCode)
		}
	}
	// A foreign page cannot send the header, whatever cookies come along.
	if got := w.do("DELETE", "/api/storage/v1/files/1", w.bearer("u1"), cookie, "Origin: https://evil.example"); got.StatusCode != 200 {
		t.Errorf("bearer: %d", got.StatusCode)
	}
}

// auth keeps its own rule (contract §1.4) and Stripe has its signature.
func TestCSRF_isNotForForeignClasses(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, path := range []string{"/api/auth/sign-out", "/webhooks/stripe"} {
		if got := w.do("POST", path, "Cookie: codex.jwt="+w.token("u1", "s1"), "Origin: https://evil.example"); got.StatusCode != 200 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}
