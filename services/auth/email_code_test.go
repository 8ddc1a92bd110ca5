package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// askCode asks for a code and gives the mailed one.
func (w *world) askCode(b *browser, kind, email string) string {
	w.t.Helper()
	if r := b.post("/email-otp/send-verification-otp", map[string]any{"email": email, "type": kind}); r.status != http.StatusOK || r.text != `{"success":true}`+"\n" {
		w.t.Fatalf("ask: %d %s", r.status, r.text)
	}
	return w.codeIn(email, map[string]string{"sign-in": "sign-in code", "email-verification": "confirmation code", "forget-password": "code for a new password"}[kind])
}

// codeIn waits for the next letter to an address with these words in its subject,
// and gives its code. A letter may come twice, under one Message-ID.
func (w *world) codeIn(to, subject string) string {
	w.t.Helper()
	for {
		m := w.letter(to)
		if _, twice := read.LoadOrStore(m.MessageID, true); !twice && strings.Contains(m.Subject, subject) {
			return sixDigits.FindString(m.Text)
		}
	}
}

var read sync.Map // Message-IDs

// not is a code that is not this one.
func not(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

func TestEmailCode_signsInAndMakesAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.browser()
	code := w.askCode(b, "sign-in", email)
	check := func(otp string) reply {
		return b.post("/email-otp/check-verification-otp", map[string]any{"email": email, "type": "sign-in", "otp": otp})
	}
	for range 4 { // a right check costs no try
		if r := check(code); r.status != http.StatusOK || r.body["success"] != true {
			t.Fatalf("check: %d %s", r.status, r.text)
		}
	}
	r := b.post("/sign-in/email-otp", map[string]any{"email": email, "otp": code, "name": "Otto Code"})
	if r.status != http.StatusOK || r.str("token") != b.sessionToken() || r.str("user", "name") != "Otto Code" || r.body["user"].(map[string]any)["emailVerified"] != true || !b.signedIn() {
		t.Fatalf("sign-in: %d %s", r.status, r.text)
	}
	if r := w.browser().post("/sign-in/email-otp", map[string]any{"email": email, "otp": code}); r.status != http.StatusBadRequest || r.code() != "INVALID_OTP" || r.message() != "Invalid OTP" {
		t.Errorf("used again: %d %s", r.status, r.text)
	}
	second := w.browser()
	r2 := second.post("/sign-in/email-otp", map[string]any{"email": email, "otp": w.askCode(second, "sign-in", email), "name": "Ignored"})
	if r2.status != http.StatusOK || r2.str("user", "id") != r.str("user", "id") || r2.str("user", "name") != "Otto Code" {
		t.Errorf("somebody known: %d %s", r2.status, r2.text)
	}
	for _, forbidden := range []string{"role", "emailVerified", "id"} {
		if r := b.post("/sign-in/email-otp", map[string]any{"email": email, "otp": "000000", forbidden: "x"}); r.code() != "FIELD_NOT_ALLOWED" {
			t.Errorf("%s: %d %s", forbidden, r.status, r.text)
		}
	}
}

func TestEmailCode_triesAndTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	b := w.stranger()
	try := func(otp string) reply {
		return b.post("/sign-in/email-otp", map[string]any{"email": email, "otp": otp})
	}
	if r := try("123456"); r.status != http.StatusBadRequest || r.code() != "INVALID_OTP" {
		t.Errorf("before asking: %d %s", r.status, r.text)
	}
	code := w.askCode(b, "sign-in", email)
	for range 3 {
		if r := try(not(code)); r.status != http.StatusBadRequest || r.code() != "INVALID_OTP" {
			t.Errorf("wrong: %d %s", r.status, r.text)
		}
	}
	if r := try(code); r.status != http.StatusForbidden || r.code() != "TOO_MANY_ATTEMPTS" || r.message() != "Too many attempts" {
		t.Errorf("the right one after three wrong: %d %s", r.status, r.text)
	}
	older := w.askCode(b, "sign-in", email)
	code = w.askCode(b, "sign-in", email)
	if older != code {
		if r := try(older); r.code() != "INVALID_OTP" {
			t.Errorf("the older of two: %d %s", r.status, r.text)
		}
	}
	w.clock.Advance(5 * time.Minute)
	if r := try(code); r.status != http.StatusBadRequest || r.code() != "OTP_EXPIRED" || r.message() != "OTP expired" {
		t.Errorf("after five minutes: %d %s", r.status, r.text)
	}
	code = w.askCode(b, "sign-in", email)
	for _, other := range []string{"/email-otp/verify-email", "/email-otp/reset-password"} { // a code is for one purpose
		if r := b.post(other, map[string]any{"email": email, "otp": code, "password": "a-brand-new-passphrase-7"}); r.code() != "INVALID_OTP" {
			t.Errorf("%s with a sign-in code: %d %s", other, r.status, r.text)
		}
	}
	if r := try(code); r.status != http.StatusOK {
		t.Errorf("the right one: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'sign_in' AND outcome = 'failure' AND details->>'method' = 'email-otp'`); n < 4 {
		t.Errorf("%d refusals are recorded", n)
	}
}

