package main

import (
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// authenticator is a person's app, and the backup codes on paper.
type authenticator struct {
	w      *world
	secret string // base32, as in the URI
	backup []string
}

// enrol gives the browser's person an authenticator, with its first code.
func (b *browser) enrol(password string) *authenticator {
	b.w.t.Helper()
	r := b.post("/two-factor/enable", map[string]any{"password": password})
	if r.status != http.StatusOK {
		b.w.t.Fatalf("enable: %d %s", r.status, r.text)
	}
	a := &authenticator{w: b.w, secret: secretOf(b.w.t, r.str("totpURI"))}
	for _, code := range r.body["backupCodes"].([]any) {
		a.backup = append(a.backup, code.(string))
	}
	if r := b.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)}); r.status != http.StatusOK {
		b.w.t.Fatalf("first code: %d %s", r.status, r.text)
	}
	b.w.clock.Advance(time.Minute) // its codes are new again
	return a
}

func secretOf(t testing.TB, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" {
		t.Fatalf("not an authenticator's address: %q", uri)
	}
	return u.Query().Get("secret")
}

// code is what the app shows some time steps from now.
func (a *authenticator) code(steps int) string {
	a.w.t.Helper()
	code, err := totp.GenerateCode(a.secret, a.w.clock.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		a.w.t.Fatal(err)
	}
	return code
}

// wrong is a code that the app does not show.
func (a *authenticator) wrong() string {
	for n := 0; ; n++ {
		code := fmt.Sprintf("%06d", n)
		if code != a.code(-1) && code != a.code(0) && code != a.code(1) {
			return code
		}
	}
}

// challenged begins a sign-in in a new browser, which has to be asked for a
// second factor.
func (w *world) challenged(email, password string) *browser {
	w.t.Helper()
	b := w.browser()
	w.challenge(b, email, password)
	return b
}

func (w *world) challenge(b *browser, email, password string) reply {
	w.t.Helper()
	r := b.post("/sign-in/email", map[string]any{"email": email, "password": password})
	if r.status != http.StatusOK || r.body["twoFactorRedirect"] != true {
		w.t.Fatalf("no second factor was asked for: %d %s", r.status, r.text)
	}
	return r
}

