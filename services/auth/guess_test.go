package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/codex-platform/codex/pkg/config"
)

// AUTH-03: the three ways to set a password refuse the same with one code.
func TestPassword_refusesWhatIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.signUp(email, goodPassword)
	w.stranger().post("/request-password-reset", map[string]any{"email": email})
	token := resetToken(t, w.link(email))
	for _, password := range []string{"password123", "qwertyuiop", "codexcodex", "Summer2026!", email, "ada-lovelace"} {
		for name, r := range map[string]reply{
			"sign-up": w.stranger().post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": password}),
			"change":  b.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": password}),
			"reset":   w.stranger().post("/reset-password", map[string]any{"newPassword": password, "token": token}),
		} {
			if r.status != http.StatusBadRequest || r.code() != "PASSWORD_COMPROMISED" || r.message() != "The password you entered has been compromised. Please choose a different password." {
				t.Errorf("%s with %s: %d %s", name, password, r.status, r.text)
			}
		}
	}
	if r := w.stranger().post("/reset-password", map[string]any{"newPassword": "a-brand-new-passphrase-7", "token": token}); r.status != http.StatusOK {
		t.Errorf("the token was spent by what was refused: %d %s", r.status, r.text)
	}
}

func TestPassword_strength(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on", "LIMIT_STRENGTH": "3/1m"}})
	for i, try := range []struct{ password, reason string }{{"short", "PASSWORD_TOO_SHORT"}, {"adalovelace1", "PASSWORD_COMPROMISED"}, {goodPassword, "GOOD"}} {
		r := w.stranger().post("/password-strength", map[string]any{"password": try.password, "name": "Ada Lovelace"})
		if r.status != http.StatusOK || r.str("reason") != try.reason || r.body["score"].(float64) != []float64{0, 0, 4}[i] {
			t.Errorf("%s: %d %s", try.password, r.status, r.text)
		}
	}
	isLimit(t, w.stranger().post("/password-strength", map[string]any{"password": "x"}))
}

// wide lifts the limits of a minute, so that only the back-off is left.
var wide = map[string]string{
	"RATE_LIMIT": "on", "LIMIT_SIGN_IN_PAIR": "10000/1m", "LIMIT_SIGN_IN_ACCOUNT": "10000/1m", "LIMIT_PASSWORD": "10000/1m", "LIMIT_SPRAY": "10000/1m",
}

func (w *world) tryPassword(email, password string) reply {
	w.t.Helper()
	return w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": password})
}

// AUTH-06, AUTH-17: an account that is guessed at slows down, known or not, and the owner's open session
// is not asked.
func TestBackoff_isTheSameForKnownAndUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: wide})
	email := address()
	b := w.signUp(email, goodPassword)
	for _, who := range []string{email, address()} {
		for i := range 5 {
			if r := w.tryPassword(who, "wrong-password-1"); r.status != http.StatusUnauthorized {
				t.Fatalf("try %d: %d %s", i+1, r.status, r.text)
			}
		}
		r := w.tryPassword(who, goodPassword)
		isLimit(t, r)
		if r.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %s", r.header.Get("Retry-After"))
		}
	}
	if r := b.post("/verify-password", map[string]any{"password": goodPassword}); r.status != http.StatusOK || !b.signedIn() {
		t.Errorf("the owner's session: %d %s", r.status, r.text)
	}
	w.clock.Advance(2 * time.Second)
	if r := w.tryPassword(email, goodPassword); r.status != http.StatusOK {
		t.Errorf("the owner, after the wait: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.guesses WHERE user_id IS NOT NULL`); n != 0 {
		t.Errorf("%d counts left after the right password", n)
	}
}

