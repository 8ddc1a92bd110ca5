package access_test

import (
	"strings"
	"testing"

	"github.com/codex-platform/codex/services/gateway/internal/access"
)

func TestShown_keepsTokensInPathsOutOfTheLog(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/auth/reset-password/secret": "/api/auth/reset-password/…",
		"/api/auth/callback/google/x":     "/api/auth/callback/…",
		"/api/auth/get-session":           "/api/auth/get-session",
	} {
		if got := access.Shown(path, true); got != want {
			t.Errorf("Shown(%s) = %s", path, got)
		}
	}
	if got := access.Shown("/api/storage/v1/files/1/content", false); got != "/api/storage/v1/files/1/content" {
		t.Errorf("got %s", got)
	}
	if got := access.Shown("/"+strings.Repeat("x", 5000), false); len(got) > 300 {
		t.Errorf("%d bytes of a path are logged", len(got))
	}
}

func TestCleanMethod(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"GET": "GET", "PROPFIND": "PROPFIND", "get": "other", "G\nT": "other", "": "", strings.Repeat("A", 100): "other"} {
		if got := access.CleanMethod(method); got != want {
			t.Errorf("CleanMethod(%q) = %q", method, got)
		}
	}
}
