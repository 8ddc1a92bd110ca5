package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
)

// recorded gives the events of one request as "kind outcome reason who", where who
// is "self" for the person it is about.
func (w *world) recorded(r reply) string {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), `
		SELECT kind, outcome, coalesce(details->>'reason', details->>'changed', details->>'permission', ''),
		       CASE WHEN actor_id IS NULL THEN 'somebody' WHEN actor_id = user_id THEN 'self' ELSE actor_id END
		FROM better_auth.audit_events WHERE request_id = $1 ORDER BY at, id`, r.header.Get("X-Request-Id"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var events []string
	for rows.Next() {
		var kind, outcome, reason, who string
		if err := rows.Scan(&kind, &outcome, &reason, &who); err != nil {
			w.t.Fatal(err)
		}
		events = append(events, fmt.Sprintf("%s %s %q %s", kind, outcome, reason, who))
	}
	return strings.Join(events, "; ")
}

func (w *world) wantRecord(what string, r reply, want string) {
	w.t.Helper()
	if got := w.recorded(r); got != want {
		w.t.Errorf("%s (%d %s) left the record %s, want %s", what, r.status, r.code(), got, want)
	}
}

// AUTH-20: what people change of themselves is recorded by name, never by value; it
// may be what they sign in with.
func TestAudit_recordsChangesOfProfiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"USER_FIELDS": "plan:string"}})
	b, id := w.person()
	w.wantRecord("a name", b.post("/update-user", members{"name": "Augusta"}), `profile_change success "name" self`)
	w.wantRecord("all", b.post("/update-user", members{"image": nil, "username": "ada_l", "plan": "free"}), `profile_change success "image username fields" self`)
	w.wantRecord("nothing", b.post("/update-user", members{}), ``)
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE user_id = $1 AND details::text ~ 'Augusta|ada_l'`, id); n != 0 {
		t.Errorf("%d records hold values", n)
	}
}

// AUTH-20: a sign-in that is refused although the proof was right, or where there
// was nothing to compare it with, leaves one record too.
func TestAudit_recordsEveryRefusedSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	unproven := address()
	w.browser().post("/sign-up/email", members{"name": "Ada Lovelace", "email": unproven, "password": goodPassword})
	byPassword := func(email string) reply {
		return w.browser().post("/sign-in/email", members{"email": email, "password": goodPassword})
	}
	byCode := func(email, code string) reply {
		return w.browser().post("/sign-in/email-otp", members{"email": email, "otp": code})
	}
	w.wantRecord("an address that is not proven", byPassword(unproven), `sign_in failure "EMAIL_NOT_VERIFIED" somebody`)
	w.wantRecord("a code of nobody", byCode(address(), "000000"), `sign_in failure "INVALID_OTP" somebody`)

	email := address()
	owner := w.signUp(email, goodPassword)
	k, _ := owner.register("key")
	stranger := w.newKeyring()
	w.wantRecord("a passkey that nobody has", w.browser().use(stranger), `sign_in failure "unknown" somebody`)
	other := w.signUp(address(), goodPassword)
	other.register("key")
	w.wantRecord("a passkey of another than is signed in", other.use(k), `sign_in failure "owner" somebody`)
	code := w.askCode(w.browser(), "sign-in", email)
	a := owner.enrol(goodPassword)
	waiting := w.challenged(email, goodPassword)
	w.exec(`UPDATE better_auth.users SET banned = true, version = version + 1 WHERE email = $1`, email)
	w.wantRecord("a banned person's password", byPassword(email), `sign_in failure "BANNED_USER" somebody`)
	w.wantRecord("a banned person's passkey", w.browser().use(k), `sign_in failure "BANNED_USER" somebody`)
	w.wantRecord("a banned person's code", byCode(email, code), `sign_in failure "BANNED_USER" somebody`)
	w.wantRecord("a banned person's second factor", waiting.post("/two-factor/verify-totp", members{"code": a.code(0)}), `sign_in failure "BANNED_USER" somebody`)
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE details->>'reason' = 'BANNED_USER' AND user_id = $1 AND details->>'method' IN ('email', 'passkey', 'email-otp')`, w.id(email)); n != 4 {
		t.Errorf("%d of 4 records name whom they are about and the way", n)
	}
}

