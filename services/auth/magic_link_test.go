package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// askLink asks for a sign-in link and gives the mailed one.
func (w *world) askLink(b *browser, body map[string]any) string {
	w.t.Helper()
	if r := b.post("/sign-in/magic-link", body); r.status != http.StatusOK || r.text != `{"status":true}`+"\n" {
		w.t.Fatalf("ask: %d %s", r.status, r.text)
	}
	return w.link(body["email"].(string))
}

func (r reply) location() string { return r.header.Get("Location") }

func TestMagicLink_signsInAndMakesAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.browser()
	link := w.askLink(b, map[string]any{"email": email, "name": "Link Person", "callbackURL": "/in", "newUserCallbackURL": "/new", "errorCallbackURL": "/err"})
	u, err := url.Parse(link)
	if err != nil || u.Path != base+"/magic-link/verify" || len(u.Query().Get("token")) != 32 {
		t.Fatalf("the link is %s", link)
	}
	if r := b.follow(link); r.status != http.StatusFound || r.location() != home+"/new" || r.cookie("better-auth.session_token") == "" || r.header.Get("set-auth-token") == "" {
		t.Errorf("opened: %d to %s", r.status, r.location())
	}
	who := b.get("/get-session")
	if who.str("user", "email") != email || who.str("user", "name") != "Link Person" || who.body["user"].(map[string]any)["emailVerified"] != true {
		t.Errorf("signed in: %s", who.text)
	}
	if r := w.browser().follow(link); r.status != http.StatusFound || r.location() != home+"/err?error=INVALID_TOKEN" || r.cookie("better-auth.session_token") != "" {
		t.Errorf("opened again: %d to %s", r.status, r.location())
	}
	again := w.browser()
	if r := again.follow(w.askLink(again, map[string]any{"email": strings.ToUpper(email), "callbackURL": "/in", "newUserCallbackURL": "/new"})); r.location() != home+"/in" {
		t.Errorf("somebody known: to %s", r.location())
	}
	// Without a page the answer is JSON.
	third := w.browser()
	u, _ = url.Parse(w.askLink(third, map[string]any{"email": email}))
	r := third.get("/magic-link/verify?token=" + u.Query().Get("token"))
	if r.status != http.StatusOK || r.str("token") != third.sessionToken() || r.str("user", "email") != email || r.str("session", "userId") != r.str("user", "id") {
		t.Errorf("without a page: %d %s", r.status, r.text)
	}
	if u.Query().Get("callbackURL") != "/" {
		t.Errorf("the link leads to %q", u.Query().Get("callbackURL"))
	}
}

func TestMagicLink_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for path, want := range map[string]string{
		"/magic-link/verify?token=nobody":                                           home + base + "/error?error=INVALID_TOKEN",
		"/magic-link/verify?token=nobody&callbackURL=%2Fin%3Fa%3Db":                 home + "/in?a=b&error=INVALID_TOKEN",
		"/magic-link/verify?token=nobody&callbackURL=%2Fin&errorCallbackURL=%2Ferr": home + "/err?error=INVALID_TOKEN",
	} {
		if r := w.browser().get(path); r.status != http.StatusFound || r.location() != want {
			t.Errorf("%s: %d to %s", path, r.status, r.location())
		}
	}
	if r := w.browser().get("/magic-link/verify"); r.status != http.StatusBadRequest {
		t.Errorf("without a token: %d", r.status)
	}
	for name, code := range map[string]string{
		"callbackURL": "INVALID_CALLBACK_URL", "newUserCallbackURL": "INVALID_NEW_USER_CALLBACK_URL", "errorCallbackURL": "INVALID_ERROR_CALLBACK_URL",
	} {
		if r := w.browser().get("/magic-link/verify?token=x&" + name + "=https%3A%2F%2Fevil.example"); r.status != http.StatusForbidden || r.code() != code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
		if r := w.browser().post("/sign-in/magic-link", map[string]any{"email": address(), name: "https://evil.example"}); r.status != http.StatusForbidden || r.code() != code {
			t.Errorf("%s in a body: %d %s", name, r.status, r.text)
		}
	}
	if r := w.browser().post("/sign-in/magic-link", map[string]any{"email": "nobody"}); r.status != http.StatusBadRequest || r.code() != "VALIDATION_ERROR" {
		t.Errorf("no address: %d %s", r.status, r.text)
	}
	email := address()
	b := w.browser()
	link := w.askLink(b, map[string]any{"email": email, "callbackURL": "/in"})
	w.clock.Advance(5 * time.Minute)
	if r := b.follow(link); r.location() != home+"/in?error=INVALID_TOKEN" {
		t.Errorf("after five minutes: to %s", r.location())
	}
}