// letterAbout waits for the next letter to an address whose subject has these words.
func (w *world) letterAbout(to, words string) string {
	w.t.Helper()
	for {
		if m := w.letter(to); strings.Contains(m.Subject, words) {
			return m.Text
		}
	}
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

func (w *world) mailedCode(to string) string {
	w.t.Helper()
	return sixDigits.FindString(w.letterAbout(to, "second code"))
}

// inParallel counts how many of n calls succeed.
func inParallel(n int, call func(i int) reply) (succeeded int) {
	var wg sync.WaitGroup
	replies := make([]reply, n)
	for i := range n {
		wg.Go(func() { replies[i] = call(i) })
	}
	wg.Wait()
	for _, r := range replies {
		if r.status == http.StatusOK {
			succeeded++
		}
	}
	return succeeded
}

// MFA-05: the secret is stored sealed, shown to the password alone, and counts
// from its first right code on, which replaces the session.
func TestTwoFactor_enrolment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.signUp(email, goodPassword)
	if r := b.post("/two-factor/enable", map[string]any{"password": "not-the-password-9"}); r.status != http.StatusBadRequest || r.code() != "INVALID_PASSWORD" {
		t.Errorf("a wrong password: %d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/enable", map[string]any{}); r.status != http.StatusBadRequest || r.code() != "INVALID_PASSWORD" {
		t.Errorf("no password: %d %s", r.status, r.text)
	}
	if r := w.browser().post("/two-factor/enable", map[string]any{"password": goodPassword}); r.status != http.StatusUnauthorized {
		t.Errorf("no session: %d %s", r.status, r.text)
	}
	r := b.post("/two-factor/enable", map[string]any{"password": goodPassword, "issuer": "Ada & Co"})
	uri := regexp.MustCompile(`^otpauth://totp/Ada%20%26%20Co:` + regexp.QuoteMeta(url.QueryEscape(email)) + `\?secret=[A-Z2-7]{52}&issuer=Ada%20%26%20Co&digits=6&period=30$`)
	if r.status != http.StatusOK || r.str("method") != "totp" || !uri.MatchString(r.str("totpURI")) {
		t.Fatalf("enable: %d %s", r.status, r.text)
	}
	codes := r.body["backupCodes"].([]any)
	for _, code := range codes {
		if !regexp.MustCompile(`^[A-Za-z0-9]{5}-[A-Za-z0-9]{5}$`).MatchString(code.(string)) || len(codes) != 10 {
			t.Errorf("backup codes: %v", codes)
		}
	}
	a := &authenticator{w: w, secret: secretOf(t, r.str("totpURI"))}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(a.secret)
	if err != nil || !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).Match(key) {
		t.Errorf("the key is not the bytes of a text: %q", key)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.two_factors WHERE secret LIKE '%' || $1 || '%' OR secret LIKE '%' || $2 || '%' OR backup_codes LIKE '%' || $3 || '%'`,
		string(key), a.secret, codes[0]); n != 0 {
		t.Error("the row holds a secret in the clear")
	}
	if w.browser().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}).body["twoFactorRedirect"] != nil {
		t.Error("a secret that gave no code yet is asked for")
	}
	if r := b.post("/two-factor/verify-totp", map[string]any{"code": a.wrong()}); r.status != http.StatusUnauthorized || r.code() != "INVALID_CODE" {
		t.Errorf("a wrong code: %d %s", r.status, r.text)
	}

	old := *b
	old.cookies = map[string]string{"better-auth.session_token": b.cookies["better-auth.session_token"]}
	r = b.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)[:3] + " " + a.code(0)[3:]})
	if r.status != http.StatusOK || r.body["user"].(map[string]any)["twoFactorEnabled"] != true || r.str("token") != b.sessionToken() {
		t.Fatalf("the first code: %d %s", r.status, r.text)
	}
	if old.signedIn() || !b.signedIn() {
		t.Error("the session was not replaced")
	}
	w.letterAbout(email, "switched on")
	if r := b.post("/two-factor/enable", map[string]any{"password": goodPassword}); r.status != http.StatusBadRequest || r.code() != "TOTP_ALREADY_ENABLED" {
		t.Errorf("enrolling again: %d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/get-totp-uri", map[string]any{"password": "not-the-password-9"}); r.code() != "INVALID_PASSWORD" {
		t.Errorf("the secret without the password: %d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/get-totp-uri", map[string]any{"password": goodPassword}); r.status != http.StatusOK || secretOf(t, r.str("totpURI")) != a.secret {
		t.Errorf("the secret with the password: %d %s", r.status, r.text)
	}
}

// MFA-01: the password alone gives a challenge, which opens nothing but the
// second step, lives ten minutes and works once.
func TestTwoFactor_challenge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	a := w.signUp(email, goodPassword).enrol(goodPassword)
	b := w.browser()
	r := w.challenge(b, email, goodPassword)
	if r.text != `{"twoFactorRedirect":true,"twoFactorMethods":["totp","otp"]}`+"\n" {
		t.Errorf("body: %q", r.text)
	}
	line := regexp.MustCompile(`^better-auth\.two_factor=2fa-[A-Za-z0-9]{20}\.[A-Za-z0-9%]+%3D; Max-Age=600; Path=/; HttpOnly; SameSite=Lax$`)
	if !line.MatchString(r.cookie("better-auth.two_factor")) || !strings.Contains(r.cookie("better-auth.session_token"), "Max-Age=0") || r.header.Get("Set-Auth-Token") != "" {
		t.Errorf("cookies: %v", r.header.Values("Set-Cookie"))
	}

	thief := w.browser()
	value, _ := url.PathUnescape(b.cookies["better-auth.two_factor"])
	id, _, _ := strings.Cut(value, ".")
	for _, proof := range []map[string]string{{"cookie": b.cookies["better-auth.two_factor"]}, {"bearer": value}, {"bearer": id}} {
		delete(thief.headers, "Authorization")
		thief.cookies = map[string]string{}
		if proof["cookie"] != "" {
			thief.cookies["better-auth.session_token"] = proof["cookie"]
		} else {
			thief.headers["Authorization"] = "Bearer " + proof["bearer"]
		}
		if thief.signedIn() {
			t.Errorf("%v signs in", proof)
		}
		for _, path := range []string{"/two-factor/disable", "/two-factor/enable", "/two-factor/generate-backup-codes", "/change-password", "/update-user", "/revoke-sessions"} {
			if r := thief.post(path, map[string]any{"password": goodPassword, "currentPassword": goodPassword, "newPassword": goodPassword + "x", "name": "x"}); r.status != http.StatusUnauthorized {
				t.Errorf("%s with %v: %d %s", path, proof, r.status, r.text)
			}
		}
		for _, path := range []string{"/list-sessions", "/token"} {
			if r := thief.get(path); r.status != http.StatusUnauthorized {
				t.Errorf("%s with %v: %d %s", path, proof, r.status, r.text)
			}
		}
	}
	if r := w.browser().post("/two-factor/verify-totp", map[string]any{"code": a.code(0)}); r.status != http.StatusUnauthorized || r.code() != "INVALID_TWO_FACTOR_COOKIE" {
		t.Errorf("a code without a challenge: %d %s", r.status, r.text)
	}

	spent := b.cookies["better-auth.two_factor"]
	r = b.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)})
	if r.status != http.StatusOK || r.str("user", "email") != email || r.str("token") != b.sessionToken() || !b.signedIn() {
		t.Fatalf("the right code: %d %s", r.status, r.text)
	}
	if !strings.Contains(r.cookie("better-auth.two_factor"), "Max-Age=0") || !strings.Contains(r.cookie("better-auth.session_token"), "Max-Age=604800") {
		t.Errorf("cookies: %v", r.header.Values("Set-Cookie"))
	}
	again := w.browser()
	again.cookies["better-auth.two_factor"] = spent
	w.clock.Advance(time.Minute)
	if r := again.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)}); r.code() != "INVALID_TWO_FACTOR_COOKIE" {
		t.Errorf("a spent challenge: %d %s", r.status, r.text)
	}
	late := w.challenged(email, goodPassword)
	w.clock.Advance(10*time.Minute + time.Second)
	if r := late.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)}); r.code() != "INVALID_TWO_FACTOR_COOKIE" {
		t.Errorf("an old challenge: %d %s", r.status, r.text)
	}

	short := w.browser()
	if r := short.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword, "rememberMe": false}); r.body["twoFactorRedirect"] != true {
		t.Fatalf("got %d %s", r.status, r.text)
	}
	if r := short.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)}); r.status != http.StatusOK || strings.Contains(r.cookie("better-auth.session_token"), "Max-Age") {
		t.Errorf("rememberMe was forgotten: %d %v", r.status, r.header.Values("Set-Cookie"))
	}
}

// MFA-02: a challenge dies after five wrong codes of whatever kind; ten in a row
// close the second step for 15 minutes, twenty in an hour for the rest of it.
func TestTwoFactor_wrongCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	a := w.signUp(email, goodPassword).enrol(goodPassword)
	b := w.challenged(email, goodPassword)
	if r := b.post("/two-factor/send-otp", map[string]any{}); r.status != http.StatusOK {
		t.Fatalf("send: %d %s", r.status, r.text)
	}
	mailed := w.mailedCode(email)
	other := "000000"
	if mailed == other {
		other = "000001"
	}
	for i, try := range []struct{ path, code, want string }{
		{"totp", a.wrong(), "INVALID_CODE"}, {"otp", other, "INVALID_CODE"}, {"backup-code", "AAAAA-AAAAA", "INVALID_BACKUP_CODE"},
		{"totp", a.wrong(), "INVALID_CODE"}, {"otp", other, "INVALID_CODE"},
		{"totp", a.code(0), "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE"}, {"otp", mailed, "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE"},
		{"backup-code", a.backup[0], "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE"},
	} {
		if r := b.post("/two-factor/verify-"+try.path, map[string]any{"code": try.code}); r.code() != try.want {
			t.Fatalf("try %d: %d %s, want %s", i, r.status, r.text, try.want)
		}
	}
	wrong := func(n int) {
		t.Helper()
		for i := range n {
			if i%5 == 0 {
				b = w.challenged(email, goodPassword)
			}
			if r := b.post("/two-factor/verify-totp", map[string]any{"code": a.wrong()}); r.code() != "INVALID_CODE" {
				t.Fatalf("wrong code %d: %d %s", i, r.status, r.text)
			}
		}
	}
	locked := func(why string, seconds string) {
		t.Helper()
		b = w.challenged(email, goodPassword)
		r := b.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)})
		if r.status != http.StatusTooManyRequests || r.code() != "ACCOUNT_TEMPORARILY_LOCKED" || r.header.Get("X-Retry-After") != seconds {
			t.Fatalf("%s: %d %s, Retry-After %s", why, r.status, r.text, r.header.Get("X-Retry-After"))
		}
		if r := b.post("/two-factor/send-otp", map[string]any{}); r.status != http.StatusTooManyRequests {
			t.Errorf("%s, a mail: %d %s", why, r.status, r.text)
		}
	}
	wrong(5)
	locked("ten in a row", "900")
	w.clock.Advance(15 * time.Minute)
	wrong(10)
	locked("twenty in an hour", "2700")
	w.clock.Advance(44 * time.Minute)
	locked("twenty in an hour", "60")
	w.clock.Advance(time.Minute)
	if r := w.challenged(email, goodPassword).post("/two-factor/verify-totp", map[string]any{"code": a.code(0)}); r.status != http.StatusOK {
		t.Errorf("after the hour: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'second_factor_verify' AND outcome = 'failure'`); n != 20 {
		t.Errorf("%d wrong codes are recorded, want 20", n)
	}
}

