package main

import (
	"net/http"
	"testing"
)

var sameBrowser = map[string]string{"VERIFICATION_SAME_BROWSER": "true"}

// doubted is an account that a stranger made with somebody's address, who opened
// the link of the letter in a browser of their own.
func (w *world) doubted(email string) (stranger, owner *browser, link string) {
	w.t.Helper()
	stranger, owner = w.browser(), w.browser()
	stranger.post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": goodPassword})
	link = w.link(email)
	if r := owner.follow(link); r.status != http.StatusFound || r.location() != "/" || !owner.signedIn() {
		w.t.Fatalf("the owner: %d %s", r.status, r.location())
	}
	return stranger, owner, link
}

func (b *browser) typePassword(email string) reply {
	b.w.t.Helper()
	return b.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword})
}

// OAU-07: a stranger signs up with somebody's address, and its owner opens the
// letter's link: the stranger's password does not become valid, however often the
// owner opens links.
func TestDoubt_aStrangersPasswordNeverCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	email := address()
	stranger, owner, link := w.doubted(email)
	for range 2 {
		r := stranger.typePassword(email)
		if r.status != http.StatusForbidden || r.code() != "EMAIL_NOT_VERIFIED" || stranger.signedIn() {
			t.Fatalf("the stranger: %d %s", r.status, r.text)
		}
		for _, to := range []string{link, w.link(email)} { // the letter that the stranger caused
			if r := owner.follow(to); r.location() != "/?error=OPENED_ELSEWHERE" || !owner.signedIn() {
				t.Errorf("the owner opens it: %d %s", r.status, r.location())
			}
		}
	}
	if r := w.browser().post("/sign-in/email", map[string]any{"email": email, "password": "wrong-password-1"}); r.status != http.StatusUnauthorized || r.cookie("better-auth.signed_up") != "" {
		t.Errorf("a wrong password: %d %s", r.status, r.text)
	}
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	if r := w.browser().post("/reset-password", map[string]any{"newPassword": "the-owners-passphrase", "token": tokenOf(t, w.link(email))}); r.status != http.StatusOK {
		t.Fatalf("reset: %d %s", r.status, r.text)
	}
	w.signIn(email, "the-owners-passphrase")
	if r := stranger.typePassword(email); r.status != http.StatusUnauthorized {
		t.Errorf("the stranger afterwards: %d %s", r.status, r.text)
	}
}

// A person whose link was opened on the telephone, or by a mail scanner, signs in
// after a second letter.
func TestDoubt_isLiftedWhereThePasswordIsTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	email := address()
	_, _, _ = w.doubted(email)
	laptop := w.browser()
	if r := laptop.typePassword(email); r.code() != "EMAIL_NOT_VERIFIED" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	link := w.link(email)
	inParallel(20, func(int) reply {
		r := laptop.twin().follow(link)
		if r.status != http.StatusFound || r.location() != "/" {
			t.Errorf("%d %s", r.status, r.location())
		}
		return r
	})
	if n := w.count(`SELECT count(*) FROM better_auth.sessions WHERE user_id = $1`, w.id(email)); n != 2 {
		t.Errorf("%d sessions, not those of the first opening and of one of the twenty", n)
	}
	w.signIn(email, goodPassword)
}

// The browser of the sign-up lifts it too, when a mail scanner was there first.
func TestDoubt_isLiftedWhereTheAccountWasMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	email := address()
	person, _, link := w.doubted(email)
	if r := person.follow(link); r.location() != "/" || !person.signedIn() {
		t.Errorf("%d %s", r.status, r.location())
	}
	w.signIn(email, goodPassword)
}

// OAU-07: a code that is typed there lifts it like the link, and nowhere else.
func TestDoubt_isLiftedByCodesWhereTheAccountWasMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	for kind, path := range map[string]string{"sign-in": "/sign-in/email-otp", "email-verification": "/email-otp/verify-email"} {
		email := address()
		person, owner, _ := w.doubted(email)
		for _, b := range []*browser{w.browser(), owner} {
			if r := b.post(path, members{"email": email, "otp": w.askCode(b, kind, email)}); r.status != http.StatusOK {
				t.Fatalf("%s elsewhere: %d %s", kind, r.status, r.text)
			}
			if r := w.stranger().post("/sign-in/email", members{"email": email, "password": goodPassword}); r.code() != "EMAIL_NOT_VERIFIED" {
				t.Errorf("%s elsewhere lifts the doubt: %d %s", kind, r.status, r.text)
			}
		}
		if r := person.post(path, members{"email": email, "otp": w.askCode(person, kind, email)}); r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", kind, r.status, r.text)
		}
		w.signIn(email, goodPassword)
	}
}

// A letter can be asked for, as before the proof.
func TestDoubt_lettersCanBeAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	email := address()
	person, _, _ := w.doubted(email)
	person.post("/send-verification-email", map[string]any{"email": email, "callbackURL": "/verify"})
	if r := person.follow(w.link(email)); r.location() != "/verify" || !person.signedIn() {
		t.Errorf("%d %s", r.status, r.location())
	}
}

// OAU-07: whatever was added to an account before its address was proven goes, and
// sessions end.
func TestDoubt_dropsEarlierWaysIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	email := address()
	w.browser().post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": goodPassword})
	id := w.id(email)
	w.exec(`INSERT INTO better_auth.accounts (id, user_id, provider_id, account_id, created_at, updated_at) VALUES ('a1', $1, 'acme', 's1', now(), now())`, id)
	w.exec(`INSERT INTO better_auth.passkeys (id, user_id, credential_id, public_key, device_type, created_at) VALUES ('p1', $1, 'c', 'k', 'singleDevice', now())`, id)
	w.exec(`INSERT INTO better_auth.two_factors (id, user_id, secret, backup_codes, verified, created_at, updated_at) VALUES ('f1', $1, '', '', true, now(), now())`, id)
	w.exec(`INSERT INTO better_auth.api_keys (id, user_id, key_hash, rate_limit_window_ms, rate_limit_max, created_at, updated_at) VALUES ('k1', $1, sha256('k'), 1, 1, now(), now())`, id)
	w.exec(`INSERT INTO better_auth.sessions (id, handle, user_id, token_hash, created_at, updated_at, expires_at) VALUES ('s1', 'h1', $1, sha256('s'), now(), now(), now() + interval '1 day')`, id)
	w.browser().follow(w.link(email))
	for _, table := range []string{"passkeys", "two_factors", "api_keys"} {
		if n := w.count(`SELECT count(*) FROM better_auth.`+table+` WHERE user_id = $1`, id); n != 0 {
			t.Errorf("%s: %d", table, n)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.accounts WHERE user_id = $1 AND (provider_id <> 'credential' OR NOT doubted)`, id); n != 0 {
		t.Errorf("%d accounts are left", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions WHERE user_id = $1`, id); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// By default, and where addresses need not be proven, a link leaves everything as
// it was: the contract's clients may open it without cookies.
func TestDoubt_isOffUnlessAskedFor(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{nil, {"REQUIRE_EMAIL_VERIFICATION": "false", "VERIFICATION_SAME_BROWSER": "true"}} {
		w := newWorld(t, options{env: env})
		email := address()
		w.browser().post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
		w.browser().follow(w.link(email))
		w.signIn(email, goodPassword)
	}
}