// AUTH-10: a sign-in link works once, however many open it, and does not lie in
// the database.
func TestMagicLink_twentyUsesAtOnceHaveOneSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	u, _ := url.Parse(w.askLink(w.browser(), map[string]any{"email": email}))
	token := u.Query().Get("token")
	for _, table := range []string{"one_time", "river_job", "mail_ledger"} {
		if n := w.count(`SELECT count(*) FROM better_auth.`+table+` v WHERE to_jsonb(v)::text LIKE '%' || $1 || '%'`, token); n != 0 {
			t.Errorf("the token is in %s", table)
		}
	}
	if n := inParallel(20, func(int) reply { return w.browser().get("/magic-link/verify?token=" + token) }); n != 1 {
		t.Errorf("%d successes", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions`); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// AUTH-12: the link is on the configured address, whatever the request says.
func TestMagicLink_knowsItsOwnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.stranger()
	b.headers["X-Forwarded-Host"], b.headers["Forwarded"] = "evil.example", "host=evil.example"
	w.askLink(b, map[string]any{"email": address()}) // w.link refuses foreign ones
}

// AUTH-07: where links make no accounts, an unknown address gets the same answer
// and no letter; and a link that was mailed before makes none.
func TestMagicLink_withoutSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"MAGIC_LINK_SIGN_UP": "off", "ANSWER_FLOOR": "100ms"}})
	known := address()
	w.signUp(known, goodPassword)
	ask := func(email string) (reply, time.Duration) {
		began := time.Now()
		return w.stranger().post("/sign-in/magic-link", map[string]any{"email": email, "callbackURL": "/in"}), time.Since(began)
	}
	a, tookA := ask(known)
	b, tookB := ask(address())
	if a.status != b.status || a.text != b.text || min(tookA, tookB) < 100*time.Millisecond {
		t.Errorf("known %d %s %v, unknown %d %s %v", a.status, a.text, tookA, b.status, b.text, tookB)
	}
	link := w.link(known)
	w.exec(`UPDATE better_auth.users SET email = 'moved@example.test' WHERE email = $1`, known)
	if r := w.browser().follow(link); r.location() != home+"/in?error=new_user_signup_disabled" {
		t.Errorf("to %s", r.location())
	}
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger WHERE kind = 'magic-link'`); n != 1 {
		t.Errorf("%d letters", n)
	}
}

// OAU-07, MFA-06: whoever made an account with somebody else's address keeps no way
// into it once its owner came by a mailed link: no password and no session. A second
// factor that is on is asked for all the same: a mailbox alone must not skip it.
func TestMagicLink_takesAnAccountBackFromAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"}})
	email := address()
	eve := w.browser()
	if r := eve.post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": "eves-own-passphrase"}); r.status != http.StatusOK || !eve.signedIn() {
		t.Fatalf("sign-up: %d %s", r.status, r.text)
	}
	w.link(email) // of the sign-up; nobody opens it
	eve.enrol("eves-own-passphrase")
	w.letterAbout(email, "factor")
	owner := w.browser()
	r := owner.follow(w.askLink(owner, map[string]any{"email": email, "callbackURL": "/in"}))
	if !strings.HasPrefix(r.location(), home+"/two-factor") || owner.signedIn() {
		t.Fatalf("the owner: to %s", r.location())
	}
	if eve.signedIn() {
		t.Error("the stranger's session lives on")
	}
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": "eves-own-passphrase"}); r.status != http.StatusUnauthorized {
		t.Errorf("the stranger's password: %d %s", r.status, r.text)
	}
}

// MFA-06: a sign-in link does not skip a second factor that is on.
func TestMagicLink_asksForASecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	app := w.signUp(email, goodPassword).enrol(goodPassword)
	w.letterAbout(email, "factor")
	b := w.browser()
	r := b.follow(w.askLink(b, map[string]any{"email": email, "callbackURL": "/in"}))
	if r.location() != home+"/two-factor?callbackURL="+url.QueryEscape(home+"/in") || b.signedIn() {
		t.Errorf("to %s", r.location())
	}
	if r := b.post("/two-factor/verify-totp", map[string]any{"code": app.code(0)}); r.status != http.StatusOK || !b.signedIn() {
		t.Errorf("the second factor: %d %s", r.status, r.text)
	}
}

func TestMagicLink_off(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"MAGIC_LINK": "off", "EMAIL_CODES": "off", "MULTI_SESSION": "off", "USERNAMES": "off"}})
	for _, path := range []string{
		"/sign-in/magic-link", "/sign-in/email-otp", "/email-otp/verify-email", "/sign-in/username", "/is-username-available",
		"/multi-session/set-active", "/sign-in/anonymous",
	} {
		if r := w.browser().post(path, map[string]any{}); r.status != http.StatusNotFound || r.text != "" {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	if r := w.browser().get("/multi-session/list-device-sessions"); r.status != http.StatusNotFound {
		t.Errorf("list: %d", r.status)
	}
}