func TestEmailCode_malformedCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.browser()
	for _, c := range []struct {
		path string
		body map[string]any
		code string
	}{
		{"/email-otp/send-verification-otp", map[string]any{"email": "nobody", "type": "sign-in"}, "INVALID_EMAIL"},
		{"/email-otp/send-verification-otp", map[string]any{"email": address(), "type": "change-email"}, "INVALID_OTP_TYPE"},
		{"/email-otp/send-verification-otp", map[string]any{"email": address()}, "VALIDATION_ERROR"},
		{"/email-otp/check-verification-otp", map[string]any{"email": address(), "type": "other", "otp": "1"}, "INVALID_OTP_TYPE"},
		{"/email-otp/verify-email", map[string]any{"email": "nobody", "otp": "1"}, "INVALID_EMAIL"},
		{"/sign-in/email-otp", map[string]any{"email": address(), "otp": 123456}, "VALIDATION_ERROR"},
		{"/email-otp/reset-password", map[string]any{"email": address(), "otp": "1", "password": "short"}, "PASSWORD_TOO_SHORT"},
		{"/forget-password/email-otp", map[string]any{"email": "nobody"}, "INVALID_EMAIL"},
	} {
		if r := b.post(c.path, c.body); r.status != http.StatusBadRequest || r.code() != c.code {
			t.Errorf("%s %v: %d %s", c.path, c.body, r.status, r.text)
		}
	}
}

