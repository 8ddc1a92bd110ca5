package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSignUp_needsTheAddressProvenFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email, b := address(), w.browser()
	r := b.post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": strings.ToUpper(email), "password": goodPassword, "callbackURL": "/welcome"})
	if r.status != http.StatusOK || r.body["token"] != nil || len(r.header.Values("Set-Cookie")) != 0 {
		t.Fatalf("got %d %s, cookies %q", r.status, r.text, r.header.Values("Set-Cookie"))
	}
	if r.str("user", "email") != email || r.body["user"].(map[string]any)["emailVerified"] != false {
		t.Errorf("user = %v", r.body["user"])
	}
	if r := b.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != http.StatusForbidden || r.code() != "EMAIL_NOT_VERIFIED" {
		t.Errorf("sign-in before the proof: %d %s", r.status, r.text)
	}

	opened := b.follow(w.link(email))
	if opened.status != http.StatusFound || opened.header.Get("Location") != "/welcome" || opened.text != "" || opened.header.Get("Set-Auth-Token") == "" {
		t.Errorf("verify: %d %q %q", opened.status, opened.header, opened.text)
	}
	if !b.signedIn() {
		t.Error("the proof does not sign in")
	}
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != http.StatusOK {
		t.Errorf("sign-in after the proof: %d %s", r.status, r.text)
	}
}

func TestSignUp_withoutVerificationSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"}})
	email, b := address(), w.browser()
	r := b.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	if r.status != http.StatusOK || len(r.str("token")) != 32 || r.str("token") != b.sessionToken() {
		t.Fatalf("got %d %s", r.status, r.text)
	}
	if !b.signedIn() {
		t.Error("not signed in")
	}
	again := w.browser().post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": goodPassword})
	if again.status != http.StatusUnprocessableEntity || again.code() != "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL" || again.message() != "User already exists. Use another email." {
		t.Errorf("a known address: %d %s", again.status, again.text)
	}
}