// MFA-03: a code of the app works once and one time step early or late.
func TestTwoFactor_codesOfTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	a := w.signUp(email, goodPassword).enrol(goodPassword)
	verify := func(b *browser, code string) reply {
		return b.post("/two-factor/verify-totp", map[string]any{"code": code})
	}
	for _, step := range []int{-2, 2} {
		if r := verify(w.challenged(email, goodPassword), a.code(step)); r.code() != "INVALID_CODE" {
			t.Errorf("step %d: %d %s", step, r.status, r.text)
		}
	}
	for _, step := range []int{-1, 0, 1} {
		code := a.code(step)
		if r := verify(w.challenged(email, goodPassword), code); r.status != http.StatusOK {
			t.Errorf("step %d: %d %s", step, r.status, r.text)
		}
		if r := verify(w.challenged(email, goodPassword), code); r.code() != "INVALID_CODE" {
			t.Errorf("step %d again: %d %s", step, r.status, r.text)
		}
	}
	w.clock.Advance(2 * time.Minute)
	browsers, code := make([]*browser, 20), a.code(0)
	for i := range browsers {
		browsers[i] = w.challenged(email, goodPassword)
	}
	if n := inParallel(20, func(i int) reply { return verify(browsers[i], code) }); n != 1 {
		t.Errorf("one code signed in %d times", n)
	}
}

