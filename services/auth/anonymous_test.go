package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// anonymously gives a browser that is signed in without an address, and whose id
// that is.
func (w *world) anonymously() (*browser, string) {
	w.t.Helper()
	b := w.browser()
	r := b.post("/sign-in/anonymous", map[string]any{})
	if r.status != http.StatusOK {
		w.t.Fatalf("anonymously: %d %s", r.status, r.text)
	}
	return b, r.str("user", "id")
}

func (w *world) exists(userID string) bool {
	w.t.Helper()
	return w.count(`SELECT count(*) FROM better_auth.users WHERE id = $1`, userID) == 1
}

var anonymousOn = map[string]string{"ANONYMOUS": "on"}

// Where nobody can make an account, nobody does without an address either; those who
// did before stay until they leave.
func TestAnonymous_doesNotComeWhereSignUpIsClosed(t *testing.T) {
	t.Parallel()
	open := newWorld(t, options{env: anonymousOn})
	b, id := open.anonymously()
	w := newWorld(t, options{pool: open.pool, mails: open.mails, env: map[string]string{"ANONYMOUS": "on", "DISABLE_SIGN_UP": "true"}})
	if r := w.browser().post("/sign-in/anonymous", map[string]any{}); r.status != http.StatusForbidden || r.code() != "ANONYMOUS_SIGN_UP_DISABLED" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users`); n != 1 {
		t.Errorf("%d people", n)
	}
	before := w.browser()
	before.cookies = b.cookies
	if r := before.post("/delete-anonymous-user", map[string]any{}); r.status != http.StatusOK || w.exists(id) {
		t.Errorf("one who was there before: %d %s", r.status, r.text)
	}
}

func TestAnonymous_comesAndGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: anonymousOn})
	b := w.browser()
	r := b.post("/sign-in/anonymous", map[string]any{})
	local, domain, _ := strings.Cut(r.str("user", "email"), "@")
	if r.status != http.StatusOK || r.str("token") != b.sessionToken() || r.str("user", "name") != "Anonymous" || len(local) != 32 ||
		domain != "anonymous.placeholder.invalid" || r.body["user"].(map[string]any)["isAnonymous"] != true || !b.signedIn() {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := b.post("/sign-in/anonymous", map[string]any{}); r.status != http.StatusBadRequest || r.code() != "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY" {
		t.Errorf("again: %d %s", r.status, r.text)
	}
	if r := b.post("/delete-anonymous-user", map[string]any{}); r.status != http.StatusOK || r.body["success"] != true || b.cookies["better-auth.session_token"] != "" {
		t.Errorf("delete: %d %s", r.status, r.text)
	}
	if w.exists(r.str("user", "id")) {
		t.Error("the person is still there")
	}
	if r := w.signUp(address(), goodPassword).post("/delete-anonymous-user", map[string]any{}); r.status != http.StatusForbidden || r.code() != "USER_IS_NOT_ANONYMOUS" {
		t.Errorf("somebody known: %d %s", r.status, r.text)
	}
	if r := w.browser().post("/delete-anonymous-user", map[string]any{}); r.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d %s", r.status, r.text)
	}
	if r := w.stranger().post("/email-otp/send-verification-otp", map[string]any{"email": local + "@" + domain, "type": "sign-in"}); r.status != http.StatusOK {
		t.Errorf("a code to such an address: %d %s", r.status, r.text)
	}
}

// Whichever way the browser comes back as somebody known, the person without an
// address is gone with the session.
func TestAnonymous_becomesSomebodyKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: anonymousOn})
	email := address()
	w.signUp(email, goodPassword)
	for way, comeBack := range map[string]func(b *browser){
		"by password": func(b *browser) { b.signInAs(email) },
		"by code": func(b *browser) {
			b.post("/sign-in/email-otp", map[string]any{"email": email, "otp": w.askCode(b, "sign-in", email)})
		},
		"by link": func(b *browser) { b.follow(w.askLink(b, map[string]any{"email": email})) },
		"by signing up": func(b *browser) {
			fresh := address()
			b.post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": fresh, "password": goodPassword})
			b.follow(w.link(fresh))
		},
	} {
		b, id := w.anonymously()
		kept := b.copied()
		comeBack(b)
		if who := b.get("/get-session"); who.body["user"] == nil || who.body["user"].(map[string]any)["isAnonymous"] != false {
			t.Errorf("%s: now %s", way, who.text)
		}
		if w.exists(id) {
			t.Errorf("%s: the anonymous person is still there", way)
		}
		if len(b.multi()) != 1 {
			t.Errorf("%s: cookies %v", way, b.multi())
		}
		if old := (&browser{w: w, cookies: kept, headers: b.headers}); old.signedIn() {
			t.Errorf("%s: the anonymous session lives on", way)
		}
	}
}

// MFA-01: while a second factor is due nobody has come back yet; with it the
// anonymous person goes.
func TestAnonymous_goesAfterTheSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: anonymousOn})
	email := address()
	app := w.signUp(email, goodPassword).enrol(goodPassword)
	b, id := w.anonymously()
	w.challenge(b, email, goodPassword)
	if !w.exists(id) {
		t.Error("gone before the second factor")
	}
	if r := b.post("/two-factor/verify-totp", map[string]any{"code": app.code(0)}); r.status != http.StatusOK || !b.signedIn() {
		t.Fatalf("the second factor: %d %s", r.status, r.text)
	}
	if w.exists(id) {
		t.Error("still there after the second factor")
	}
	if b.cookies["better-auth.anonymous"] != "" {
		t.Error("the cookie is still there")
	}
}

func TestAnonymous_canBeKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"ANONYMOUS": "on", "ANONYMOUS_KEEP": "on"}})
	email := address()
	w.signUp(email, goodPassword)
	b, id := w.anonymously()
	b.signInAs(email)
	if !w.exists(id) {
		t.Error("gone")
	}
	if leaving, id := w.anonymously(); leaving.post("/delete-anonymous-user", map[string]any{}).status != http.StatusOK || w.exists(id) {
		t.Error("who may stay cannot leave")
	}
}

// Leaving is a switch of its own: without it, people go as they go by default.
func TestAnonymous_cannotLeaveWhereThatIsOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"ANONYMOUS": "on", "DELETE_ANONYMOUS_USER": "off"}})
	email := address()
	w.signUp(email, goodPassword)
	b, id := w.anonymously()
	if r := b.post("/delete-anonymous-user", map[string]any{}); r.status != http.StatusBadRequest || r.code() != "DELETE_ANONYMOUS_USER_DISABLED" || !w.exists(id) {
		t.Errorf("delete: %d %s", r.status, r.text)
	}
	b.signInAs(email)
	if w.exists(id) {
		t.Error("still there after signing in as somebody else")
	}
}

// Nobody can be an anonymous person again whose session is over: such people are
// swept away, others stay.
func TestAnonymous_isSweptWhenTheSessionIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: anonymousOn})
	known := address()
	w.signUp(known, goodPassword)
	_, old := w.anonymously()
	w.clock.Advance(8 * 24 * time.Hour)
	b, fresh := w.anonymously()
	w.clock.Advance(2 * time.Hour)
	f, err := newFeatures(load(t, w.mails, anonymousOn), parts{pool: w.pool, now: w.clock.Now, log: discard}, w.service)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.sweeps["anonymous people"](t.Context(), 10); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if w.exists(old) || !w.exists(fresh) || !b.signedIn() || w.count(`SELECT count(*) FROM better_auth.users WHERE email = $1`, known) != 1 {
		t.Error("the wrong ones are gone")
	}
}

// The files of the person without an address are the new one's: storage is told
// whose, and billing only that the old one is gone.
func TestAnonymous_takesFilesAlong(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 2)
	others := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls <- r.Method + " " + r.RequestURI
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(others.Close)
	w := newWorld(t, options{env: map[string]string{"ANONYMOUS": "on", "STORAGE_URL": others.URL + "/storage", "WEBHOOK_URL": others.URL + "/webhook"}})
	email := address()
	w.signUp(email, goodPassword)
	b, id := w.anonymously()
	b.signInAs(email)
	want := []string{"DELETE /storage/internal/v1/users/" + id + "?successor=" + w.id(email), "DELETE /webhook/internal/v1/users/" + id}
	var got []string
	for range want {
		select {
		case call := <-calls:
			got = append(got, call)
		case <-time.After(15 * time.Second):
			t.Fatalf("told: %v", got)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// People without an address get no letters: there is no mailbox behind theirs.
func TestAnonymous_getNoLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"ANONYMOUS": "on"}})
	b, _ := w.anonymously()
	b.register("key")
	b.enrol("")
	if r := b.post("/two-factor/generate-backup-codes", members{}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.mail_ledger`) + w.count(`SELECT count(*) FROM better_auth.river_job WHERE kind = 'auth_mail'`); n != 0 {
		t.Errorf("%d letters", n)
	}
}
