package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

// A token of an ended session is refused at the gateway within 100 ms, although
// it would live for a quarter of an hour. The time is a figure of this run.
func TestRevokedSessionsTokenIsRefusedAtTheGateway(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	here := stack.SignedUp(t, dev)
	there := here.Another(t)
	there.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil)
	token := there.Cookie(t, "codex.jwt")
	if token == "" {
		t.Fatal("the gateway set no token")
	}
	bearer := stack.Visitor(t, dev)
	ask := func() int {
		return bearer.Do(t, http.MethodGet, "/api/storage/v1/quota", nil, "Authorization", "Bearer "+token).Status
	}
	if got := ask(); got != http.StatusOK {
		t.Fatalf("before: %d", got)
	}
	here.Want(t, http.StatusOK, http.MethodPost, "/api/auth/revoke-other-sessions", map[string]any{})
	ended := time.Now()
	stack.Eventually(t, 2*time.Second, "401 for the revoked token", func() bool { return ask() == http.StatusUnauthorized })
	took := time.Since(ended)
	t.Logf("FIGURE revoked token refused %d ms after the answer to the revocation (at most 100)", took.Milliseconds())
	here.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil)
	there.Want(t, http.StatusUnauthorized, http.MethodGet, "/api/storage/v1/quota", nil)
}

func TestSignOutEndsTheToken(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	p := stack.SignedUp(t, dev)
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil)
	token := p.Cookie(t, "codex.jwt")
	p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/sign-out", map[string]any{})
	if left := p.Cookie(t, "codex.jwt"); left != "" {
		t.Error("the token cookie is still there")
	}
	stack.Eventually(t, 2*time.Second, "401 for the token of the ended session", func() bool {
		return stack.Visitor(t, dev).Do(t, http.MethodGet, "/api/storage/v1/quota", nil, "Authorization", "Bearer "+token).Status == http.StatusUnauthorized
	})
}
