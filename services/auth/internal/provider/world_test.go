package provider_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/oidc"

	"github.com/codex-platform/codex/services/auth/internal/provider"
)

const redirect = "http://localhost:8000/api/auth/callback/acme"

// world is a provider and our side of the conversation with it.
type world struct {
	*provider.Provider
	server *oidc.Server
	clock  *testkit.Clock
}

func newWorld(t *testing.T, o oidc.Options, limit time.Duration) *world {
	t.Helper()
	w := &world{clock: testkit.NewClock(time.Now())}
	o.Now = w.clock.Now
	w.server = oidc.Start(t, o)
	w.Provider = provider.OpenID(options(w.server, w.clock, limit))
	return w
}

func options(s *oidc.Server, clock *testkit.Clock, limit time.Duration) provider.Options {
	return provider.Options{
		ID: "acme", ClientIDs: []string{s.ClientID}, Secret: s.Secret, URL: s.URL,
		Client: provider.NewClient(limit), Now: clock.Now, Limit: limit,
	}
}

// visit asks, lets the person approve, and gives the reply for Complete with the
// address that the browser was sent to.
func (w *world) visit(t *testing.T) (provider.Reply, *url.URL) {
	t.Helper()
	r := provider.Reply{Verifier: security.Token(128), Nonce: security.Token(32), Redirect: redirect}
	asked, err := w.Ask(t.Context(), provider.Question{State: "the-state", Nonce: r.Nonce, Verifier: r.Verifier, Redirect: redirect})
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(asked)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, asked, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatalf("status %d: %v", res.StatusCode, err)
	}
	r.Code, r.Issuer = back.Query().Get("code"), back.Query().Get("iss")
	if back.Query().Get("state") != "the-state" {
		t.Errorf("came back to %s", back)
	}
	return r, address
}

// signIn is a visit and its completion.
func (w *world) signIn(t *testing.T) (provider.Identity, provider.Tokens, error) {
	t.Helper()
	r, _ := w.visit(t)
	return w.Complete(t.Context(), r)
}