// AUTH-08: the answer for a known address is that for a new one; nothing is
// made, and the owner is told.
func TestSignUp_doesNotTellWhetherAnAddressIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	try := func(email string) reply {
		return w.stranger().post("/sign-up/email", map[string]any{"name": "Eve", "email": email, "password": "another-passphrase-1"})
	}
	known, fresh := try(email), try(address())
	if known.status != fresh.status || !slices.Equal(shape(known.body), shape(fresh.body)) || !slices.Equal(headerNames(known), headerNames(fresh)) {
		t.Errorf("known: %d %s\nnew:   %d %s", known.status, known.text, fresh.status, fresh.text)
	}
	if len(known.text) != len(fresh.text) {
		t.Errorf("%d bytes for a known address, %d for a new one", len(known.text), len(fresh.text))
	}
	if known.str("user", "name") != "Eve" || known.str("user", "email") != email {
		t.Errorf("the invented person is not who was sent: %s", known.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE email = $1`, email); n != 1 {
		t.Errorf("%d rows", n)
	}
	if m := w.letter(email); !strings.Contains(strings.ToLower(m.Subject+m.Text), "account") {
		t.Errorf("the owner reads: %s\n%s", m.Subject, m.Text)
	}
	if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": "another-passphrase-1"}); r.status != http.StatusUnauthorized {
		t.Errorf("the stranger's password: %d", r.status)
	}
}

// shape lists the names in a body, with their depth.
func shape(body map[string]any) []string {
	var out []string
	for name, value := range body {
		out = append(out, name)
		if inner, ok := value.(map[string]any); ok {
			for _, n := range shape(inner) {
				out = append(out, name+"."+n)
			}
		}
	}
	slices.Sort(out)
	return out
}

func headerNames(r reply) []string { return slices.Sorted(maps.Keys(r.header)) }

// AUTH-09: one mailbox, one account, whatever happens at the same time.
func TestSignUp_fiftyAtOnceMakeOneAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	spellings := []string{email, strings.ToUpper(email), strings.ToUpper(email[:1]) + email[1:]}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			body := fmt.Sprintf(`{"name":"Ada","email":%q,"password":%q}`, spellings[i%3], goodPassword)
			r, err := w.stranger().try(http.MethodPost, "/sign-up/email", "application/json", body)
			if err != nil || r.status != http.StatusOK {
				t.Errorf("sign-up: %d %s %v", r.status, r.text, err)
			}
		})
	}
	all.Wait()
	if n := w.count(`SELECT count(*) FROM better_auth.users`); n != 1 {
		t.Errorf("%d people", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.accounts`); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger WHERE kind = 'verify-email'`); n != 1 {
		t.Errorf("%d verification letters", n)
	}
}

func TestSignUp_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for name, tc := range map[string]struct {
		change        map[string]any
		status        int
		code, message string
	}{
		"7 characters":              {map[string]any{"password": "1234567"}, 400, "PASSWORD_TOO_SHORT", "Password too short"},
		"129 characters":            {map[string]any{"password": strings.Repeat("x", 129)}, 400, "PASSWORD_TOO_LONG", "Password too long"},
		"a bad address":             {map[string]any{"email": "not-an-address"}, 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
		"a line end in the address": {map[string]any{"email": "a@x.test\n"}, 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
		"two addresses":             {map[string]any{"email": "a@x.test,b@x.test"}, 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
		"a NUL in the address":      {map[string]any{"email": "a@x.test\x00"}, 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
		"two @":                     {map[string]any{"email": "a@b@x.test"}, 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
		"255 bytes of address":      {map[string]any{"email": strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 100) + "test"}, 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
		"a role":                    {map[string]any{"role": "admin"}, 400, "FIELD_NOT_ALLOWED", "role is not allowed to be set"},
		"emailVerified":             {map[string]any{"emailVerified": true}, 400, "FIELD_NOT_ALLOWED", "emailVerified is not allowed to be set"},
		"email_verified":            {map[string]any{"email_verified": true}, 400, "FIELD_NOT_ALLOWED", "email_verified is not allowed to be set"},
		"an id":                     {map[string]any{"id": "me"}, 400, "FIELD_NOT_ALLOWED", "id is not allowed to be set"},
		"createdAt":                 {map[string]any{"createdAt": "2020-01-01"}, 400, "FIELD_NOT_ALLOWED", "createdAt is not allowed to be set"},
		"twoFactorEnabled":          {map[string]any{"twoFactorEnabled": true}, 400, "FIELD_NOT_ALLOWED", "twoFactorEnabled is not allowed to be set"},
		"banned":                    {map[string]any{"banned": false}, 400, "FIELD_NOT_ALLOWED", "banned is not allowed to be set"},
		"a foreign callback":        {map[string]any{"callbackURL": "https://evil.example"}, 403, "INVALID_CALLBACK_URL", "Invalid callbackURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := map[string]any{"name": "X", "email": address(), "password": goodPassword}
			maps.Copy(body, tc.change)
			r := w.browser().post("/sign-up/email", body)
			if r.status != tc.status || r.code() != tc.code || r.message() != tc.message {
				t.Errorf("got %d %s", r.status, r.text)
			}
		})
	}
	t.Cleanup(func() {
		if n := w.count(`SELECT count(*) FROM better_auth.users`); n != 0 {
			t.Errorf("%d people were made", n)
		}
	})
}

// AUTH-01 and AUTH-02: lengths count characters, and nothing is changed.
func TestSignUp_takesPasswordsAsTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"}})
	long := strings.Repeat("a", 99)
	for name, tc := range map[string]struct {
		password string
		misses   []string
	}{
		"8 characters":    {"k7-Vq2.b", []string{"k7-Vq2.bb", "k7-Vq2."}},
		"8 emoji":         {"🔑🔒🔓🗝️🛡️🧷", []string{"🔑🔒🔓🗝🛡🧷"}},
		"128 characters":  {strings.Repeat("x", 128), []string{strings.Repeat("x", 127)}},
		"100, last other": {long + "b", []string{long + "c", long}},
		"blanks around":   {"  blanks around  ", []string{"blanks around", "  blanks around"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			email := address()
			if r := w.stranger().post("/sign-up/email", map[string]any{"name": "X", "email": email, "password": tc.password}); r.status != http.StatusOK {
				t.Fatalf("sign-up: %d %s", r.status, r.text)
			}
			if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": tc.password}); r.status != http.StatusOK {
				t.Errorf("sign-in: %d %s", r.status, r.text)
			}
			for _, miss := range tc.misses {
				if r := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": miss}); r.status != http.StatusUnauthorized {
					t.Errorf("%q signs in: %d", miss, r.status)
				}
			}
		})
	}
}

func TestSignUp_closed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"DISABLE_SIGN_UP": "true"}})
	r := w.stranger().post("/sign-up/email", map[string]any{"name": "X", "email": address(), "password": goodPassword})
	if r.status != http.StatusBadRequest || r.code() != "EMAIL_PASSWORD_SIGN_UP_DISABLED" {
		t.Errorf("got %d %s", r.status, r.text)
	}
}

// Without passwords every door that asks for one is shut, and the others are not.
func TestPasswords_canBeOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"EMAIL_PASSWORD": "false", "MAGIC_LINK_SIGN_UP": "on"}})
	for path, code := range map[string]string{
		"/sign-up/email": "EMAIL_PASSWORD_SIGN_UP_DISABLED", "/sign-in/email": "EMAIL_PASSWORD_DISABLED", "/sign-in/username": "EMAIL_PASSWORD_DISABLED",
		"/request-password-reset": "RESET_PASSWORD_DISABLED", "/reset-password": "RESET_PASSWORD_DISABLED", "/email-otp/reset-password": "RESET_PASSWORD_DISABLED",
		"/email-otp/request-password-reset": "RESET_PASSWORD_DISABLED", "/forget-password/email-otp": "RESET_PASSWORD_DISABLED",
	} {
		r := w.stranger().post(path, map[string]any{"name": "X", "email": address(), "username": "ada", "password": goodPassword, "newPassword": goodPassword, "otp": "123456"})
		if r.status != http.StatusBadRequest || r.code() != code {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	b := w.browser()
	if r := b.follow(w.askLink(b, map[string]any{"email": address(), "callbackURL": "/in"})); r.status != http.StatusFound || !b.signedIn() {
		t.Errorf("a link: %d %s", r.status, r.text)
	}
}

// AUTH-12: whatever a request says about its host, mails know ours only.
func TestMails_leadToThePublicAddressOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for _, header := range []string{"Host", "Origin", "X-Forwarded-Host", "Forwarded", "X-Original-Host", "X-Forwarded-Proto"} {
		email, b := address(), w.stranger()
		b.headers[header] = "evil.example"
		if header == "Forwarded" {
			b.headers[header] = "host=evil.example;proto=https"
		}
		if header == "Origin" { // a sign-up from there is refused, asking for a reset is not
			b.headers[header] = "http://evil.example"
			w.signUp(email, goodPassword)
			b.post("/request-password-reset", map[string]any{"email": email})
			if m := w.letter(email); strings.Contains(m.Text+m.HTML, "evil") || !strings.Contains(m.Text, home+base+"/reset-password/") {
				t.Errorf("%s: the letter says\n%s", header, m.Text)
			}
			continue
		}
		b.post("/sign-up/email", map[string]any{"name": "evil.example http://evil.example", "email": email, "password": goodPassword})
		m := w.letter(email)
		if strings.Contains(m.Text+m.HTML+m.Subject, "evil") {
			t.Errorf("%s: the letter says\n%s", header, m.Text)
		}
		w.exec(`UPDATE better_auth.users SET email_verified = true WHERE email = $1`, email)
		if r := b.post("/request-password-reset", map[string]any{"email": email}); r.status != http.StatusOK {
			t.Errorf("%s: asking for a reset: %d %s", header, r.status, r.text)
		}
		if m := w.letter(email); strings.Contains(m.Text+m.HTML, "evil") || !strings.Contains(m.Text, home+base+"/reset-password/") {
			t.Errorf("%s: the letter says\n%s", header, m.Text)
		}
	}
}

// Mails wait for their server, and nobody waits for them.
func TestMails_waitForTheMailServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	if err := w.mails.StopSMTP(); err != nil {
		t.Fatal(err)
	}
	email, b := address(), w.browser()
	began := time.Now()
	if r := b.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword}); r.status != http.StatusOK {
		t.Fatalf("sign-up without a mail server: %d %s", r.status, r.text)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("sign-up waited %v for the mail server", took)
	}
	if err := w.mails.StartSMTP(); err != nil {
		t.Fatal(err)
	}
	if r := b.follow(w.link(email)); r.status != http.StatusFound {
		t.Errorf("the letter that waited: %d %s", r.status, r.text)
	}
	if n := len(w.mails.Messages(email)); n != 1 {
		t.Errorf("%d letters", n)
	}
}
