// Package moved_test runs the whole product with auth's API at a place of its own:
// BASE_PATH at auth, AUTH_BASE_PATH at the gateway, and the address of its key set
// at the others.
package moved_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

const (
	base    = "/id"
	revoked = 5 * time.Second // of which the feed takes milliseconds
)

// With the demo: the launcher makes it through the moved API.
func TestMain(m *testing.M) { os.Exit(stack.Run(m, "BASE_PATH="+base, "CODEX_SEED=true")) }

func signedUp(t *testing.T, dev stack.Dev) *stack.Person {
	t.Helper()
	p := stack.Visitor(t, dev)
	p.Want(t, http.StatusOK, http.MethodPost, base+"/sign-up/email", map[string]string{"name": "Test Person", "email": p.Email, "password": p.Password, "callbackURL": "/dashboard"})
	if to := p.Want(t, http.StatusFound, http.MethodGet, stack.Link(t, dev, p.Email, base+"/verify-email"), nil).Header.Get("Location"); to != "/dashboard" {
		t.Errorf("verified, led to %s", to)
	}
	return p
}

// A session, its access token and both of its ends reach every service.
func TestMovedAPI_sessionsAndTokensReachEveryService(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	p := signedUp(t, dev)
	var seen struct {
		User struct{ Email string }
	}
	p.Want(t, http.StatusOK, http.MethodGet, base+"/get-session", nil).JSON(t, &seen)
	if seen.User.Email != p.Email {
		t.Errorf("signed in as %q", seen.User.Email)
	}
	for _, target := range []string{"/api/storage/v1/quota", "/api/billing/v1/plan"} {
		p.Want(t, http.StatusOK, http.MethodGet, target, nil)
	}
	var made struct{ Token string }
	p.Want(t, http.StatusOK, http.MethodGet, base+"/token", nil).JSON(t, &made)
	program := stack.Visitor(t, dev)
	for target, want := range map[string]int{"/api/storage/v1/quota": http.StatusOK, "/api/billing/v1/plan": http.StatusOK} {
		if got := program.Do(t, http.MethodGet, target, nil, "Authorization", "Bearer "+made.Token); got.Status != want {
			t.Errorf("%s by token: %d %s", target, got.Status, got.Body)
		}
	}

	signedOut := p.Want(t, http.StatusOK, http.MethodPost, base+"/sign-out", map[string]string{})
	if p.Cookie(t, "codex.jwt") != "" || len(signedOut.Header.Values("Set-Cookie")) == 0 {
		t.Errorf("the gateway's cookie outlived the session: %v", signedOut.Header.Values("Set-Cookie"))
	}
	stack.Eventually(t, revoked, "the token to end with its session", func() bool {
		return program.Do(t, http.MethodGet, "/api/storage/v1/quota", nil, "Authorization", "Bearer "+made.Token).Status == http.StatusUnauthorized
	})
}

// Every link that leads back to auth has the moved place in it.
func TestMovedAPI_linksLeadThere(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	p := signedUp(t, dev)

	p.Want(t, http.StatusOK, http.MethodPost, base+"/request-password-reset", map[string]string{"email": p.Email, "redirectTo": "/reset-password"})
	to := p.Want(t, http.StatusFound, http.MethodGet, stack.Link(t, dev, p.Email, base+"/reset-password/"), nil).Header.Get("Location")
	page, err := url.Parse(to)
	if err != nil || page.Path != "/reset-password" || page.Query().Get("token") == "" {
		t.Fatalf("the reset link leads to %s", to)
	}
	p.Want(t, http.StatusOK, http.MethodPost, base+"/reset-password", map[string]string{"token": page.Query().Get("token"), "newPassword": "another-passphrase-of-theirs-1"})
	p.Want(t, http.StatusOK, http.MethodPost, base+"/sign-in/magic-link", map[string]string{"email": p.Email, "callbackURL": "/dashboard"})
	p.Want(t, http.StatusFound, http.MethodGet, stack.Link(t, dev, p.Email, base+"/magic-link/verify"), nil)

	other := stack.Visitor(t, dev)
	var begun struct{ URL string }
	other.Want(t, http.StatusOK, http.MethodPost, base+"/sign-in/social", map[string]string{"provider": "demo", "callbackURL": "/dashboard"}).JSON(t, &begun)
	question, err := url.Parse(begun.URL)
	if err != nil || question.Query().Get("redirect_uri") != dev.PublicURL+base+"/callback/demo" {
		t.Fatalf("the provider is told %s", begun.URL)
	}
	other.Want(t, http.StatusOK, http.MethodGet, begun.URL, nil)
	answer := other.Do(t, http.MethodPost, begun.URL, strings.NewReader(url.Values{"email": {other.Email}, "name": {"Test Person"}, "verified": {"on"}}.Encode()),
		"Content-Type", "application/x-www-form-urlencoded")
	if led := other.Want(t, http.StatusFound, http.MethodGet, answer.Header.Get("Location"), nil).Header.Get("Location"); led != "/dashboard" {
		t.Errorf("after the provider: %s", led)
	}
	other.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil)

	wrong := other.Want(t, http.StatusFound, http.MethodGet, base+"/callback/demo?code=x&state=unknown", nil).Header.Get("Location")
	if wrong != dev.PublicURL+base+"/error?error=state_mismatch" {
		t.Fatalf("what went wrong is said at %s", wrong)
	}
	if said := other.Want(t, http.StatusOK, http.MethodGet, wrong, nil); !strings.Contains(string(said.Body), "state_mismatch") {
		t.Errorf("the page says\n%s", said.Body)
	}
}

// Nothing is left at the usual place, what is public of the keys and the
// description moves along, and what is internal stays inside.
func TestMovedAPI_leavesNothingBehind(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	visitor := stack.Visitor(t, dev)
	for target, want := range map[string]int{
		base + "/ok": http.StatusOK, base + "/jwks": http.StatusOK, "/.well-known/jwks.json": http.StatusOK,
		"/api/auth/ok": http.StatusNotFound, "/api/auth/get-session": http.StatusNotFound,
		base + "/nothing": http.StatusNotFound, base + "/internal/v1/sessions/exchange": http.StatusNotFound,
	} {
		if got := visitor.Do(t, http.MethodGet, target, nil); got.Status != want {
			t.Errorf("%s: %d %s", target, got.Status, got.Body)
		}
	}
	var joined struct{ Paths map[string]any }
	visitor.Want(t, http.StatusOK, http.MethodGet, "/openapi.json", nil).JSON(t, &joined)
	if joined.Paths[base+"/sign-in/email"] == nil || joined.Paths["/api/auth/sign-in/email"] != nil {
		t.Error("the joined description has auth's operations elsewhere")
	}
}
