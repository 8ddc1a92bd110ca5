package main

import (
	"net/http"
	"strings"
	"testing"
)

// direct is the service with nobody in front but a proxy of the test's own.
func direct(t *testing.T, env map[string]string) *world {
	t.Helper()
	all := map[string]string{"EDGE": "direct", "TRUSTED_ORIGINS": "https://good.example,https://*.app.test"}
	for name, value := range env {
		all[name] = value
	}
	return bareWorld(t, all)
}

// Rules of single paths come before the presets, the most specific first.
func TestEdgeDirect_limitsByRule(t *testing.T) {
	t.Parallel()
	w := direct(t, map[string]string{"RATE_LIMIT": "on", "LIMIT_STRICT": "1/1m", "LIMIT_RULES": "/sign-in/*=2/1m; /sign-in/social=off; /ok = 3/10s"})
	for path, allowed := range map[string]int{"/sign-in/email": 2, "/ok": 3, "/sign-up/email": 1, "/sign-in/social": 9} {
		passed := 0
		for range 9 {
			method := http.MethodPost
			if path == "/ok" {
				method = http.MethodGet
			}
			if r := w.stranger().send(method, path, "application/json", "{}"); r.status != http.StatusTooManyRequests {
				passed++
			}
		}
		if passed != allowed {
			t.Errorf("%s: %d passed, want %d", path, passed, allowed)
		}
	}
}

// GW-06: the client's address comes from the configured header of a trusted proxy,
// and limits count by it.
func TestEdgeDirect_readsTheConfiguredAddressHeader(t *testing.T) {
	t.Parallel()
	rules := map[string]string{"RATE_LIMIT": "on", "LIMIT_RULES": "/ok=1/1m", "CLIENT_ADDRESS_HEADER": "CF-Connecting-IP,X-Forwarded-For"}
	passes := func(w *world, header, addr string) bool {
		b := w.stranger()
		b.headers[header] = addr
		return b.get("/ok").status == http.StatusOK
	}
	rules["TRUSTED_PROXIES"] = "127.0.0.0/8"
	w := direct(t, rules)
	if !passes(w, "CF-Connecting-IP", "192.0.2.1") || passes(w, "X-Forwarded-For", "192.0.2.1") || !passes(w, "CF-Connecting-IP", "192.0.2.2") {
		t.Error("not counted by the header of the trusted proxy")
	}
	rules["TRUSTED_PROXIES"] = "10.0.0.0/8"
	w = direct(t, rules)
	if !passes(w, "CF-Connecting-IP", "192.0.2.1") || passes(w, "CF-Connecting-IP", "192.0.2.2") {
		t.Error("a stranger's header is believed")
	}
}

// GW-13: with nobody in front, pages of trusted origins may call and read what the
// contract exposes. Others get nothing, and OPTIONS is no method for them.
func TestEdgeDirect_sharesWithTrustedOrigins(t *testing.T) {
	t.Parallel()
	w := direct(t, nil)
	ask := func(w *world, method, origin string) reply {
		b := w.stranger()
		b.headers["Origin"], b.headers["Access-Control-Request-Method"] = origin, "POST"
		return b.send(method, "/ok", "", "")
	}
	for _, origin := range []string{"https://good.example", "https://a.app.test"} {
		r := ask(w, http.MethodOptions, origin)
		h := r.header
		if r.status != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Access-Control-Allow-Methods") != "GET, POST" || h.Get("Vary") == "" {
			t.Errorf("preflight of %s: %d %v", origin, r.status, h)
		}
		if h := ask(w, http.MethodGet, origin).header; h.Get("Access-Control-Allow-Origin") != origin || h.Get("Vary") != "Origin" {
			t.Errorf("answer to %s: %v", origin, h)
		} else {
			for _, name := range []string{"set-auth-token", "set-auth-jwt", "X-Retry-After"} {
				if !lists(h.Get("Access-Control-Expose-Headers"), name) {
					t.Errorf("%s is not exposed", name)
				}
			}
		}
	}
	for _, origin := range []string{"https://evil.example", "https://good.example.evil.example", "null", home} {
		if r := ask(w, http.MethodOptions, origin); r.status != http.StatusNotFound || r.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight of %s: %d %v", origin, r.status, r.header)
		}
		if h := ask(w, http.MethodGet, origin).header; h.Get("Access-Control-Allow-Origin") != "" || h.Get("Vary") != "Origin" {
			t.Errorf("answer to %s: %v", origin, h)
		}
	}
	behind := bareWorld(t, map[string]string{"TRUSTED_ORIGINS": "https://good.example"})
	if r := ask(behind, http.MethodOptions, "https://good.example"); r.status != http.StatusNotFound || r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("behind the gateway: %d %v", r.status, r.header)
	}
}

func lists(header, name string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if strings.EqualFold(strings.TrimSpace(part), name) {
			return true
		}
	}
	return false
}
