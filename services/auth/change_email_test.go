package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// AUTH-14: a new address counts once the old one agreed and the new one was
// proven, and the old one is told.
func TestChangeEmail_isConfirmedProvenAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	old, next := address(), address()
	b := w.signUp(old, goodPassword)
	if r := b.post("/change-email", map[string]any{"newEmail": next, "callbackURL": "/profile"}); r.status != http.StatusOK || r.text != "{\"status\":true}\n" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	m := w.letter(old)
	if !strings.Contains(m.Text, next) {
		t.Errorf("the old address is not told which one is new: %s", m.Text)
	}
	confirm := m.Links()[0]
	for range 2 { // mail scanners open links too
		if r := b.follow(confirm); r.status != http.StatusFound || r.header.Get("Location") != "/profile" {
			t.Fatalf("%d %v", r.status, r.header)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger WHERE kind = 'change-email-verify'`); n != 1 {
		t.Errorf("%d letters to the new address", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE email = $1`, old); n != 1 {
		t.Error("changed before the new address was proven")
	}
	w.signIn(old, goodPassword)
	prove := w.link(next)
	for range 2 {
		if r := b.follow(prove); r.status != http.StatusFound || r.header.Get("Location") != "/profile" {
			t.Fatalf("%d %v", r.status, r.header)
		}
	}
	if r := b.get("/get-session"); r.str("user", "email") != next {
		t.Errorf("session: %s", r.text)
	}
	if m := w.letter(old); m.Subject != "Your e-mail address was changed" || !strings.Contains(m.Text, next) {
		t.Errorf("%q", m.Subject)
	}
	w.signIn(next, goodPassword)
	if r := b.follow(confirm); !strings.HasSuffix(r.header.Get("Location"), "/profile") {
		t.Errorf("opened again: %v", r.header)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind IN ('email_change_request', 'email_change')`); n != 2 {
		t.Errorf("%d records", n)
	}
}

func TestChangeEmail_takesOneLetterWhereTheOldAddressIsNotAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"CHANGE_EMAIL_CONFIRM": "false"}})
	next := address()
	b := w.signUp(address(), goodPassword)
	b.post("/change-email", map[string]any{"newEmail": strings.ToUpper(next)})
	if r := b.follow(w.link(next)); r.status != http.StatusFound {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := b.get("/get-session"); r.str("user", "email") != next {
		t.Errorf("session: %s", r.text)
	}
}

// AUTH-13, AUTH-15: whose address it is, how fresh the session and which address
// decide; a taken one looks like any other.
func TestChangeEmail_refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"CHANGE_EMAIL_CONFIRM": "false", "ANSWER_FLOOR": "50ms"}})
	own, taken := address(), address()
	b := w.signUp(own, goodPassword)
	w.signUp(taken, goodPassword)
	refused := func(name string, r reply, status int, code string) {
		t.Helper()
		if r.status != status || r.code() != code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	refused("without a session", w.browser().post("/change-email", map[string]any{"newEmail": address()}), http.StatusUnauthorized, "UNAUTHORIZED")
	refused("its own", b.post("/change-email", map[string]any{"newEmail": own}), http.StatusBadRequest, "EMAIL_IS_THE_SAME")
	refused("none", b.post("/change-email", map[string]any{"newEmail": "x"}), http.StatusBadRequest, "VALIDATION_ERROR")
	refused("foreign page", b.post("/change-email", map[string]any{"newEmail": address(), "callbackURL": "https://evil.example"}), http.StatusForbidden, "INVALID_CALLBACK_URL")
	refused("taken", b.post("/change-email", map[string]any{"newEmail": taken}), http.StatusOK, "")
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger WHERE kind LIKE 'change-email%'`); n != 0 {
		t.Errorf("%d letters", n)
	}

	next := address()
	b.post("/change-email", map[string]any{"newEmail": next})
	link := w.link(next)
	other := w.signUp(address(), goodPassword)
	if r := other.follow(link); !strings.HasSuffix(r.header.Get("Location"), "error=INVALID_USER") {
		t.Errorf("another person's browser: %v", r.header)
	}
	w.signUp(next, goodPassword) // was faster
	if r := b.follow(link); !strings.HasSuffix(r.header.Get("Location"), "error=INVALID_TOKEN") {
		t.Errorf("an address that was taken since: %v", r.header)
	}
	w.clock.Advance(25 * time.Hour)
	refused("old session", b.post("/change-email", map[string]any{"newEmail": address()}), http.StatusForbidden, "SESSION_NOT_FRESH")

	off := newWorld(t, options{env: map[string]string{"CHANGE_EMAIL": "false"}})
	refused("off", off.signUp(address(), goodPassword).post("/change-email", map[string]any{"newEmail": address()}), http.StatusBadRequest, "CHANGE_EMAIL_DISABLED")
}
