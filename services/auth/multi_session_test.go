package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// multi lists the session cookies that a browser holds beside the active one.
func (b *browser) multi() (names []string) {
	for name := range b.cookies {
		if strings.HasPrefix(name, "better-auth.session_token_multi-") {
			names = append(names, name)
		}
	}
	return names
}

// signInAs signs the browser in to one more account.
func (b *browser) signInAs(email string) {
	b.w.t.Helper()
	if r := b.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != http.StatusOK {
		b.w.t.Fatalf("sign-in: %d %s", r.status, r.text)
	}
}

// people gives the addresses that list-device-sessions shows, with their handles.
func (b *browser) people() map[string]string {
	b.w.t.Helper()
	r := b.get("/multi-session/list-device-sessions")
	var list []map[string]any
	if err := json.Unmarshal([]byte(r.text), &list); err != nil {
		b.w.t.Fatalf("%d %s", r.status, r.text)
	}
	out := map[string]string{}
	for _, x := range list {
		one := reply{body: x}
		out[one.str("user", "email")] = one.str("session", "token")
	}
	if len(out) != len(list) {
		b.w.t.Errorf("somebody is listed twice: %s", r.text)
	}
	return out
}

func TestMultiSession_switchesBetweenAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ada, bob := address(), address()
	w.signUp(ada, goodPassword)
	b := w.signUp(bob, goodPassword)
	bobs := b.sessionToken()
	if line := w.browser().get("/multi-session/list-device-sessions"); line.text != "[]\n" {
		t.Errorf("a new browser: %s", line.text)
	}
	b.signInAs(ada)
	if got := b.multi(); len(got) != 2 {
		t.Fatalf("cookies: %v", got)
	}
	list := b.people()
	if len(list) != 2 || list[ada] == "" || list[bob] == "" {
		t.Fatalf("listed: %v", list)
	}
	r := b.post("/multi-session/set-active", map[string]any{"sessionToken": list[bob]})
	if r.status != http.StatusOK || r.str("user", "email") != bob || r.str("session", "token") != list[bob] || b.sessionToken() != bobs || r.header.Get("set-auth-token") == "" {
		t.Fatalf("set-active: %d %s", r.status, r.text)
	}
	if who := b.get("/get-session"); who.str("user", "email") != bob {
		t.Errorf("active: %s", who.text)
	}
	if r := b.post("/multi-session/set-active", map[string]any{"sessionToken": bobs}); r.status != http.StatusOK { // clients that kept the token
		t.Errorf("by token: %d %s", r.status, r.text)
	}
	if r := b.post("/multi-session/revoke", map[string]any{"sessionToken": list[bob]}); r.status != http.StatusOK || r.body["status"] != true {
		t.Fatalf("revoke: %d %s", r.status, r.text)
	}
	if who := b.get("/get-session"); who.str("user", "email") != ada {
		t.Errorf("after the active one is gone: %s", who.text)
	}
	if r := b.post("/multi-session/revoke", map[string]any{"sessionToken": list[ada]}); r.status != http.StatusOK || b.signedIn() || len(b.multi()) != 0 {
		t.Errorf("the last one: %d %s, %v", r.status, r.text, b.multi())
	}
	if r := b.post("/multi-session/revoke", map[string]any{"sessionToken": list[ada]}); r.status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", r.status)
	}
}

// The cookie beside that of the active session lasts as long.
func TestMultiSession_cookiesAreExtendedTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	name := b.multi()[0]
	w.clock.Advance(25 * time.Hour)
	r := b.get("/get-session")
	if !strings.Contains(r.cookie("better-auth.session_token"), "Max-Age=604800") || !strings.Contains(r.cookie(name), "Max-Age=604800") {
		t.Errorf("an extension sets %q", r.header.Values("Set-Cookie"))
	}
	if r := b.get("/get-session"); len(r.header.Values("Set-Cookie")) != 0 {
		t.Errorf("and again: %q", r.header.Values("Set-Cookie"))
	}
}

