package main

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tokenOf gives the token in a reset link.
func tokenOf(t testing.TB, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil || !strings.Contains(u.Path, "/reset-password/") {
		t.Fatalf("not a reset link: %s", link)
	}
	return path.Base(u.Path)
}

func TestReset_replacesThePasswordAndEndsEverySession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	first := w.signUp(email, goodPassword)
	second := w.signIn(email, goodPassword)

	b := w.browser()
	r := b.post("/request-password-reset", map[string]any{"email": email, "redirectTo": "/reset"})
	if r.status != http.StatusOK || r.text != `{"status":true,"message":"If this email exists in our system, check your email for the reset link"}`+"\n" {
		t.Fatalf("got %d %s", r.status, r.text)
	}
	link := w.link(email)
	opened := b.follow(link)
	token := tokenOf(t, link)
	if opened.status != http.StatusFound || opened.header.Get("Location") != home+"/reset?token="+token || len(token) != 24 {
		t.Errorf("opened: %d %s", opened.status, opened.header.Get("Location"))
	}
	if r := b.post("/reset-password", map[string]any{"newPassword": "short", "token": token}); r.status != http.StatusBadRequest || r.code() != "PASSWORD_TOO_SHORT" {
		t.Errorf("short: %d %s", r.status, r.text)
	}
	// The token may also be in the query.
	if r := b.post("/reset-password?token="+token, map[string]any{"newPassword": "a-brand-new-passphrase-7"}); r.status != http.StatusOK || r.body["status"] != true {
		t.Fatalf("reset: %d %s", r.status, r.text)
	}
	if r := b.post("/reset-password", map[string]any{"newPassword": "yet-another-passphrase-8", "token": token}); r.status != http.StatusBadRequest || r.code() != "INVALID_TOKEN" {
		t.Errorf("used again: %d %s", r.status, r.text)
	}
	if first.signedIn() || second.signedIn() {
		t.Error("a session outlives the reset")
	}
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != http.StatusUnauthorized {
		t.Errorf("old password: %d", r.status)
	}
	w.signIn(email, "a-brand-new-passphrase-7")
	if m := w.letter(email); !strings.Contains(strings.ToLower(m.Subject), "password") {
		t.Errorf("the owner reads %q", m.Subject)
	}
}

func TestReset_badLinksLeadOnWithAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for target, want := range map[string]string{
		"/reset-password/garbage?callbackURL=%2Freset":                        home + "/reset?error=INVALID_TOKEN",
		"/reset-password/garbage?callbackURL=" + url.QueryEscape(home+"/x?y"): home + "/x?y&error=INVALID_TOKEN",
		"/reset-password/garbage?callbackURL=":                                home + base + "/error?error=INVALID_TOKEN",
	} {
		if r := w.browser().get(target); r.status != http.StatusFound || r.header.Get("Location") != want {
			t.Errorf("%s: %d %s, want %s", target, r.status, r.header.Get("Location"), want)
		}
	}
	if r := w.browser().get("/reset-password/garbage"); r.status != http.StatusBadRequest || r.message() != "[query.callbackURL] Invalid input: expected string, received undefined" {
		t.Errorf("without a page: %d %s", r.status, r.text)
	}
	if r := w.browser().get("/reset-password/garbage?callbackURL=https%3A%2F%2Fevil.example"); r.status != http.StatusForbidden || r.code() != "INVALID_CALLBACK_URL" {
		t.Errorf("a foreign page: %d %s", r.status, r.text)
	}
	if r := w.browser().post("/request-password-reset", map[string]any{"email": address(), "redirectTo": "https://evil.example"}); r.status != http.StatusForbidden || r.code() != "INVALID_REDIRECT_URL" {
		t.Errorf("a foreign redirectTo: %d %s", r.status, r.text)
	}
}