// AUTH-20: a wrong code of somebody signed in is theirs.
func TestAudit_namesWhoTypedAWrongCodeInASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, id := w.person()
	a := b.enrol(goodPassword)
	w.wantRecord("a wrong code", b.post("/two-factor/verify-totp", members{"code": a.wrong()}), `second_factor_verify failure "code" self`)
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'second_factor_verify' AND outcome = 'failure' AND user_id = $1 AND session_id IS NOT NULL`, id); n != 1 {
		t.Error("the record names no session")
	}
}

// AUTH-20: who asks for everybody's record without the right to is recorded, as at
// the other doors of administration.
func TestAudit_recordsARefusedSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, _ := w.person()
	w.wantRecord("a search", b.get("/admin/audit-events"), `admin_refused failure "audit:list" self`)
}

// AUTH-20: a key that is over is recorded for its owner when it is shown, once an hour;
// what is no key at all is nobody's, and anybody's to send.
func TestAudit_recordsRefusedKeysOnceAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on", "API_KEY_SESSIONS": "on"}})
	b, id := w.person()
	made := b.post("/api-key/create", members{})
	key, keyID := made.str("key"), made.str("id")
	w.exec(`UPDATE better_auth.api_keys SET enabled = false WHERE id = $1`, keyID)
	exchange := func(key string) {
		t.Helper()
		if r := w.asService().post("/internal/v1/api-keys/exchange", members{"key": key}); r.status != 401 {
			t.Errorf("%d %s", r.status, r.text)
		}
	}
	for range 3 {
		exchange(key)
		exchange(strings.Repeat("x", 64))
		if r := w.program(key).get("/get-session"); r.code() != "KEY_DISABLED" {
			t.Errorf("%d %s", r.status, r.text)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'api_key_refused' AND outcome = 'failure' AND user_id = $1 AND actor_id IS NULL AND details @> jsonb_build_object('key', $2::text, 'reason', 'KEY_DISABLED')`, id, keyID); n != 1 {
		t.Errorf("%d records", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'api_key_refused'`); n != 1 {
		t.Errorf("%d records in all", n)
	}
}

// AUTH-20: what commands do to keys and to many accounts is recorded, once for each.
func TestAudit_recordsCommands(t *testing.T) {
	t.Parallel()
	from, file := recorded(t)
	w := newWorld(t, options{})
	w.person() // the first key
	run := func(args ...string) {
		t.Helper()
		if said, code := w.command(args...); code != 0 {
			t.Fatalf("%v: exit %d %s", args, code, said)
		}
	}
	of := func(kind string) int {
		return w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = $1 AND actor_id = 'command-line' AND outcome = 'success'`, kind)
	}
	run("keys", "rotate")
	run("keys", "rotate") // its successor is there already
	if n := of("signing_key_rotate"); n != 1 {
		t.Errorf("%d records of a new signing key", n)
	}
	run("keys", "reseal")
	if n := of("secrets_reseal"); n != 1 {
		t.Errorf("%d records of sealing anew", n)
	}
	run("import", "better-auth", "--from-json", file, "--secret", from.Secret)
	if n := of("accounts_import"); n != 0 {
		t.Error("a trial left a record")
	}
	run("import", "better-auth", "--from-json", file, "--secret", from.Secret, "--yes")
	if n := of("accounts_import"); n != 1 {
		t.Errorf("%d records of a takeover", n)
	}
}

// stopAtWrite ends a command as a signal does, when it says something.
type stopAtWrite context.CancelFunc

func (stop stopAtWrite) Write(p []byte) (int, error) {
	stop()
	return len(p), nil
}

// AUTH-20: a command that a signal ends in the middle has changed things, and is recorded.
func TestAudit_recordsCommandsThatAreStopped(t *testing.T) {
	t.Parallel()
	from, file := recorded(t)
	w := newWorld(t, options{})
	w.person()
	sealed, err := ringOf(t).Encrypt([]byte("a token of a provider"))
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE better_auth.accounts SET access_token = $1`, sealed)
	for kind, args := range map[string][]string{
		"secrets_reseal":  {"keys", "reseal"},
		"accounts_import": {"import", "better-auth", "--from-json", file, "--secret", from.Secret, "--yes"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		code := program().Run(ctx, args, w.environ("AUTH_SECRETS=another-secret-another-secret-another-secret-42,"+secret), stopAtWrite(cancel), io.Discard)
		cancel()
		if code != 1 {
			t.Errorf("%v: exit %d", args, code)
		}
		if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = $1 AND actor_id = 'command-line' AND outcome = 'failure' AND details->>'reason' = 'stopped'`, kind); n != 1 {
			t.Errorf("%v: %d records", args, n)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'secrets_reseal' AND details->>'renewed' = '1'`); n != 1 {
		t.Error("the record does not tell what was sealed anew until then")
	}
}