// SES-07: no cookie outlives its session, which nothing extends beyond the absolute limit.
func TestSessionCookies_lastNoLongerThanTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"SESSION_MAX_AGE": "180h"}})
	b, _ := w.administrator()
	_, id := w.person()
	multi, other := b.multi()[0], address()
	w.signUp(other, goodPassword)
	w.clock.Advance(168*time.Hour - time.Minute) // the sessions are extended to their utmost by the next call
	lasts := func(what, line string, left time.Duration) {
		t.Helper()
		if !strings.Contains(line, fmt.Sprintf("; Max-Age=%d;", int(left.Seconds()))) {
			t.Errorf("%s: %q, want %s", what, line, left)
		}
	}
	const left = 12*time.Hour + time.Minute
	r := b.get("/get-session")
	lasts("extended", r.cookie(sessionCookie), left)
	lasts("extended", r.cookie(multi), left)
	r = b.post("/update-user", members{"name": "Ada"})
	lasts("update-user", r.cookie(sessionCookie), left)
	r = b.post("/admin/impersonate-user", members{"userId": id})
	lasts("impersonate", r.cookie("better-auth.admin_session"), left)
	r = b.post("/admin/stop-impersonating", members{})
	lasts("stop-impersonating", r.cookie(sessionCookie), left)
	b.signInAs(other)
	var mine string
	for email, handle := range b.people() {
		if email != other {
			mine = handle
		}
	}
	r = b.post("/multi-session/set-active", members{"sessionToken": mine})
	lasts("set-active", r.cookie(sessionCookie), left)
	lasts("set-active", r.cookie(multi), left)
}

// A session that takes the place of the active one takes its cookie's too.
func TestMultiSession_aReplacedSessionStaysInTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ada, bob := address(), address()
	w.signUp(bob, goodPassword)
	b := w.signUp(ada, goodPassword)
	b.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": "another-good-phrase-1", "revokeOtherSessions": true})
	if got := b.multi(); len(got) != 1 || !strings.HasSuffix(got[0], strings.ToLower(b.sessionToken())) {
		t.Errorf("after a new password: %v", got)
	}
	b.enrol("another-good-phrase-1")
	if got := b.multi(); len(got) != 1 || !strings.HasSuffix(got[0], strings.ToLower(b.sessionToken())) {
		t.Errorf("after a second factor: %v", got)
	}
	b.signInAs(bob)
	if list := b.people(); len(list) != 2 || list[ada] == "" {
		t.Errorf("listed: %v", list)
	}
}

// SES-09: only sessions of this browser can be used or ended, whatever is known
// of others: handle, token, or a forged cookie.
func TestMultiSession_othersAreOutOfReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ada, bob := address(), address()
	a, b := w.signUp(ada, goodPassword), w.signUp(bob, goodPassword)
	victim := a.sessionToken()
	b.cookies["better-auth.session_token_multi-"+strings.ToLower(victim)] = victim + ".forged"
	// A cookie of ours under another session's name is none.
	b.cookies["better-auth.session_token_multi-"+strings.Repeat("x", 32)] = b.cookies["better-auth.session_token"]
	if list := b.people(); len(list) != 1 || list[bob] == "" {
		t.Errorf("listed: %v", list)
	}
	for _, named := range []string{victim, a.people()[ada], "", "nobody"} {
		for _, path := range []string{"/multi-session/set-active", "/multi-session/revoke"} {
			if r := b.post(path, map[string]any{"sessionToken": named}); r.status != http.StatusUnauthorized || r.code() != "INVALID_SESSION_TOKEN" {
				t.Errorf("%s %q: %d %s", path, named, r.status, r.text)
			}
		}
	}
	if !a.signedIn() || !b.signedIn() {
		t.Error("somebody was signed out")
	}
}

