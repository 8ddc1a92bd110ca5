package main

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
)

// AUTH-19: no secret has a default: without it, with a sample, or with a short one
// the service ends at once and says which one, in one line.
func TestStart_needsItsSecrets(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"APP_ENV": "production", "PUBLIC_URL": "https://app.example", "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
		"AUTH_SECRETS": secret, "SERVICE_TOKENS": serviceToken, "SMTP_URL": "smtps://127.0.0.1:1", "MAIL_FROM": "a@app.example",
	}
	for _, name := range []string{"AUTH_SECRETS", "SERVICE_TOKENS"} {
		for what, value := range map[string]string{
			"nothing": "", "a sample": "changeme", "16 bytes": "0123456789abcdef", "31 bytes": "0123456789abcdef0123456789abcde",
			"development's": "dev-only-0123456789abcdef0123456789abcdef", "a short one behind": secret + ",short",
		} {
			began := time.Now()
			code, out := command(t, env, map[string]string{name: value}, "serve")
			if code == 0 || time.Since(began) > 5*time.Second {
				t.Errorf("%s, %s: exit %d after %v", name, what, code, time.Since(began))
			}
			named := 0
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, "  "+name+" ") {
					named++
				}
			}
			if named != 1 || value != "" && strings.Contains(out, value) {
				t.Errorf("%s, %s: it says\n%s", name, what, out)
			}
		}
	}
}

// SES-02: every answer that sets the session's cookie, or one of ours beside it,
// sets it with every attribute.
func TestCookies_haveTheirAttributesEverywhere(t *testing.T) {
	t.Parallel()
	t.Run("of the own host", func(t *testing.T) {
		t.Parallel()
		checkCookies(t, nil, "Path=/; HttpOnly; SameSite=Lax; Secure")
	})
	t.Run("of a domain", func(t *testing.T) {
		t.Parallel()
		domain := map[string]string{"PUBLIC_URL": "http://app.example.test", "COOKIE_DOMAIN": "example.test"}
		checkCookies(t, domain, "Domain=example.test; Path=/; HttpOnly; SameSite=Lax; Secure")
	})
}

// checkCookies goes every way on which cookies are set and holds each line against
// the attributes.
func checkCookies(t *testing.T, env map[string]string, attributes string) {
	all := map[string]string{"SECURE_COOKIES": "true", "ANONYMOUS": "on", "LAST_LOGIN_METHOD": "on", "VERIFICATION_SAME_BROWSER": "true", "NEW_DEVICE_MAIL": "false"}
	maps.Copy(all, env)
	w, acme, _ := withProviders(t, all)
	form := regexp.MustCompile(`^__Secure-better-auth\.[a-zA-Z0-9._-]+=[^;, ]*; (Max-Age=[0-9]+; )?` + regexp.QuoteMeta(attributes) + "$")
	hint := regexp.MustCompile(`^better-auth\.last_used_login_method=[a-z-]+; Max-Age=[0-9]+; ` + regexp.QuoteMeta(strings.Replace(attributes, "HttpOnly; ", "", 1)) + "$")
	alone := regexp.MustCompile(`^(__Secure-)?better-auth\.[a-zA-Z0-9._-]+=; Max-Age=0; Path=/; (HttpOnly; )?SameSite=Lax; Secure$`) // takes away one of before there was a domain
	seen := map[string]bool{}
	check := func(what, name string, r reply) reply {
		t.Helper()
		name = "__Secure-better-auth." + name
		if !slices.ContainsFunc(r.header.Values("Set-Cookie"), func(line string) bool { return strings.HasPrefix(line, name) }) {
			t.Errorf("%s sets no %s: %d %s", what, name, r.status, r.text)
		}
		for _, line := range r.header.Values("Set-Cookie") {
			cookie, _, _ := strings.Cut(line, "=")
			seen[cookie] = true
			if !form.MatchString(line) && !hint.MatchString(line) && (env == nil || !alone.MatchString(line)) {
				t.Errorf("%s: %s", what, line)
			}
		}
		return r
	}
	const session = "session_token"
	signIn := func(email string, more map[string]any) reply {
		body := map[string]any{"email": email, "password": goodPassword}
		maps.Copy(body, more)
		return w.browser().post("/sign-in/email", body)
	}
	email, b := address(), w.browser()
	check("sign-up", "signed_up", b.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword}))
	check("verify-email", session, b.follow(w.link(email)))
	check("sign-in", session, signIn(email, nil))
	check("sign-in of a browser session", "dont_remember", signIn(email, map[string]any{"rememberMe": false}))
	check("update-user", session, b.post("/update-user", map[string]any{"name": "Augusta"}))
	check("anonymous", session, w.browser().post("/sign-in/anonymous", map[string]any{}))
	check("a magic link", session, w.browser().follow(w.askLink(w.browser(), map[string]any{"email": email, "callbackURL": "/in"})))
	coded := w.browser()
	check("a code", session, coded.post("/sign-in/email-otp", map[string]any{"email": email, "otp": w.askCode(coded, "sign-in", email)}))

	check("options of a passkey", "better-auth-passkey", b.get("/passkey/generate-register-options"))
	keys, _ := b.register("laptop")
	check("a passkey", session, w.browser().use(keys))

	acme.Be(person(address(), true))
	social := w.browser()
	asked := check("a provider's question", "state", social.post("/sign-in/social", map[string]any{"provider": "acme", "callbackURL": "/home"}))
	check("a provider", session, social.follow(w.approve(asked.str("url"))))

	administrator, _ := w.administrator()
	check("impersonating", "admin_session", administrator.post("/admin/impersonate-user", members{"userId": w.id(email)}))
	check("no longer", session, administrator.post("/admin/stop-impersonating", members{}))

	check("a second account", session+"_multi-", social.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}))
	check("the first again", session, social.post("/multi-session/set-active", map[string]any{"sessionToken": social.people()[email]}))
	check("none of both", session+"_multi-", social.post("/sign-out", map[string]any{}))

	w.clock.Advance(23 * time.Hour)
	check("change-password", session, b.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": "another-passphrase-2", "revokeOtherSessions": true}))
	w.clock.Advance(25 * time.Hour)
	check("an extension", session, b.get("/get-session"))
	check("sign-out", session, b.post("/sign-out", map[string]any{}))

	factor := address()
	owner := w.signUp(factor, goodPassword)
	a := owner.enrol(goodPassword)
	challenged := w.browser()
	check("a challenge", "two_factor", challenged.post("/sign-in/email", map[string]any{"email": factor, "password": goodPassword}))
	check("a second factor", "trust_device", challenged.post("/two-factor/verify-totp", map[string]any{"code": a.code(0), "trustDevice": true}))
	if !seen["better-auth.last_used_login_method"] {
		t.Error("no hint was set")
	}
}

