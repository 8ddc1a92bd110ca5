package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The API moves as a whole: its operations, the links of letters, the addresses
// that providers answer to and the description. Nothing stays behind.
func TestBasePath_movesEverything(t *testing.T) {
	t.Parallel()
	w, _, _ := withProviders(t, map[string]string{"BASE_PATH": "/auth"})
	email := address()
	w.signUp(email, goodPassword)
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	if link := w.link(email); !strings.HasPrefix(link, w.home+"/auth/reset-password/") {
		t.Errorf("a reset: %s", link)
	}
	b := w.browser()
	question, err := url.Parse(b.leave("/sign-in/social", nil))
	if err != nil || question.Query().Get("redirect_uri") != w.home+"/auth/callback/acme" {
		t.Errorf("a provider: %v, %v", question, err)
	}
	leads(t, b.get("/callback/acme?code=x&state=unknown"), w.home+"/auth/error?error=state_mismatch")
	foreign := w.browser()
	foreign.headers["Origin"] = "https://evil.example"
	if r := foreign.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.code() != "INVALID_ORIGIN" {
		t.Errorf("a foreign page: %d %s", r.status, r.text)
	}
	for path, want := range map[string]int{"/api/auth/ok": http.StatusNotFound, "/api/auth/get-session": http.StatusNotFound, "/auth/ok": http.StatusOK} {
		res, err := plain.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	for path := range w.service.api.Huma().OpenAPI().Paths {
		if strings.HasPrefix(path, base) {
			t.Errorf("the description has %s", path)
		}
	}
}
