package main

import (
	"net/http"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
)

// auth's API may begin elsewhere: its classes, its key set and nothing else move.
func TestAuthBase_movesItsRoutes(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"AUTH_BASE_PATH": "/auth", "LIMIT_STRICT": "1/1m"})
	for _, path := range []string{"/auth/get-session", "/auth/two-factor/send-otp"} {
		if r := w.do(http.MethodGet, path); r.StatusCode != http.StatusOK || w.auth.last(t).URI != path {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if r := w.do(http.MethodPost, "/auth/sign-in/email"); r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the strict limit is elsewhere: %d", r.StatusCode)
	}
	before := w.auth.count()
	if r := w.do(http.MethodGet, "/api/auth/get-session"); r.StatusCode != http.StatusNotFound || w.auth.count() != before {
		t.Errorf("where it was: %d", r.StatusCode)
	}
	if r := w.do(http.MethodGet, "/.well-known/jwks.json"); r.StatusCode != http.StatusOK || w.auth.count() != before {
		t.Errorf("the key set: %d", r.StatusCode)
	}
	if r := w.do(http.MethodGet, "/api/storage/v1/files", w.bearer("ada")); r.StatusCode != http.StatusOK {
		t.Errorf("a token of the moved key set: %d %s", r.StatusCode, r.text)
	}
}

func TestAuthBase_isNobodyElses(t *testing.T) {
	t.Parallel()
	w := start(t)
	for base, good := range map[string]bool{
		"/auth": true, "/api/auth": true, "/id/v1": true, "/api": false, "/api/storage": false, "/api/storage/v1/x": false, "/webhooks": false, "/docs": false, "/.well-known/auth": false,
	} {
		s := w.settings
		s.AuthBase = config.BasePath(base)
		if faults := s.Validate(); (len(faults) == 0) != good {
			t.Errorf("%s: %v", base, faults)
		}
	}
}
