package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
)

// SES-04, AUTH-13: an account that was deleted is gone everywhere, and whoever
// keeps something of its person is told until they answered.
func TestDeleteUser_isToldToEverybody(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	told := make(chan string, 10)
	others := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 { // the first call fails and is made again
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		told <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(others.Close)
	w := newWorld(t, options{redis: testkit.Redis(t), env: map[string]string{"STORAGE_URL": others.URL + "/storage", "WEBHOOK_URL": others.URL + "/webhook"}})
	heard := w.revocations()
	email := address()
	b := w.signUp(email, goodPassword)
	other := w.signIn(email, goodPassword)
	id, session := w.id(email), other.get("/get-session").str("session", "id")

	for name, tc := range map[string]struct {
		body   map[string]any
		status int
		code   string
	}{
		"a wrong password": {map[string]any{"password": "wrong-password-1"}, 400, "INVALID_PASSWORD"},
		"a made-up token":  {map[string]any{"token": strings.Repeat("a", 32)}, 404, "INVALID_TOKEN"},
	} {
		if r := b.post("/delete-user", tc.body); r.status != tc.status || r.code() != tc.code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	r := b.post("/delete-user", map[string]any{"password": goodPassword})
	if r.status != http.StatusOK || r.text != `{"success":true,"message":"User deleted"}`+"\n" || !strings.Contains(r.cookie(sessionCookie), "Max-Age=0") {
		t.Fatalf("%d %s %q", r.status, r.text, r.header.Values("Set-Cookie"))
	}
	if other.signedIn() {
		t.Error("another session goes on")
	}
	heardOf(t, heard, session)
	if m := w.letter(email); m.Subject != "Your account was deleted" {
		t.Errorf("the letter says %q", m.Subject)
	}
	want := map[string]bool{"storage": true, "webhook": true}
	for range 2 {
		select {
		case call := <-told:
			for name := range want {
				if call == "DELETE /"+name+"/internal/v1/users/"+id+" Bearer "+serviceToken {
					delete(want, name)
				}
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("not told: %v", want)
		}
	}
	if len(want) != 0 {
		t.Errorf("not told: %v", want)
	}
	if r := w.browser().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != http.StatusUnauthorized {
		t.Errorf("sign-in: %d", r.status)
	}
	if n := w.count(`SELECT (SELECT count(*) FROM better_auth.users) + (SELECT count(*) FROM better_auth.accounts) + (SELECT count(*) FROM better_auth.sessions)`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'account_delete' AND user_id = $1`, id); n != 1 {
		t.Errorf("%d records", n)
	}
}

// AUTH-13: without a password the session must be fresh.
func TestDeleteUser_needsAFreshSessionOrThePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	w.clock.Advance(25 * time.Hour)
	if r := b.post("/delete-user", map[string]any{}); r.status != http.StatusBadRequest || r.code() != "SESSION_EXPIRED" {
		t.Errorf("an old session: %d %s", r.status, r.text)
	}
	if r := b.post("/delete-user", map[string]any{"password": goodPassword}); r.status != http.StatusOK {
		t.Errorf("the password: %d %s", r.status, r.text)
	}
	fresh := w.signUp(address(), goodPassword)
	if r := fresh.post("/delete-user", map[string]any{}); r.status != http.StatusOK {
		t.Errorf("a fresh session: %d %s", r.status, r.text)
	}
	without := address()
	b = w.signUp(without, goodPassword)
	w.exec(`DELETE FROM better_auth.accounts WHERE user_id = $1`, w.id(without))
	if r := b.post("/delete-user", map[string]any{"password": goodPassword}); r.code() != "CREDENTIAL_ACCOUNT_NOT_FOUND" {
		t.Errorf("without a password: %d %s", r.status, r.text)
	}
	if r := w.browser().post("/delete-user", map[string]any{}); r.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", r.status)
	}
}

// AUTH-13: the mailed link deletes once, in the session of its reader only.
func TestDeleteUser_byMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"DELETE_USER_BY_MAIL": "true"}})
	email := address()
	b, eve := w.signUp(email, goodPassword), w.signUp(address(), goodPassword)
	r := b.post("/delete-user", map[string]any{"password": goodPassword, "callbackURL": "/bye"})
	if r.status != http.StatusOK || r.text != `{"success":true,"message":"Verification email sent"}`+"\n" || !b.signedIn() {
		t.Fatalf("%d %s", r.status, r.text)
	}
	link := w.link(email)
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(link, home+base+"/delete-user/callback?token=") || len(u.Query().Get("token")) != 32 || u.Query().Get("callbackURL") != "/bye" {
		t.Errorf("the link is not the contract's: %s", link)
	}
	if r := w.browser().follow(link); r.status != http.StatusNotFound || r.code() != "FAILED_TO_GET_USER_INFO" {
		t.Errorf("nobody: %d %s", r.status, r.text)
	}
	if r := eve.follow(link); r.status != http.StatusNotFound || r.code() != "INVALID_TOKEN" {
		t.Errorf("somebody else: %d %s", r.status, r.text)
	}
	var done atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			one := &browser{w: w, cookies: map[string]string{sessionCookie: b.cookies[sessionCookie]}, headers: b.headers}
			r, err := one.try(http.MethodGet, strings.TrimPrefix(link, home+base), "", "")
			switch {
			case err != nil || r.status >= 500:
				t.Errorf("%d %s %v", r.status, r.text, err)
			case r.status == http.StatusFound && r.header.Get("Location") == "/bye":
				done.Add(1)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 || !eve.signedIn() {
		t.Errorf("%d deletions, somebody else signed in: %v", done.Load(), eve.signedIn())
	}
}

func TestDeleteUser_canBeOff(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, map[string]string{"DELETE_USER": "off"})
	if r := w.browser().post("/delete-user", map[string]any{}); r.status != http.StatusNotFound || r.text != "" {
		t.Errorf("%d %q", r.status, r.text)
	}
}