// AUTH-07: asking for a code and trying one tell nothing about the address,
// neither by the answer nor by its time.
func TestEmailCode_doesNotTellWhetherAnAddressIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"ANSWER_FLOOR": "100ms"}})
	known, unknown := address(), address()
	w.signUp(known, goodPassword)
	ask := func(kind, email string) (reply, time.Duration) {
		began := time.Now()
		return w.stranger().post("/email-otp/send-verification-otp", map[string]any{"email": email, "type": kind}), time.Since(began)
	}
	for _, kind := range []string{"sign-in", "email-verification", "forget-password"} {
		a, tookA := ask(kind, known)
		b, tookB := ask(kind, unknown)
		if a.status != b.status || a.text != b.text || !slices.Equal(headerNames(a), headerNames(b)) {
			t.Errorf("%s: known %d %s, unknown %d %s", kind, a.status, a.text, b.status, b.text)
		}
		if min(tookA, tookB) < 100*time.Millisecond {
			t.Errorf("%s: known %v, unknown %v: below the floor that hides the difference", kind, tookA, tookB)
		}
		for i := range 5 {
			check := func(email string) reply {
				return w.stranger().post("/email-otp/check-verification-otp", map[string]any{"email": email, "type": kind, "otp": "no"})
			}
			if a, b := check(known), check(unknown); a.status != b.status || a.text != b.text {
				t.Errorf("%s, try %d: known %d %s, unknown %d %s", kind, i, a.status, a.text, b.status, b.text)
			}
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger WHERE kind IN ('verify-code', 'reset-code') AND object_id = ''`); n != 0 {
		t.Errorf("%d letters to an unknown address", n)
	}
}

// AUTH-10: a code works once, however many use it, and does not lie in the
// database.
func TestEmailCode_twentyUsesAtOnceHaveOneSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	code := w.askCode(w.browser(), "sign-in", email)
	for _, query := range []string{
		`SELECT count(*) FROM better_auth.one_time WHERE value LIKE '%' || $1 || '%'`,
		`SELECT count(*) FROM better_auth.river_job WHERE args->>'sealed' LIKE '%"' || $1 || '"%'`,
	} {
		if n := w.count(query, code); n != 0 {
			t.Errorf("the code can be read: %s", query)
		}
	}
	if n := inParallel(20, func(int) reply {
		return w.browser().post("/sign-in/email-otp", map[string]any{"email": email, "otp": code})
	}); n != 1 {
		t.Errorf("%d successes", n)
	}
}

// AUTH-17: new codes are no way to guess on: the tries of an address are counted
// over all of them.
func TestEmailCode_triesOfAnAddressAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on", "LIMIT_CODES": "4/1h", "LIMIT_LETTERS": "100/1m"}})
	email := address()
	check := func(otp string) reply {
		return w.stranger().post("/email-otp/check-verification-otp", map[string]any{"email": email, "type": "sign-in", "otp": otp})
	}
	for range 2 {
		code := w.askCode(w.stranger(), "sign-in", email)
		check(not(code))
		check(not(code))
	}
	code := w.askCode(w.stranger(), "sign-in", email)
	if r := check(code); r.status != http.StatusTooManyRequests || r.header.Get("X-Retry-After") == "" {
		t.Errorf("the fifth try: %d %s", r.status, r.text)
	}
}

func TestEmailCode_provesAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"}})
	email := address()
	b := w.browser()
	b.post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": goodPassword})
	r := b.post("/email-otp/verify-email", map[string]any{"email": email, "otp": w.askCode(b, "email-verification", email)})
	if r.status != http.StatusOK || r.body["status"] != true || r.str("token") != b.sessionToken() || r.body["user"].(map[string]any)["emailVerified"] != true {
		t.Fatalf("verify: %d %s", r.status, r.text)
	}
	if who := b.get("/get-session"); who.str("user", "email") != email || who.body["user"].(map[string]any)["emailVerified"] != true {
		t.Errorf("signed in: %s", who.text)
	}
	w.signIn(email, goodPassword) // its own browser proved it: the password stays
	if r := b.post("/email-otp/verify-email", map[string]any{"email": address(), "otp": "123456"}); r.code() != "INVALID_OTP" {
		t.Errorf("an unknown address: %d %s", r.status, r.text)
	}
}

// OAU-07: an address that is proven by signing in with a code, by somebody who did
// not make the account, is its owner's alone from then on.
func TestEmailCode_takesAnAccountBackFromAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"}})
	email := address()
	eve, owner := w.browser(), w.browser()
	eve.post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": "eves-own-passphrase"})
	if r := owner.post("/sign-in/email-otp", map[string]any{"email": email, "otp": w.askCode(owner, "sign-in", email)}); r.status != http.StatusOK || !owner.signedIn() {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if eve.signedIn() {
		t.Error("the stranger's session lives on")
	}
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": "eves-own-passphrase"}); r.status != http.StatusUnauthorized {
		t.Errorf("the stranger's password: %d %s", r.status, r.text)
	}
}

// A code that proves an address leaves the account as it was, from wherever it is
// typed, unless VERIFICATION_SAME_BROWSER is on.
func TestEmailCode_provesAnAddressWithoutCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.stranger().post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": goodPassword})
	other := w.stranger()
	if r := other.post("/email-otp/verify-email", map[string]any{"email": email, "otp": w.askCode(other, "email-verification", email)}); r.status != http.StatusOK {
		t.Fatalf("verify: %d %s", r.status, r.text)
	}
	w.signIn(email, goodPassword)
}

// AUTH-11: a reset by code ends every session, works once and proves the address.
func TestEmailCode_resetsAPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	first := w.signUp(email, goodPassword)
	b := w.stranger()
	for i, path := range []string{"/email-otp/request-password-reset", "/forget-password/email-otp"} {
		if r := b.post(path, map[string]any{"email": email}); r.status != http.StatusOK || r.body["success"] != true {
			t.Fatalf("%s: %d %s", path, r.status, r.text)
		}
		code := w.codeIn(email, "code for a new password")
		fresh := "a-brand-new-passphrase-" + string(rune('1'+i))
		set := func() reply {
			return b.post("/email-otp/reset-password", map[string]any{"email": email, "otp": code, "password": fresh})
		}
		if r := set(); r.status != http.StatusOK || r.text != `{"success":true}`+"\n" {
			t.Fatalf("reset: %d %s", r.status, r.text)
		}
		if r := set(); r.code() != "INVALID_OTP" {
			t.Errorf("used again: %d %s", r.status, r.text)
		}
		if first.signedIn() {
			t.Error("a session outlives the reset")
		}
		first = w.signIn(email, fresh)
	}
	// A code dies with the password that it would replace.
	code := w.askCode(b, "forget-password", email)
	if r := first.post("/change-password", map[string]any{"currentPassword": "a-brand-new-passphrase-2", "newPassword": "a-third-passphrase-3"}); r.status != http.StatusOK {
		t.Fatalf("change: %d %s", r.status, r.text)
	}
	if r := b.post("/email-otp/reset-password", map[string]any{"email": email, "otp": code, "password": "a-fourth-passphrase-4"}); r.code() != "INVALID_OTP" {
		t.Errorf("after a change: %d %s", r.status, r.text)
	}
}

// MFA-06: a mailed code does not skip a second factor that is on.
func TestEmailCode_asksForASecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword).enrol(goodPassword)
	for path, kind := range map[string]string{"/sign-in/email-otp": "sign-in", "/email-otp/verify-email": "email-verification"} {
		b := w.browser()
		r := b.post(path, map[string]any{"email": email, "otp": w.askCode(b, kind, email)})
		if r.status != http.StatusOK || r.body["twoFactorRedirect"] != true || r.body["token"] != nil || b.signedIn() {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
}

func TestEmailCode_changeOfAddressIsOffByDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	for _, path := range []string{"/email-otp/request-email-change", "/email-otp/change-email"} {
		if r := b.post(path, map[string]any{"newEmail": address(), "otp": "1"}); r.status != http.StatusBadRequest || r.message() != "Change email with OTP is disabled" {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
		if r := w.browser().post(path, map[string]any{"newEmail": address(), "otp": "1"}); r.status != http.StatusUnauthorized {
			t.Errorf("%s without a session: %d", path, r.status)
		}
	}
}

// AUTH-13, AUTH-14: an address is changed by codes of both, in a fresh session;
// the old one counts until then and is told.
func TestEmailCode_changesAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"EMAIL_CODE_CHANGE_EMAIL": "on"}})
	old, fresh, taken := address(), address(), address()
	w.signUp(taken, goodPassword)
	b := w.signUp(old, goodPassword)
	request := func(email, otp string) reply {
		return b.post("/email-otp/request-email-change", map[string]any{"newEmail": email, "otp": otp})
	}
	if r := request(old, ""); r.message() != "Email is the same" {
		t.Errorf("the same: %d %s", r.status, r.text)
	}
	if r := request(fresh, ""); r.status != http.StatusBadRequest || r.message() != "OTP is required to verify current email" {
		t.Errorf("without the old address: %d %s", r.status, r.text)
	}
	if r := request(taken, w.askCode(b, "email-verification", old)); r.status != http.StatusOK {
		t.Errorf("somebody else's: %d %s", r.status, r.text)
	}
	if r := request(fresh, w.askCode(b, "email-verification", old)); r.status != http.StatusOK || r.body["success"] != true {
		t.Fatalf("request: %d %s", r.status, r.text)
	}
	code := w.codeIn(fresh, "confirmation code")
	finish := map[string]any{"newEmail": fresh, "otp": code}
	if other := w.signIn(taken, goodPassword); other.post("/email-otp/change-email", finish).code() != "INVALID_OTP" {
		t.Error("somebody else used the code")
	}
	w.signIn(old, goodPassword) // counts until the new one is proven
	if r := b.post("/email-otp/change-email", finish); r.status != http.StatusOK || r.body["success"] != true {
		t.Fatalf("change: %d %s", r.status, r.text)
	}
	if who := b.get("/get-session"); who.str("user", "email") != fresh {
		t.Errorf("now: %s", who.text)
	}
	w.letterAbout(old, "address was changed")
	w.signIn(fresh, goodPassword)
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": old, "password": goodPassword}); r.status != http.StatusUnauthorized {
		t.Errorf("the old address: %d", r.status)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger WHERE kind = 'verify-code' AND object_id = (SELECT id FROM better_auth.users WHERE email = $1)`, taken); n != 0 {
		t.Errorf("%d letters to somebody else", n)
	}
	w.clock.Advance(25 * time.Hour)
	if r := b.post("/email-otp/change-email", map[string]any{"newEmail": address(), "otp": "123456"}); r.code() != "SESSION_NOT_FRESH" {
		t.Errorf("an old session: %d %s", r.status, r.text)
	}
}