// AUTH-10: a token works once, dies with a newer one and after an hour, and
// does not lie in the database.
func TestReset_tokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	ask := func() string {
		w.browser().post("/request-password-reset", map[string]any{"email": email})
		return tokenOf(t, w.link(email))
	}
	use := func(token string) reply {
		return w.stranger().post("/reset-password", map[string]any{"newPassword": "a-brand-new-passphrase-7", "token": token})
	}
	older, newer := ask(), ask()
	if r := use(older); r.code() != "INVALID_TOKEN" {
		t.Errorf("the older of two: %d %s", r.status, r.text)
	}
	for _, query := range []string{
		`SELECT count(*) FROM better_auth.verification_tokens v WHERE to_jsonb(v)::text LIKE '%' || $1 || '%'`,
		`SELECT count(*) FROM better_auth.river_job v WHERE to_jsonb(v)::text LIKE '%' || $1 || '%'`,
		`SELECT count(*) FROM better_auth.mail_ledger v WHERE to_jsonb(v)::text LIKE '%' || $1 || '%'`,
	} {
		if n := w.count(query, newer); n != 0 {
			t.Errorf("the token is in the database: %s", query)
		}
	}
	w.clock.Advance(time.Hour)
	if r := use(newer); r.code() != "INVALID_TOKEN" {
		t.Errorf("after an hour: %d %s", r.status, r.text)
	}
}

func TestReset_twentyUsesAtOnceHaveOneSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	token := tokenOf(t, w.link(email))
	var succeeded atomic.Int64
	var winner atomic.Value
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			password := fmt.Sprintf("parallel-passphrase-%d", i)
			r, err := w.stranger().try(http.MethodPost, "/reset-password", "application/json", fmt.Sprintf(`{"newPassword":%q,"token":%q}`, password, token))
			switch {
			case err != nil:
				t.Error(err)
			case r.status == http.StatusOK:
				succeeded.Add(1)
				winner.Store(password)
			case r.code() != "INVALID_TOKEN":
				t.Errorf("got %d %s", r.status, r.text)
			}
		})
	}
	all.Wait()
	if n := succeeded.Load(); n != 1 {
		t.Fatalf("%d successes", n)
	}
	w.signIn(email, winner.Load().(string))
}

// AUTH-07: asking tells neither by the answer nor by its time whether there is
// an account.
func TestReset_doesNotTellWhetherAnAddressIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"ANSWER_FLOOR": "100ms"}})
	email := address()
	w.signUp(email, goodPassword)
	for _, op := range []string{"/request-password-reset", "/send-verification-email"} {
		began := time.Now()
		a := w.stranger().post(op, map[string]any{"email": email})
		tookA := time.Since(began)
		began = time.Now()
		b := w.stranger().post(op, map[string]any{"email": address()})
		tookB := time.Since(began)
		if a.status != http.StatusOK || a.status != b.status || a.text != b.text || !slices.Equal(headerNames(a), headerNames(b)) {
			t.Errorf("%s: known %d %s, unknown %d %s", op, a.status, a.text, b.status, b.text)
		}
		if min(tookA, tookB) < 100*time.Millisecond {
			t.Errorf("%s: known %v, unknown %v: below the floor that hides the difference", op, tookA, tookB)
		}
	}
}

// OAU-07, MFA-06: a stranger's password and session end when the owner of the address
// resets it, even where a reset ends no sessions. A second factor that is on is asked
// for all the same: a mailbox alone must not skip it.
func TestReset_takesEverythingBackFromAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false", "SEND_VERIFICATION_ON_SIGN_UP": "false", "REVOKE_SESSIONS_ON_PASSWORD_RESET": "false"}})
	email := address()
	eve := w.browser()
	eve.post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": "eves-own-passphrase"})
	eve.enrol("eves-own-passphrase")
	w.letterAbout(email, "factor")
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	w.browser().post("/reset-password", map[string]any{"newPassword": "the-owners-passphrase", "token": tokenOf(t, w.link(email))})
	if eve.signedIn() {
		t.Error("the stranger's session lives on")
	}
	owner := w.browser()
	if r := owner.post("/sign-in/email", map[string]any{"email": email, "password": "the-owners-passphrase"}); r.body["twoFactorRedirect"] != true || owner.signedIn() {
		t.Errorf("the second factor was skipped: %d %s", r.status, r.text)
	}
}

// Whoever resets by mail has proven the address: a stranger who signed up with
// it loses what was prepared.
func TestReset_takesAnAccountBackFromAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.stranger().post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": "eves-own-passphrase"})
	w.letter(email) // the owner ignores it
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	w.browser().post("/reset-password", map[string]any{"newPassword": "the-owners-passphrase", "token": tokenOf(t, w.link(email))})
	w.signIn(email, "the-owners-passphrase")
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": "eves-own-passphrase"}); r.status != http.StatusUnauthorized {
		t.Errorf("the stranger's password: %d", r.status)
	}
}
