package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// named makes an account with a user name.
func (w *world) named(email, name string) reply {
	w.t.Helper()
	return w.browser().post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": goodPassword, "username": name})
}

func (w *world) available(name string) reply {
	w.t.Helper()
	return w.stranger().post("/is-username-available", map[string]any{"username": name})
}

func TestUsername_signsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	if r := w.available("Ada.L_1"); r.status != http.StatusOK || r.body["available"] != true {
		t.Errorf("before: %d %s", r.status, r.text)
	}
	if r := w.named(email, "Ada.L_1"); r.status != http.StatusOK || r.str("user", "username") != "ada.l_1" || r.str("user", "displayUsername") != "Ada.L_1" {
		t.Fatalf("sign-up: %d %s", r.status, r.text)
	}
	b := w.browser()
	in := func(name, password string) reply {
		return b.post("/sign-in/username", map[string]any{"username": name, "password": password, "callbackURL": "/in"})
	}
	if r := in("ada.l_1", goodPassword); r.status != http.StatusForbidden || r.code() != "EMAIL_NOT_VERIFIED" {
		t.Errorf("before the address is proven: %d %s", r.status, r.text)
	}
	b.follow(w.link(email))
	b.post("/sign-out", map[string]any{})
	if r := in("ADA.L_1", goodPassword); r.status != http.StatusOK || r.str("token") != b.sessionToken() || r.body["redirect"] != true || r.str("url") != "/in" || r.str("user", "email") != email {
		t.Errorf("sign-in: %d %s", r.status, r.text)
	}
	for name, want := range map[string]struct {
		status int
		code   string
	}{
		"ab": {422, "USERNAME_TOO_SHORT"}, "a123456789012345678901234567890": {422, "USERNAME_TOO_LONG"}, "ada l": {422, "INVALID_USERNAME"},
		"": {401, "INVALID_USERNAME_OR_PASSWORD"}, "nobody": {401, "INVALID_USERNAME_OR_PASSWORD"},
	} {
		if r := in(name, goodPassword); r.status != want.status || r.code() != want.code {
			t.Errorf("sign in as %q: %d %s", name, r.status, r.text)
		}
		if want.status == http.StatusUnprocessableEntity {
			if r := w.available(name); r.status != want.status || r.code() != want.code {
				t.Errorf("is %q free: %d %s", name, r.status, r.text)
			}
			if r := w.named(address(), name); r.status != http.StatusBadRequest || r.code() != want.code {
				t.Errorf("sign up as %q: %d %s", name, r.status, r.text)
			}
		}
	}
}

// AUTH-06: an unknown user name and a wrong password give one answer, after the
// same least time.
func TestUsername_doesNotTellWhetherItIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"PASSWORD_ANSWER_FLOOR": "100ms"}})
	w.named(address(), "known")
	try := func(name string) (reply, time.Duration) {
		began := time.Now()
		return w.stranger().post("/sign-in/username", map[string]any{"username": name, "password": "a-wrong-passphrase-1"}), time.Since(began)
	}
	a, tookA := try("known")
	b, tookB := try("unknown")
	if a.status != http.StatusUnauthorized || a.status != b.status || a.text != b.text || min(tookA, tookB) < 100*time.Millisecond {
		t.Errorf("known %d %s %v, unknown %d %s %v", a.status, a.text, tookA, b.status, b.text, tookB)
	}
}

// AUTH-17: tries are counted for the account, whether by name or by address.
func TestUsername_triesCountForTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on", "LIMIT_SIGN_IN_PAIR": "4/1m"}})
	email := address()
	w.named(email, "counted")
	for i := range 4 {
		path, body := "/sign-in/email", map[string]any{"email": email, "password": "a-wrong-passphrase-1"}
		if i%2 == 0 {
			path, body = "/sign-in/username", map[string]any{"username": "counted", "password": "a-wrong-passphrase-1"}
		}
		if r := w.stranger().post(path, body); r.status != http.StatusUnauthorized {
			t.Errorf("try %d: %d %s", i, r.status, r.text)
		}
	}
	if r := w.stranger().post("/sign-in/username", map[string]any{"username": "counted", "password": goodPassword}); r.status != http.StatusTooManyRequests {
		t.Errorf("the fifth: %d %s", r.status, r.text)
	}
}

func TestUsername_isOnePersons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, email := w.signUp(address(), goodPassword), address()
	w.named(email, "first")
	if r := w.named(address(), "FIRST"); r.status != http.StatusBadRequest || r.code() != "USERNAME_IS_ALREADY_TAKEN" {
		t.Errorf("sign-up: %d %s", r.status, r.text)
	}
	change := func(body map[string]any) reply { return b.post("/update-user", body) }
	if r := change(map[string]any{"username": "First"}); r.status != http.StatusBadRequest || r.code() != "USERNAME_IS_ALREADY_TAKEN" {
		t.Errorf("somebody else's: %d %s", r.status, r.text)
	}
	for _, name := range []string{"second", "Second"} { // the own one again
		if r := change(map[string]any{"username": name, "displayUsername": "The Second"}); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if who := b.get("/get-session"); who.str("user", "username") != "second" || who.str("user", "displayUsername") != "The Second" {
		t.Errorf("now: %s", who.text)
	}
	for _, bad := range []map[string]any{{"username": 5}, {"username": nil}, {"displayUsername": "a\u0000b"}} {
		if r := change(bad); r.status != http.StatusBadRequest || r.code() != "VALIDATION_ERROR" {
			t.Errorf("%v: %d %s", bad, r.status, r.text)
		}
	}
	if n := inParallel(20, func(int) reply { return w.named(address(), "wanted") }); n != 1 {
		t.Errorf("%d people are called alike", n)
	}
}

