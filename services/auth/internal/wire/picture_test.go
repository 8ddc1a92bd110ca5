package wire_test

import (
	"testing"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

func TestPicture(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://cdn.example/a.png?x=1": true, "http://localhost:8000/a.png": true, "/avatars/a.png": true, "": true,
		"javascript:alert(1)": false, "JaVaScRiPt:alert(1)": false, "data:image/svg+xml,<svg/>": false, "//evil.example/a.png": false, "/\\evil.example": false,
		"https:///a.png": false, "https:a.png": false, "https://user:pw@x.example/": false, "https://x.example/\"onerror=1": false, "ftp://x.example/a": false,
		"blob:https://x.example/1": false, "a.png": false, "https://x.example/a b": false, "https://[::1": false,
	} {
		if got := wire.Picture(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