// AUTH-15: what is not a client's to write is refused or ignored wherever a client
// writes, in both spellings.
func TestWrites_neverReachFieldsOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"NEW_DEVICE_MAIL": "false"}})
	more := map[string]any{
		"role": "admin", "id": "chosen", "emailVerified": true, "email_verified": true, "createdAt": "2001-01-01T00:00:00Z", "created_at": "2001-01-01T00:00:00Z",
		"twoFactorEnabled": true, "two_factor_enabled": true, "banned": true, "userId": "chosen", "user_id": "chosen",
	}
	row := func(email string) (kept string) {
		t.Helper()
		if err := w.pool.QueryRow(t.Context(), `SELECT coalesce((SELECT concat_ws(' ', id, role, email_verified, created_at, two_factor_enabled, banned)
			FROM better_auth.users WHERE email = $1), '')`, email).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		return kept
	}
	known := address()
	b := w.signUp(known, goodPassword)
	for path, body := range map[string]map[string]any{
		"/update-user":             {"name": "Augusta"},
		"/update-session":          {},
		"/change-password":         {"currentPassword": goodPassword, "newPassword": goodPassword},
		"/change-email":            {"newEmail": address()},
		"/verify-password":         {"password": goodPassword},
		"/sign-in/email":           {"email": known, "password": goodPassword},
		"/sign-in/magic-link":      {"email": known},
		"/send-verification-email": {"email": known},
		"/request-password-reset":  {"email": known},
		"/two-factor/enable":       {"password": "wrong-password-1"},
		"/revoke-other-sessions":   {},
	} {
		before := row(known)
		for field, value := range more {
			one := maps.Clone(body)
			one[field] = value
			if r := b.post(path, one); r.status >= 500 || row(known) != before {
				t.Errorf("%s with %s: %d %s, the row %q was %q", path, field, r.status, r.text, row(known), before)
			}
		}
	}
	for field, value := range more {
		email := address()
		r := w.stranger().post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": goodPassword, field: value})
		if kept := row(email); kept != "" && (strings.Contains(kept, "chosen") || strings.Contains(kept, "admin") || !strings.Contains(kept, " user f 20") || !strings.HasSuffix(kept, " f f") || strings.Contains(kept, "2001-")) {
			t.Errorf("sign-up with %s: %d, the row is %q", field, r.status, kept)
		}
	}
}

