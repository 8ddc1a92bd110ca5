package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/testkit/oidc"
)

// AUTH-10: of twenty uses of one reset code at once, one sets a password; of twenty
// of one verification code, one proves the address and begins a session.
func TestRace_codes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"NEW_DEVICE_MAIL": "false"}})
	email, b := address(), w.browser()
	b.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	code := w.askCode(b, "email-verification", email)
	inParallel(20, func(int) reply {
		r := b.twin().post("/email-otp/verify-email", map[string]any{"email": email, "otp": code})
		if r.status >= 500 {
			t.Errorf("verify: %d %s", r.status, r.text)
		}
		return r
	})
	if n := w.count(`SELECT count(*) FROM better_auth.sessions`); n != 1 {
		t.Errorf("one verification code began %d sessions", n)
	}
	code = w.askCode(b, "forget-password", email)
	if n := inParallel(20, func(i int) reply {
		return w.stranger().post("/email-otp/reset-password", map[string]any{"email": email, "otp": code, "password": "a-passphrase-number-" + string(rune('a'+i))})
	}); n != 1 {
		t.Errorf("one reset code set %d passwords", n)
	}
}

// AUTH-14: of twenty uses of one code of a new address at once, one changes it.
func TestRace_codeOfAChangeOfAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"EMAIL_CODE_CHANGE_EMAIL": "on", "EMAIL_CODE_CHANGE_CONFIRM": "off"}})
	old, next := address(), address()
	b := w.signUp(old, goodPassword)
	if r := b.post("/email-otp/request-email-change", members{"newEmail": next}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	code := sixDigits.FindString(w.letter(next).Text)
	if n := inParallel(20, func(int) reply {
		return b.twin().post("/email-otp/change-email", members{"newEmail": next, "otp": code})
	}); n != 1 {
		t.Errorf("one code changed it %d times", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'email_change' AND outcome = 'success'`); n != 1 {
		t.Errorf("%d changes", n)
	}
}

// AUTH-14: twenty openings of each link of a change of address at once ask, move and
// tell once, and are plain successes.
func TestRace_changeOfAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"NEW_DEVICE_MAIL": "false"}})
	old, next := address(), address()
	b := w.signUp(old, goodPassword)
	b.post("/change-email", map[string]any{"newEmail": next, "callbackURL": "/profile"})
	open := func(link string) {
		t.Helper()
		inParallel(20, func(int) reply {
			r := b.twin().follow(link)
			if r.status != http.StatusFound || r.location() != "/profile" {
				t.Errorf("%d %s", r.status, r.location())
			}
			return r
		})
	}
	open(w.link(old))
	open(w.link(next))
	if m := w.letter(old); !strings.Contains(m.Subject, "changed") {
		t.Errorf("the old address reads %q", m.Subject)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'email_change'`); n != 1 {
		t.Errorf("%d changes", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger WHERE kind = 'change-email-verify'`); n != 1 {
		t.Errorf("%d letters to the new address", n)
	}
}

// MFA-01: one challenge of a second factor lets in once, though twenty good codes
// arrive at once.
func TestRace_challenge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	a := w.signUp(email, goodPassword).enrol(goodPassword)
	b := w.challenged(email, goodPassword)
	if n := inParallel(20, func(i int) reply {
		if i%2 == 0 {
			return b.twin().post("/two-factor/verify-totp", map[string]any{"code": a.code(0)})
		}
		return b.twin().post("/two-factor/verify-backup-code", map[string]any{"code": a.backup[i/2]})
	}); n != 1 {
		t.Errorf("one challenge let in %d times", n)
	}
}

// AUTH-16, OAU-01: whatever comes as a provider's answer is no fault of ours, begins no
// session and leads nowhere but to us.
func FuzzCallback_neverFails(f *testing.F) {
	if testing.Short() {
		f.Skip("needs PostgreSQL; run without -short")
	}
	acme := oidc.Start(f, oidc.Options{})
	w := newWorld(f, options{env: map[string]string{
		"OIDC_PROVIDERS": "acme", "OIDC_ACME_ISSUER": acme.URL, "OIDC_ACME_CLIENT_ID": "codex", "OIDC_ACME_CLIENT_SECRET": acme.Secret,
	}})
	for _, seed := range []string{
		"", "code=x&state=y", "error=access_denied&state=x", "error=%0d%0aLocation:https://evil.example", "state=%00", "code=a&code=b&state=c&state=d",
		"iss=https://evil.example&code=x&state=y", "%zz", "error_description=<script>&error=x", "user={}&state=x", ";=&&&", "callbackURL=https://evil.example&state=x",
	} {
		f.Add(seed)
	}
	b := w.browser()
	b.leave("/sign-in/social", nil)
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7f }) {
			t.Skip("no query of a request")
		}
		r, err := b.twin().try(http.MethodGet, "/callback/acme?"+query, "", "")
		if err != nil {
			t.Skip("no query of a request")
		}
		if r.status >= 500 || r.status == http.StatusOK || strings.Contains(r.cookie(sessionCookie), "Max-Age=6") {
			t.Errorf("%q: %d %s", query, r.status, r.text)
		}
		to, err := url.Parse(r.location())
		if err != nil || to.Host != "" && to.Scheme+"://"+to.Host != home {
			t.Errorf("%q leads to %q", query, r.location())
		}
	})
}
