package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
)

func TestVerify_secondOpeningIsAPlainSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	first, second := w.browser(), w.browser()
	first.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	link := w.link(email)
	if !strings.HasPrefix(link, home+base+"/verify-email?token=eyJhbGciOiJIUzI1NiJ9.") || !strings.HasSuffix(link, "&callbackURL=%2F") {
		t.Errorf("the link is not the contract's: %s", link)
	}
	first.follow(link)
	r := second.follow(link)
	if r.status != http.StatusFound || r.header.Get("Location") != "/" || len(second.cookies) != 0 {
		t.Errorf("second opening: %d %v, cookies %v", r.status, r.header.Get("Location"), second.cookies)
	}
	if !first.signedIn() || second.signedIn() {
		t.Errorf("first signed in: %v, second: %v", first.signedIn(), second.signedIn())
	}
}

func TestVerify_withoutCallbackAnswersJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.browser().post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	u, err := url.Parse(w.link(email))
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	r := b.get("/verify-email?token=" + u.Query().Get("token"))
	if r.status != http.StatusOK || r.text != `{"status":true,"user":null}` || !b.signedIn() {
		t.Errorf("%d %s", r.status, r.text)
	}
}

func TestVerify_twentyOpeningsAtOnceBeginOneSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.browser().post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	link := w.link(email)
	var begun atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			b := w.browser()
			r, err := b.try(http.MethodGet, strings.TrimPrefix(link, home+base), "", "")
			if err != nil || r.status != http.StatusFound {
				t.Errorf("%d %s %v", r.status, r.text, err)
			}
			if b.cookies[sessionCookie] != "" {
				begun.Add(1)
			}
		})
	}
	all.Wait()
	if n := begun.Load(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestVerify_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.browser().post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	u, err := url.Parse(w.link(email))
	if err != nil {
		t.Fatal(err)
	}
	good := u.Query().Get("token")
	sign := func(claims map[string]any) string {
		token, err := ringOf(t).SignJWT(claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	soon := w.clock.Now().Add(time.Hour).Unix()
	w.clock.Advance(time.Hour + time.Second)
	for name, tc := range map[string]struct{ token, code string }{
		"garbage":                {"garbage", "INVALID_TOKEN"},
		"nothing":                {"", "INVALID_TOKEN"},
		"an hour old":            {good, "TOKEN_EXPIRED"},
		"of nobody":              {sign(map[string]any{"userId": security.NewID(), "email": email, "exp": soon + 3600}), "USER_NOT_FOUND"},
		"without a person":       {sign(map[string]any{"email": email, "exp": soon + 3600}), "INVALID_TOKEN"},
		"an access token":        {"eyJhbGciOiJFZERTQSJ9.e30.x", "INVALID_TOKEN"},
		"unsigned":               {"eyJhbGciOiJub25lIn0." + strings.Split(good, ".")[1] + ".", "INVALID_TOKEN"},
		"of an address not hers": {sign(map[string]any{"userId": w.id(email), "email": "eve@example.test", "exp": soon + 3600}), "INVALID_TOKEN"},
	} {
		if r := w.browser().get("/verify-email?token=" + url.QueryEscape(tc.token)); r.status != http.StatusUnauthorized || r.code() != tc.code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
		r := w.browser().get("/verify-email?callbackURL=" + url.QueryEscape("/x?y=1") + "&token=" + url.QueryEscape(tc.token))
		if r.status != http.StatusFound || r.header.Get("Location") != "/x?y=1&error="+tc.code || r.text != "" {
			t.Errorf("%s, with a callback: %d %s", name, r.status, r.header.Get("Location"))
		}
	}
	if r := w.browser().get("/verify-email"); r.status != http.StatusBadRequest || r.message() != "[query.token] Invalid input: expected string, received undefined" {
		t.Errorf("without a token: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE email_verified`); n != 0 {
		t.Error("an address counts as proven")
	}
	if r := w.browser().get("/verify-email?token=" + good + "&callbackURL=https%3A%2F%2Fevil.example"); r.status != http.StatusForbidden || r.code() != "INVALID_CALLBACK_URL" {
		t.Errorf("a foreign callback: %d %s", r.status, r.text)
	}
}

func (w *world) id(email string) string {
	w.t.Helper()
	var id string
	if err := w.pool.QueryRow(w.t.Context(), `SELECT id FROM better_auth.users WHERE email = $1`, email).Scan(&id); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestVerify_keepsTheSessionOfTheSamePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"}})
	email, b := address(), w.browser()
	b.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	before := b.sessionToken()
	b.follow(w.link(email))
	r := b.get("/get-session")
	if b.sessionToken() != before || r.body["user"].(map[string]any)["emailVerified"] != true {
		t.Errorf("token changed: %v, %s", b.sessionToken() != before, r.text)
	}
}

func TestVerify_canLeaveSigningInToThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"AUTO_SIGN_IN_AFTER_VERIFICATION": "false"}})
	email, b := address(), w.browser()
	b.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	b.follow(w.link(email))
	if b.signedIn() {
		t.Error("signed in")
	}
	w.signIn(email, goodPassword)
}

func TestSendVerification(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.browser().post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	w.letter(email)
	b := w.browser()
	for _, to := range []string{email, address()} {
		if r := b.post("/send-verification-email", map[string]any{"email": to, "callbackURL": "/done"}); r.status != http.StatusOK || r.text != `{"status":true}`+"\n" {
			t.Errorf("%d %s", r.status, r.text)
		}
	}
	if r := b.follow(w.link(email)); r.header.Get("Location") != "/done" {
		t.Errorf("leads to %s", r.header.Get("Location"))
	}
	if r := b.post("/send-verification-email", map[string]any{"email": email}); r.status != http.StatusBadRequest || r.code() != "EMAIL_ALREADY_VERIFIED" || r.message() != "Email is already verified" {
		t.Errorf("proven: %d %s", r.status, r.text)
	}
	if r := b.post("/send-verification-email", map[string]any{"email": address()}); r.status != http.StatusBadRequest || r.code() != "EMAIL_MISMATCH" {
		t.Errorf("another's: %d %s", r.status, r.text)
	}
	if r := b.post("/send-verification-email", map[string]any{"email": "x"}); r.code() != "VALIDATION_ERROR" {
		t.Errorf("no address: %d %s", r.status, r.text)
	}
}

func TestSignIn_canMailTheLinkAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"SEND_VERIFICATION_ON_SIGN_IN": "true"}})
	email, b := address(), w.browser()
	b.post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
	w.letter(email)
	b.post("/sign-in/email", map[string]any{"email": email, "password": "wrong-password-1"})
	if r := b.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword, "callbackURL": "/in"}); r.code() != "EMAIL_NOT_VERIFIED" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := b.follow(w.link(email)); r.header.Get("Location") != "/in" {
		t.Errorf("leads to %s", r.header.Get("Location"))
	}
	if n := len(w.mails.Messages(email)); n != 2 {
		t.Errorf("%d letters: a wrong password must not cause one", n)
	}
}