// AUTH-18: after 100 wrong passwords in a row none is right, until a reset by mail.
func TestCap_endsByAResetAndLeavesSessionsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: wide})
	email := address()
	b := w.signUp(email, goodPassword)
	for i := range 100 {
		if r := w.tryPassword(email, "wrong-password-1"); r.status != http.StatusUnauthorized {
			t.Fatalf("try %d: %d %s", i+1, r.status, r.text)
		}
		w.clock.Advance(16 * time.Minute)
	}
	refused, unknown := w.tryPassword(email, goodPassword), w.tryPassword(address(), goodPassword)
	if refused.status != http.StatusUnauthorized || refused.text != unknown.text {
		t.Errorf("the right password: %d %s, of nobody %s", refused.status, refused.text, unknown.text)
	}
	if !b.signedIn() {
		t.Error("the open session ended")
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'password_cap'`); n != 1 {
		t.Errorf("recorded %d times", n)
	}
	w.stranger().post("/request-password-reset", map[string]any{"email": email})
	if r := w.stranger().post("/reset-password", map[string]any{"newPassword": "a-brand-new-passphrase-7", "token": resetToken(t, w.link(email))}); r.status != http.StatusOK {
		t.Fatalf("reset: %d %s", r.status, r.text)
	}
	if r := w.tryPassword(email, "a-brand-new-passphrase-7"); r.status != http.StatusOK {
		t.Errorf("after the reset: %d %s", r.status, r.text)
	}
}

// AUTH-20: password spraying is told once.
func TestSpray_isRecordedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on", "SPRAY_PASSWORD_ACCOUNTS": "4"}})
	for range 6 {
		w.tryPassword(address(), "one-and-the-same-7")
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'password_spray' AND details->>'by' = 'password'`); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

// AUTH-04: hashes of other systems sign in once and are replaced.
func TestSignIn_replacesImportedHashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for name, hash := range map[string]string{
		"better-auth": "06a60021daaa84d25182e859f684016e:206a8e21b6ab4d7d83b699cd65a1eca03ec9f66d02854063d38afcc985660129083b4ca9521fff84a24872cd676349dcbcfd206e926f9d4c3ba586caa943cc0b",
		"bcrypt":      bcryptOf(t, goodPassword),
		"argon2i":     argon2iOf(goodPassword),
	} {
		email := address()
		w.signUp(email, "another-passphrase-1")
		w.exec(`UPDATE better_auth.accounts SET password = $2 FROM better_auth.users u WHERE u.id = user_id AND u.email = $1`, email, hash)
		if r := w.tryPassword(email, "another-passphrase-1"); r.status != http.StatusUnauthorized {
			t.Errorf("%s, the wrong one: %d %s", name, r.status, r.text)
		}
		w.signIn(email, goodPassword)
		if n := w.count(`SELECT count(*) FROM better_auth.accounts a JOIN better_auth.users u ON u.id = a.user_id WHERE u.email = $1 AND a.password LIKE '$argon2id$%'`, email); n != 1 {
			t.Errorf("%s: not replaced", name)
		}
		w.signIn(email, goodPassword)
	}
}

func bcryptOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func argon2iOf(password string) string {
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding.EncodeToString
	return "$argon2i$v=19$m=64,t=3,p=1$" + b64(salt) + "$" + b64(argon2.Key([]byte(password), salt, 3, 64, 1, 32))
}

// resetToken gives the token of a reset letter's link.
func resetToken(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return path.Base(u.Path)
}

func TestSettings_ofGuessingAndLeaksAreChecked(t *testing.T) {
	t.Parallel()
	for _, faulty := range []string{
		"BACKOFF_AFTER=0", "BACKOFF_LONGEST=0s", "PASSWORD_FAILURES_CAP=101", "SPRAY_WINDOW=1s", "SPRAY_ADDRESS_ACCOUNTS=1", "SPRAY_PASSWORD_ACCOUNTS=1",
		"BREACH_URL=http://range.example", "BREACH_FILTER=/none/at/all", "BREACH_ON_FAILURE=maybe", "JWT_ALG=HS256",
	} {
		name, _, _ := strings.Cut(faulty, "=")
		_, err := config.Load[settings]([]string{
			"APP_ENV=test", "PUBLIC_URL=" + home, "AUTH_SECRETS=" + secret, "SERVICE_TOKENS=" + serviceToken, "DATABASE_URL=postgres://nobody@127.0.0.1:1/none",
			"SMTP_URL=smtp://127.0.0.1:1", "MAIL_FROM=Codex <no-reply@codex.test>", faulty,
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", faulty, err)
		}
	}
}
