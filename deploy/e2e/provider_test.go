package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

// Somebody signs in with a provider through the front door, as a browser does.
func TestSignInWithAProvider(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	p := stack.Visitor(t, dev)

	back := atProvider(t, p, url.Values{"email": {p.Email}, "name": {"Test Person"}, "verified": {"on"}})
	if to := p.Want(t, http.StatusFound, http.MethodGet, back, nil).Header.Get("Location"); to != "/dashboard" {
		t.Fatalf("led to %s", to)
	}
	var seen struct {
		User struct {
			Email    string `json:"email"`
			Verified bool   `json:"emailVerified"`
		} `json:"user"`
	}
	p.Want(t, http.StatusOK, http.MethodGet, "/api/auth/get-session", nil).JSON(t, &seen)
	if seen.User.Email != p.Email || !seen.User.Verified {
		t.Errorf("signed in as %+v", seen.User)
	}
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil)

	// Who refuses is led to where the page asked for, with the reason.
	other := stack.Visitor(t, dev)
	back = atProvider(t, other, url.Values{"refuse": {"yes"}})
	if to := other.Want(t, http.StatusFound, http.MethodGet, back, nil).Header.Get("Location"); to != "/sign-in?error=access_denied" && !strings.HasPrefix(to, "/sign-in?error=access_denied&") {
		t.Errorf("led to %s", to)
	}
}

// atProvider answers the demo provider's page and gives the address that it leads back to.
func atProvider(t *testing.T, p *stack.Person, answer url.Values) (back string) {
	t.Helper()
	var begun struct {
		URL string `json:"url"`
	}
	p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/sign-in/social",
		map[string]string{"provider": "demo", "callbackURL": "/dashboard", "errorCallbackURL": "/sign-in"}).JSON(t, &begun)
	if page := p.Want(t, http.StatusOK, http.MethodGet, begun.URL, nil); !strings.Contains(string(page.Body), `<form method="post"`) {
		t.Fatalf("the provider's page is\n%s", page.Body)
	}
	form := p.Do(t, http.MethodPost, begun.URL, strings.NewReader(answer.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if form.Status != http.StatusFound {
		t.Fatalf("the provider answers %d %s", form.Status, form.Body)
	}
	return form.Header.Get("Location")
}