// AUTH-11: after a reset, and after a change of password that asks for it, the
// other sessions are refused here at once and the gateways hear of them.
func TestPasswords_endSessionsEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{redis: testkit.Redis(t), env: map[string]string{"NEW_DEVICE_MAIL": "false"}})
	heard := w.revocations()
	email := address()
	first := w.signUp(email, goodPassword)
	second := w.signIn(email, goodPassword)
	sessionID := func(b *browser) string { return b.get("/get-session").str("session", "id") }
	other := sessionID(second)
	if r := first.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": "second-passphrase-2", "revokeOtherSessions": true}); r.status != http.StatusOK {
		t.Fatalf("change: %d %s", r.status, r.text)
	}
	if second.signedIn() || !first.signedIn() {
		t.Error("the other session lives on, or the own one does not")
	}
	heardOf(t, heard, other)
	w.letter(email) // of the change

	second = w.signIn(email, "second-passphrase-2")
	one, two := sessionID(first), sessionID(second)
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	if r := w.browser().post("/reset-password", map[string]any{"newPassword": "third-passphrase-3", "token": tokenOf(t, w.link(email))}); r.status != http.StatusOK {
		t.Fatalf("reset: %d %s", r.status, r.text)
	}
	if first.signedIn() || second.signedIn() {
		t.Error("a session outlives the reset")
	}
	for range 2 {
		r := <-heard
		if r.SessionID != one && r.SessionID != two {
			t.Errorf("heard of %s", r.SessionID)
		}
	}
}

// AUTH-13: with an old session, password, address, second factor and account change
// only after the current password, or not at all.
func TestGuards_needAFreshProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.signUp(email, goodPassword)
	w.clock.Advance(25 * time.Hour)
	for path, tc := range map[string]struct {
		body map[string]any
		code string
	}{
		"/change-password":                  {map[string]any{"newPassword": "another-passphrase-2", "currentPassword": "wrong-password-1"}, "INVALID_PASSWORD"},
		"/change-email":                     {map[string]any{"newEmail": address()}, "SESSION_NOT_FRESH"},
		"/two-factor/enable":                {map[string]any{}, "INVALID_PASSWORD"},
		"/two-factor/disable":               {map[string]any{}, "INVALID_PASSWORD"},
		"/two-factor/generate-backup-codes": {map[string]any{}, "INVALID_PASSWORD"},
		"/delete-user":                      {map[string]any{}, "SESSION_EXPIRED"},
		"/passkey/delete-passkey":           {map[string]any{"id": "x"}, "SESSION_NOT_FRESH"},
	} {
		if r := b.post(path, tc.body); r.status < 400 || r.status >= 500 || r.code() != tc.code {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	w.signIn(email, goodPassword)
}

// SES-10: there is no refresh token of ours: what signing in answers holds none, and
// the door of that name is for tokens of providers (see TestProviderTokens).
func TestRefreshTokens_areProvidersOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.signUp(email, goodPassword)
	for what, r := range map[string]reply{
		"sign-in":     w.browser().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}),
		"get-session": b.get("/get-session"),
		"token":       b.get("/token"),
	} {
		if r.status != http.StatusOK || strings.Contains(strings.ToLower(r.text), "refresh") {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.accounts WHERE refresh_token IS NOT NULL`); n != 0 {
		t.Errorf("%d refresh tokens", n)
	}
}

// OAU-08, OAU-09: an address to go to afterwards that is not ours, in any spelling and
// at every door, is refused before anything happened.
func TestCallbacks_areOursInEverySpelling(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"TRUSTED_ORIGINS": "https://*.app.test"}})
	known := address()
	b := w.signUp(known, goodPassword)
	for _, to := range []string{
		"//x", `/\x`, "/%5cx", "/%2fx", "https:x", "https://localhost:8000@x", "https://localhost.x", "http://localhost:8000.x", "javascript:alert(1)",
		"/\tx", "/\nx", "\t//x", "/%252fx", "/%255cx", "https://evilapp.test", "http://a.app.test", "https://a.app.test.evil.test",
	} {
		for path, body := range map[string]map[string]any{
			"/sign-up/email":           {"name": "Eve", "email": "eve@example.test", "password": goodPassword, "callbackURL": to},
			"/sign-in/email":           {"email": known, "password": goodPassword, "callbackURL": to},
			"/sign-in/magic-link":      {"email": known, "errorCallbackURL": to},
			"/request-password-reset":  {"email": known, "redirectTo": to},
			"/send-verification-email": {"email": known, "callbackURL": to},
			"/change-email":            {"newEmail": "eve@example.test", "callbackURL": to},
		} {
			if r := b.post(path, body); r.status != http.StatusForbidden || r.location() != "" {
				t.Errorf("%s to %q: %d %s", path, to, r.status, r.text)
			}
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users`) + w.count(`SELECT count(*) FROM better_auth.mail_ledger`); n != 2 {
		t.Errorf("%d people and letters, not one of each", n)
	}
	if r := b.post("/sign-in/email", map[string]any{"email": known, "password": goodPassword, "callbackURL": "https://a.app.test/x"}); r.status != http.StatusOK {
		t.Errorf("a trusted one: %d %s", r.status, r.text)
	}
}