// MFA-04: a backup code works once, and is replaced with its set.
func TestTwoFactor_backupCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	owner := w.signUp(email, goodPassword)
	a := owner.enrol(goodPassword)
	verify := func(b *browser, code string) reply {
		return b.post("/two-factor/verify-backup-code", map[string]any{"code": code})
	}
	browsers := make([]*browser, 20)
	for i := range browsers {
		browsers[i] = w.challenged(email, goodPassword)
	}
	if n := inParallel(20, func(i int) reply { return verify(browsers[i], a.backup[0]) }); n != 1 {
		t.Errorf("one code signed in %d times", n)
	}
	w.clock.Advance(time.Hour)
	if r := verify(w.challenged(email, goodPassword), a.backup[1]); r.status != http.StatusOK {
		t.Errorf("the next code: %d %s", r.status, r.text)
	}
	quiet := w.challenged(email, goodPassword)
	r := quiet.post("/two-factor/verify-backup-code", map[string]any{"code": a.backup[2], "disableSession": true})
	if r.status != http.StatusOK || r.cookie("better-auth.session_token") != "" || r.str("token") == "" {
		t.Errorf("disableSession: %d %s, %v", r.status, r.text, r.header.Values("Set-Cookie"))
	}
	if r := owner.post("/two-factor/generate-backup-codes", map[string]any{"password": "not-the-password-9"}); r.code() != "INVALID_PASSWORD" {
		t.Errorf("new codes without the password: %d %s", r.status, r.text)
	}
	r = owner.post("/two-factor/generate-backup-codes", map[string]any{"password": goodPassword})
	fresh, _ := r.body["backupCodes"].([]any)
	if r.status != http.StatusOK || r.body["status"] != true || len(fresh) != 10 {
		t.Fatalf("new codes: %d %s", r.status, r.text)
	}
	w.letterAbout(email, "backup codes")
	if r := verify(w.challenged(email, goodPassword), a.backup[3]); r.status != http.StatusUnauthorized || r.code() != "INVALID_BACKUP_CODE" {
		t.Errorf("a code of the old set: %d %s", r.status, r.text)
	}
	if r := verify(w.challenged(email, goodPassword), fresh[0].(string)); r.status != http.StatusOK {
		t.Errorf("a code of the new set: %d %s", r.status, r.text)
	}
}

