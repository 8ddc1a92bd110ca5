package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Who came by a provider that is told of it is led to its sign-out too, and from
// there back (contract §3); who came otherwise, or is led by nobody, is just out.
func TestSignOut_leadsToTheProvider(t *testing.T) {
	t.Parallel()
	w, acme, other := withProviders(t, map[string]string{"OIDC_ACME_END_SESSION": "on"})
	email := address()
	acme.Be(person(email, true))
	other.Be(person(email, true))
	b := w.browser()
	b.social(nil)
	r := b.post("/sign-out", map[string]any{"callbackURL": "/bye", "state": "s-1"})
	to, err := url.Parse(r.str("url"))
	if err != nil || r.status != http.StatusOK || r.body["success"] != true || r.body["redirect"] != true || r.header.Get("Location") != r.str("url") {
		t.Fatalf("%d %s", r.status, r.text)
	}
	q := to.Query()
	if !strings.HasPrefix(to.String(), acme.URL+"/logout?") || q.Get("client_id") != "codex" || q.Get("post_logout_redirect_uri") != w.home+"/bye" ||
		q.Get("state") != "s-1" || strings.Count(q.Get("id_token_hint"), ".") != 2 {
		t.Errorf("led to %s", to)
	}
	if b.signedIn() || r.cookie(sessionCookie) == "" {
		t.Error("still signed in here")
	}

	again := w.browser()
	again.social(nil)
	if r := again.post("/sign-out", map[string]any{"disableRedirect": true}); r.body["redirect"] != false || r.str("url") == "" || r.header.Get("Location") != "" ||
		strings.Contains(r.str("url"), "post_logout") {
		t.Errorf("a page that goes by itself: %d %s", r.status, r.text)
	}
	foreign := w.browser()
	foreign.social(nil)
	if r := foreign.post("/sign-out", map[string]any{"callbackURL": "https://evil.example"}); r.code() != "INVALID_CALLBACK_URL" || !foreign.signedIn() {
		t.Errorf("a foreign page: %d %s", r.status, r.text)
	}

	elsewhere := w.browser()
	elsewhere.social(map[string]any{"provider": "other"})
	for name, b := range map[string]*browser{"a provider that is not told": elsewhere, "a password": w.signUp(address(), goodPassword), "nobody": w.browser()} {
		if r := b.post("/sign-out", map[string]any{"callbackURL": "/bye"}); r.status != http.StatusOK || r.text != "{\"success\":true}\n" {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
}

// A session that takes the place of another is still one that began with the provider.
func TestSignOut_leadsToTheProviderFromAReplacedSessionToo(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, map[string]string{"OIDC_ACME_END_SESSION": "on", "TRUSTED_PROVIDERS": "acme"})
	for name, replace := range map[string]func(b *browser){
		"new password": func(b *browser) {
			b.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": goodPassword, "revokeOtherSessions": true})
		},
		"second factor": func(b *browser) {
			b.post("/two-factor/enable", map[string]any{"password": goodPassword, "method": "otp"})
		},
	} {
		email := address()
		w.signUp(email, goodPassword)
		acme.Be(person(email, true))
		b := w.browser()
		b.social(nil)
		before := b.sessionToken()
		if replace(b); b.sessionToken() == before {
			t.Fatalf("%s: the session was not replaced", name)
		}
		if r := b.post("/sign-out", map[string]any{"callbackURL": "/bye"}); !strings.HasPrefix(r.str("url"), acme.URL+"/logout?") {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
}