// A code that is typed in the browser that signed up proves the address and
// leaves the password; see TestEmailCode_takesAnAccountBackFromAStranger.
func TestEmailCode_provesAnAddressWhereItSignedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	email := address()
	b := w.browser()
	b.post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": goodPassword})
	if r := b.post("/email-otp/verify-email", map[string]any{"email": email, "otp": w.askCode(b, "email-verification", email)}); r.status != http.StatusOK || !b.signedIn() {
		t.Fatalf("verify: %d %s", r.status, r.text)
	}
	w.signIn(email, goodPassword)
}

// OAU-07: somebody signs up with a known address, whose account a stranger made,
// and proves it by a code: the stranger's password is worth nothing.
func TestEmailCode_provesAnAddressThatAStrangerSignedUpWith(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: sameBrowser})
	email := address()
	w.browser().post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": "eves-own-passphrase"})
	owner := w.browser()
	owner.post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": goodPassword})
	if r := owner.post("/email-otp/verify-email", map[string]any{"email": email, "otp": w.askCode(owner, "email-verification", email)}); r.status != http.StatusOK || !owner.signedIn() {
		t.Fatalf("verify: %d %s", r.status, r.text)
	}
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": "eves-own-passphrase"}); r.status != http.StatusUnauthorized {
		t.Errorf("the stranger: %d %s", r.status, r.text)
	}
}