// MFA-02: a mailed code lives three minutes, takes five tries, works once, and is
// replaced by the next one.
func TestTwoFactor_mailedCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	owner := w.signUp(email, goodPassword)
	if r := owner.post("/two-factor/send-otp", map[string]any{}); r.code() != "TWO_FACTOR_NOT_ENABLED" {
		t.Errorf("a session without second factor: %d %s", r.status, r.text)
	}
	before := owner.sessionToken()
	if r := owner.post("/two-factor/enable", map[string]any{"password": goodPassword, "method": "otp"}); r.status != http.StatusOK || strings.TrimSpace(r.text) != `{"method":"otp"}` {
		t.Fatalf("enable: %d %s", r.status, r.text)
	}
	if owner.sessionToken() == before || !owner.signedIn() {
		t.Error("the session was not replaced")
	}
	verify := func(b *browser, code string) reply {
		return b.post("/two-factor/verify-otp", map[string]any{"code": code})
	}
	b := w.browser()
	if r := w.challenge(b, email, goodPassword); !strings.Contains(r.text, `"twoFactorMethods":["otp"]`) {
		t.Errorf("methods: %s", r.text)
	}
	if r := b.post("/two-factor/verify-totp", map[string]any{"code": "000000"}); r.status != http.StatusBadRequest || r.code() != "TOTP_NOT_ENABLED" {
		t.Errorf("a code of an app: %d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/verify-backup-code", map[string]any{"code": "AAAAA-AAAAA"}); r.code() != "BACKUP_CODES_NOT_ENABLED" {
		t.Errorf("a backup code: %d %s", r.status, r.text)
	}
	if r := verify(b, "000000"); r.status != http.StatusBadRequest || r.code() != "OTP_HAS_EXPIRED" {
		t.Errorf("a code that was not mailed: %d %s", r.status, r.text)
	}
	send := func() string {
		t.Helper()
		if r := b.post("/two-factor/send-otp", map[string]any{}); r.status != http.StatusOK || strings.TrimSpace(r.text) != `{"status":true}` {
			t.Fatalf("send: %d %s", r.status, r.text)
		}
		return w.mailedCode(email)
	}
	first, second := send(), send()
	if first != second {
		if r := verify(b, first); r.code() != "INVALID_CODE" {
			t.Errorf("a code that was replaced: %d %s", r.status, r.text)
		}
	}
	w.clock.Advance(3 * time.Minute)
	if r := verify(b, second); r.code() != "OTP_HAS_EXPIRED" {
		t.Errorf("an old code: %d %s", r.status, r.text)
	}
	third := send()
	if n := inParallel(20, func(int) reply {
		return (&browser{w: w, cookies: b.copied(), headers: b.headers}).post("/two-factor/verify-otp", map[string]any{"code": third})
	}); n != 1 {
		t.Errorf("one code signed in %d times", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.two_factors WHERE failures = 0`); n != 1 {
		t.Error("late uses of a spent challenge count as wrong codes")
	}
}

// copied gives the browser's cookies to another one.
func (b *browser) copied() map[string]string {
	cookies := map[string]string{}
	for name, value := range b.cookies {
		cookies[name] = value
	}
	return cookies
}

// MFA-06: a new password by mail skips no second factor; a trusted device does,
// for its owner, until the password changes or the factor is switched off.
func TestTwoFactor_trustedDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email, strange := address(), address()
	owner := w.signUp(email, goodPassword)
	a := owner.enrol(goodPassword)
	w.signUp(strange, goodPassword).enrol(goodPassword)
	trust := func(password string) *browser {
		t.Helper()
		w.clock.Advance(time.Minute)
		b := w.challenged(email, password)
		r := b.post("/two-factor/verify-totp", map[string]any{"code": a.code(0), "trustDevice": true})
		line := regexp.MustCompile(`^better-auth\.trust_device=[A-Za-z0-9_-]{43}!trust-device-[A-Za-z0-9]{32}\.[A-Za-z0-9%]+; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax$`)
		if r.status != http.StatusOK || !line.MatchString(r.cookie("better-auth.trust_device")) {
			t.Fatalf("trust: %d %s, %v", r.status, r.text, r.header.Values("Set-Cookie"))
		}
		return b
	}
	signIn := func(b *browser, email, password string) reply {
		t.Helper()
		return b.post("/sign-in/email", map[string]any{"email": email, "password": password})
	}
	b := trust(goodPassword)
	first := b.copied()
	if r := signIn(b, email, goodPassword); r.status != http.StatusOK || r.str("token") == "" || b.cookies["better-auth.trust_device"] == first["better-auth.trust_device"] {
		t.Errorf("a trusted device: %d %s", r.status, r.text)
	}
	thief := w.browser()
	thief.cookies["better-auth.trust_device"] = first["better-auth.trust_device"]
	if r := signIn(thief, email, goodPassword); r.body["twoFactorRedirect"] != true {
		t.Errorf("a cookie that was renewed works: %d %s", r.status, r.text)
	}
	thief.cookies["better-auth.trust_device"] = b.cookies["better-auth.trust_device"]
	if r := signIn(thief, strange, goodPassword); r.body["twoFactorRedirect"] != true {
		t.Errorf("another person's cookie works: %d %s", r.status, r.text)
	}
	if r := signIn(b, email, goodPassword); r.str("token") == "" {
		t.Errorf("the owner's cookie was lost: %d %s", r.status, r.text)
	}

	changed := goodPassword + "-changed"
	if r := b.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": changed}); r.status != http.StatusOK {
		t.Fatalf("change: %d %s", r.status, r.text)
	}
	if r := signIn(b, email, changed); r.body["twoFactorRedirect"] != true {
		t.Errorf("trusted after a change of the password: %d %s", r.status, r.text)
	}
	b = trust(changed)
	waiting := w.challenged(email, changed)
	reset := goodPassword + "-reset"
	if r := b.post("/request-password-reset", map[string]any{"email": email}); r.status != http.StatusOK {
		t.Fatalf("ask for a reset: %d %s", r.status, r.text)
	}
	link := regexp.MustCompile(`/reset-password/([A-Za-z0-9]{24})`).FindStringSubmatch(w.letterAbout(email, "password"))
	for len(link) == 0 {
		link = regexp.MustCompile(`/reset-password/([A-Za-z0-9]{24})`).FindStringSubmatch(w.letterAbout(email, "password"))
	}
	if r := b.post("/reset-password", map[string]any{"newPassword": reset, "token": link[1]}); r.status != http.StatusOK {
		t.Fatalf("reset: %d %s", r.status, r.text)
	}
	if r := signIn(b, email, reset); r.body["twoFactorRedirect"] != true {
		t.Errorf("trusted after a reset: %d %s", r.status, r.text)
	}
	w.clock.Advance(time.Minute)
	if r := waiting.post("/two-factor/verify-totp", map[string]any{"code": a.code(0)}); r.code() != "INVALID_TWO_FACTOR_COOKIE" {
		t.Errorf("a challenge of the old password: %d %s", r.status, r.text)
	}

	b = trust(reset)
	cookie := b.cookies["better-auth.trust_device"]
	old := b.sessionToken()
	if r := b.post("/two-factor/disable", map[string]any{"password": "not-the-password-9"}); r.code() != "INVALID_PASSWORD" {
		t.Errorf("off without the password: %d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/disable", map[string]any{"password": reset}); r.status != http.StatusOK || strings.TrimSpace(r.text) != `{"status":true}` || b.sessionToken() == old || !b.signedIn() {
		t.Fatalf("off: %d %s", r.status, r.text)
	}
	w.letterAbout(email, "switched off")
	if r := signIn(w.browser(), email, reset); r.str("token") == "" || r.body["user"].(map[string]any)["twoFactorEnabled"] != false {
		t.Errorf("signing in afterwards: %d %s", r.status, r.text)
	}
	b.enrol(reset)
	b.cookies["better-auth.trust_device"] = cookie
	if r := signIn(b, email, reset); r.body["twoFactorRedirect"] != true {
		t.Errorf("a device of an earlier second factor is trusted: %d %s", r.status, r.text)
	}
}

// AUTH-13, MFA-05: who has no password needs a session that just began, and is
// not shown the secret once it counts.
func TestTwoFactor_ofPeopleWithoutPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.signUp(email, goodPassword)
	w.exec(`DELETE FROM better_auth.accounts`)
	w.clock.Advance(23 * time.Hour)
	if r := b.post("/two-factor/enable", map[string]any{}); r.status != http.StatusOK {
		t.Errorf("a fresh session: %d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/get-totp-uri", map[string]any{}); r.status != http.StatusOK {
		t.Errorf("the secret during enrolment: %d %s", r.status, r.text)
	}
	w.clock.Advance(2 * time.Hour)
	for _, path := range []string{"enable", "disable", "get-totp-uri", "generate-backup-codes"} {
		if r := b.post("/two-factor/"+path, map[string]any{}); r.status != http.StatusForbidden || r.code() != "SESSION_NOT_FRESH" {
			t.Errorf("%s with an old session: %d %s", path, r.status, r.text)
		}
	}
	w.exec(`UPDATE better_auth.sessions SET created_at = $1`, w.clock.Now())
	b.enrol("")
	if r := b.post("/two-factor/get-totp-uri", map[string]any{}); r.status != http.StatusBadRequest || r.code() != "INVALID_PASSWORD" {
		t.Errorf("the secret by the session alone: %d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/disable", map[string]any{}); r.status != http.StatusOK {
		t.Errorf("off: %d %s", r.status, r.text)
	}
}

// AUTH-14: nobody is alarmed by the end of a second factor that never counted.
func TestTwoFactor_disablingNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, id := w.person()
	if r := b.post("/two-factor/enable", members{"password": goodPassword}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/disable", members{"password": "wrong-password-1"}); r.code() != "INVALID_PASSWORD" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := b.post("/two-factor/disable", members{"password": goodPassword}); r.status != http.StatusOK || r.body["status"] != true || !b.signedIn() {
		t.Errorf("%d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.two_factors`) + w.events("second_factor_disable", id) +
		w.count(`SELECT count(*) FROM better_auth.river_job WHERE args->>'template' = 'second-factor-changed'`); n != 0 {
		t.Errorf("an enrolment that began is left, or somebody was told: %d", n)
	}
	b.post("/two-factor/enable", members{"password": goodPassword})
	w.exec(`UPDATE better_auth.two_factors SET verified = true`) // as a right code does at the same moment
	if b.post("/two-factor/disable", members{"password": goodPassword}); w.count(`SELECT count(*) FROM better_auth.two_factors`) != 1 {
		t.Error("one that has just come to count is gone, and still asked for")
	}
}

func TestTwoFactor_off(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"TWO_FACTOR": "off"}})
	b := w.signUp(address(), goodPassword)
	if r := b.post("/two-factor/enable", map[string]any{"password": goodPassword}); r.status != http.StatusNotFound {
		t.Errorf("got %d %s", r.status, r.text)
	}
}