// Forms of clients send null for what was left empty, and the client's types allow it.
func TestUsername_nullIsNoneAtSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	body := map[string]any{"name": "Ada Lovelace", "email": address(), "password": goodPassword, "username": nil, "displayUsername": nil}
	if r := w.browser().post("/sign-up/email", body); r.status != http.StatusOK || !strings.Contains(r.text, `"username":null,"displayUsername":null`) {
		t.Fatalf("both null: %d %s", r.status, r.text)
	}
	body["email"], body["username"] = address(), "named"
	if r := w.browser().post("/sign-up/email", body); r.status != http.StatusOK || r.str("user", "username") != "named" || r.str("user", "displayUsername") != "named" {
		t.Errorf("shown as null: %d %s", r.status, r.text)
	}
	body["email"], body["username"], body["displayUsername"] = address(), nil, "Shown"
	if r := w.browser().post("/sign-up/email", body); r.status != http.StatusOK || r.str("user", "username") != "shown" || r.str("user", "displayUsername") != "Shown" {
		t.Errorf("named null: %d %s", r.status, r.text)
	}
	body["email"], body["username"] = address(), 5
	if r := w.browser().post("/sign-up/email", body); r.status != http.StatusBadRequest || r.code() != "VALIDATION_ERROR" {
		t.Errorf("a number: %d %s", r.status, r.text)
	}
}

// AUTH-08: neither a taken nor a free user name tells, at sign-up or later,
// whether the address was known.
func TestUsername_doesNotTellWhetherAnAddressIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	known := address()
	owner := w.signUp(known, goodPassword)
	w.named(address(), "taken")
	if a, b := w.named(known, "taken"), w.named(address(), "taken"); a.status != http.StatusBadRequest || a.status != b.status || a.text != b.text {
		t.Errorf("known %d %s, unknown %d %s", a.status, a.text, b.status, b.text)
	}
	if a, b := w.named(known, "fresh1"), w.named(address(), "fresh2"); a.status != http.StatusOK || a.status != b.status {
		t.Errorf("known %d %s, unknown %d %s", a.status, a.text, b.status, b.text)
	}
	for _, name := range []string{"fresh1", "fresh2"} {
		if r := w.available(name); r.body["available"] != false {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if r := owner.post("/update-user", map[string]any{"username": "fresh1"}); r.status != http.StatusOK {
		t.Errorf("the owner of the address: %d %s", r.status, r.text)
	}
}

// Administrators give and change user names, by the rules of their owners.
func TestUsername_givenByAnAdministrator(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, _ := w.administrator()
	email := address()
	r := b.post("/admin/create-user", members{"email": email, "name": "Grace", "password": goodPassword, "data": members{"username": "Grace.H", "emailVerified": true}})
	if r.status != http.StatusOK || r.str("user", "username") != "grace.h" || r.str("user", "displayUsername") != "Grace.H" {
		t.Fatalf("create: %d %s", r.status, r.text)
	}
	id := r.str("user", "id")
	for what, tc := range map[string]struct {
		path string
		body members
		code string
	}{
		"taken, by a new person":  {"/admin/create-user", members{"email": address(), "name": "x", "data": members{"username": "grace.h"}}, "USERNAME_IS_ALREADY_TAKEN"},
		"not a name":              {"/admin/update-user", members{"userId": id, "data": members{"username": "a b c"}}, "INVALID_USERNAME"},
		"too short":               {"/admin/update-user", members{"userId": id, "data": members{"username": "a"}}, "USERNAME_TOO_SHORT"},
		"not even text":           {"/admin/update-user", members{"userId": id, "data": members{"username": 7}}, "VALIDATION_ERROR"},
		"a display name too long": {"/admin/update-user", members{"userId": id, "data": members{"displayUsername": strings.Repeat("x", 101)}}, "VALIDATION_ERROR"},
	} {
		if r := b.post(tc.path, tc.body); r.status != http.StatusBadRequest || r.code() != tc.code {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
	if r := b.post("/admin/update-user", members{"userId": id, "data": members{"username": "admiral"}}); r.status != http.StatusOK || r.str("username") != "admiral" {
		t.Errorf("update: %d %s", r.status, r.text)
	}
	if r := w.browser().post("/sign-in/username", members{"username": "Admiral", "password": goodPassword}); r.status != http.StatusOK || r.str("user", "id") != id {
		t.Errorf("sign-in by the new name: %d %s", r.status, r.text)
	}
	off := newWorld(t, options{pool: w.pool, mails: w.mails, env: map[string]string{"USERNAMES": "off"}})
	c := off.browser()
	c.cookies = b.cookies
	if r := c.post("/admin/update-user", members{"userId": id, "data": members{"username": "other"}}); r.status != http.StatusBadRequest || r.code() != "FIELD_NOT_ALLOWED" {
		t.Errorf("with user names off: %d %s", r.status, r.text)
	}
}

func TestUsername_boundsAreSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"USERNAME_MIN_LENGTH": "5", "USERNAME_MAX_LENGTH": "8"}})
	for name, code := range map[string]string{"ada4": "USERNAME_TOO_SHORT", "ada456789": "USERNAME_TOO_LONG", "ada45": "", "ada45678": ""} {
		if r := w.named(address(), name); r.code() != code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
}