// SES-04: signing out ends every account of the browser; one that was revoked
// elsewhere cannot be made active.
func TestMultiSession_signOutEndsAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ada, bob := address(), address()
	w.signUp(ada, goodPassword)
	b := w.signUp(bob, goodPassword)
	b.signInAs(ada)
	kept := b.copied()
	list := b.people()
	elsewhere := w.signIn(bob, goodPassword)
	elsewhere.post("/revoke-other-sessions", map[string]any{})
	if r := b.post("/multi-session/set-active", map[string]any{"sessionToken": list[bob]}); r.status != http.StatusUnauthorized || r.code() != "INVALID_SESSION_TOKEN" {
		t.Errorf("a revoked one: %d %s", r.status, r.text)
	}
	b.post("/sign-out", map[string]any{})
	if len(b.multi()) != 0 || b.signedIn() {
		t.Errorf("left: %v", b.multi())
	}
	b.cookies = kept
	if b.signedIn() || len(b.people()) != 0 {
		t.Error("a session outlives the sign-out")
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions s JOIN better_auth.users u ON u.id = s.user_id WHERE u.email = $1`, bob); n != 1 {
		t.Errorf("%d sessions of %s: the one elsewhere stays", n, bob)
	}
}

// A browser holds five accounts, and one session of each.
func TestMultiSession_bounds(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	w := newWorld(t, options{log: &log})
	var emails []string
	for range 6 {
		email := address()
		w.signUp(email, goodPassword)
		emails = append(emails, email)
	}
	b := w.browser()
	for _, email := range emails[:5] {
		b.signInAs(email)
		w.clock.Advance(1e9)
	}
	first := b.sessionToken()
	b.signInAs(emails[4])
	if list := b.people(); len(list) != 5 || len(b.multi()) != 5 || b.sessionToken() == first {
		t.Errorf("the same person again: %v", list)
	}
	b.signInAs(emails[5])
	list := b.people()
	if len(list) != 5 || list[emails[0]] != "" || list[emails[5]] == "" || len(b.multi()) != 5 {
		t.Errorf("a sixth: %v, %v", list, b.multi())
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions WHERE user_agent = 'tests'`); n != 6+5 {
		t.Errorf("%d sessions", n)
	}
	// The name of a cookie is nearly the token: neither is ever logged.
	for _, secret := range []string{b.sessionToken(), strings.ToLower(b.sessionToken())} {
		if strings.Contains(log.String(), secret) {
			t.Error("a session's token is in the log")
		}
	}
}

func TestMultiSession_asManyAsTheSettingSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"MULTI_SESSION_MAX": "2"}})
	b, emails := w.browser(), []string{address(), address(), address()}
	for _, email := range emails {
		w.signUp(email, goodPassword)
		b.signInAs(email)
		w.clock.Advance(1e9)
	}
	if list := b.people(); len(list) != 2 || list[emails[0]] != "" {
		t.Errorf("a third: %v", list)
	}
}

// SES-01: with several accounts and anonymous people on, proving an address by a
// code leaves the browser signed in (contract §16.4).
func TestMultiSession_withCodesAndAnonymousPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"ANONYMOUS": "on", "LAST_LOGIN_METHOD": "on", "REQUIRE_EMAIL_VERIFICATION": "false"}})
	email := address()
	b := w.browser()
	b.post("/sign-in/anonymous", map[string]any{})
	b.post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": goodPassword})
	r := b.post("/email-otp/verify-email", map[string]any{"email": email, "otp": w.askCode(b, "email-verification", email)})
	if r.status != http.StatusOK || r.str("token") == "" || r.str("token") != b.sessionToken() || !b.signedIn() {
		t.Errorf("%d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users`); n != 1 {
		t.Errorf("%d people", n)
	}
	if got := b.multi(); len(got) != 1 || got[0] != "better-auth.session_token_multi-"+strings.ToLower(b.sessionToken()) {
		t.Errorf("cookies: %v", got)
	}
}

func TestLastMethod_isReadableByScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"LAST_LOGIN_METHOD": "on", "PUBLIC_URL": "https://localhost:8000"}})
	email := address()
	b := w.browser()
	b.headers["Origin"] = "https://localhost:8000"
	r := b.post("/sign-in/email-otp", map[string]any{"email": email, "otp": w.askCode(b, "sign-in", email)})
	want := fmt.Sprintf("better-auth.last_used_login_method=email-otp; Max-Age=%d; Path=/; SameSite=Lax; Secure", 30*24*3600)
	if line := r.cookie("better-auth.last_used_login_method"); line != want {
		t.Errorf("%q", line)
	}
	off := newWorld(t, options{})
	if line := off.signUp(address(), goodPassword).cookies["better-auth.last_used_login_method"]; line != "" {
		t.Errorf("off: %q", line)
	}
}
