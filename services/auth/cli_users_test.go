package main

import (
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/testkit"

	"github.com/codex-platform/codex/services/auth/internal/password"
)

func TestUsersCommands(t *testing.T) {
	t.Parallel()
	dsn := testkit.PostgresURL(t, migrations.Auth)
	w := newWorld(t, options{pool: open(t, dsn)})
	env := map[string]string{"PUBLIC_URL": home, "AUTH_SECRETS": secret, "APP_ENV": "test", "DATABASE_URL": dsn}
	run := func(want int, args ...string) string {
		t.Helper()
		code, out := command(t, env, nil, append([]string{"users"}, args...)...)
		if code != want {
			t.Errorf("users %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, out)
		}
		return out
	}
	email := address()
	made := run(0, "create", "--email", strings.ToUpper(email), "--role", "admin", "--generate")
	id, password, found := strings.Cut(strings.TrimPrefix(made, "made "), "\npassword ")
	if !found {
		t.Fatal(made)
	}
	b := w.signIn(email, strings.TrimSpace(password))
	if r := b.get("/admin/list-users"); r.status != 200 {
		t.Errorf("the first administrator: %d %s", r.status, r.text)
	}
	invited := address()
	run(0, "create", "--email", invited, "--name", "Grace Hopper")
	invitation := w.letter(invited)
	if invitation.Subject != "Choose a password for your account" || !strings.Contains(invitation.Text, "an account was made for you at Codex by its administrators") {
		t.Errorf("%q %s", invitation.Subject, invitation.Text)
	}
	token := tokenOf(t, invitation.Links()[0])
	if r := w.stranger().post("/reset-password", members{"newPassword": goodPassword, "token": token}); r.status != 200 {
		t.Errorf("the link of an invitation: %d %s", r.status, r.text)
	}
	w.signIn(invited, goodPassword)

	run(0, "demote", id)
	if r := b.get("/admin/list-users"); r.status != 403 {
		t.Errorf("demoted: %d", r.status)
	}
	if out := run(0, "promote", email); !strings.Contains(out, id+" is admin") {
		t.Error(out)
	}
	list := run(0, "sessions", "list", email)
	if handle := b.get("/get-session").str("session", "token"); !strings.Contains(list, handle) || strings.Contains(list, b.sessionToken()) {
		t.Error(list)
	} else if out := run(0, "sessions", "revoke", email, handle); !strings.Contains(out, "1 ended") || b.signedIn() {
		t.Error(out)
	}
	run(1, "sessions", "revoke", email, "nothing")
	b = w.signIn(email, strings.TrimSpace(password))
	if out := run(0, "ban", email, "--until", "2100-01-31", "--reason", "spam"); !strings.Contains(out, "until 2100-01-31") || b.signedIn() {
		t.Error(out)
	}
	run(0, "unban", email)
	w.signIn(email, strings.TrimSpace(password))
	run(2, "sessions", "revoke", id)
	if out := run(0, "sessions", "revoke", id, "all"); !strings.Contains(out, "1 ended") {
		t.Error(out)
	}
	if w.count(`SELECT count(*) FROM better_auth.audit_events WHERE actor_id = 'command-line' AND user_id = $1`, id) != 8 {
		t.Errorf("%d events", w.count(`SELECT count(*) FROM better_auth.audit_events WHERE actor_id = 'command-line' AND user_id = $1`, id))
	}

	run(1, "create", email)
	run(1, "create", "--email", email)
	run(1, "promote", "nobody@example.test")
	run(1, "ban", "nobody")
	for _, wrong := range [][]string{
		{"create"}, {"create", "--email", "x"}, {"create", "--email", address(), "--generate", "--password-stdin"}, {"create", "--email", address(), "--role", "owner"},
		{"create", "--mail", address()}, {"promote"}, {"promote", "a", "b"}, {"promote", email, "--role", "owner"}, {"ban", email, "--until", "yesterday"},
		{"ban", email, "--until", "2001-01-01"}, {"sessions", "list"}, {"sessions"}, {"second-factor", "remove"},
	} {
		run(2, wrong...)
	}
	for _, name := range []string{"create", "promote", "demote", "ban", "unban", "sessions list", "sessions revoke", "second-factor remove"} {
		if out := run(0, append(strings.Fields(name), "--help")...); !strings.Contains(out, "Usage: auth users "+name) {
			t.Error(out)
		}
	}
}

// What is refused is said in words, without codes, and with what to do.
func TestUsersCommands_sayWhatIsWrong(t *testing.T) {
	t.Parallel()
	dsn := testkit.PostgresURL(t, migrations.Auth)
	env := map[string]string{"PUBLIC_URL": home, "AUTH_SECRETS": secret, "APP_ENV": "test", "DATABASE_URL": dsn}
	long, known := strings.Repeat("n", 201), address()
	if code, out := command(t, env, nil, "users", "create", known); code != 0 {
		t.Fatal(out)
	}
	for words, want := range map[string]string{
		"create":                       "needs an address",
		"create ada":                   "this is no address: one such as ada@example.com is",
		"create ada@example.com extra": "takes one address",
		"create " + address() + " --name " + long:                "--name is longer than 200 characters",
		"ban " + known + " --reason " + strings.Repeat("n", 501): "--reason is longer than 500 characters",
	} {
		args := append([]string{"users"}, strings.Fields(words)...)
		if code, out := command(t, env, nil, args...); code != 2 || !strings.Contains(out, want) {
			t.Errorf("users %.40s: %d %s", words, code, out)
		}
	}
	if err := explain(password.ErrTooShort); err.Error() != password.ErrTooShort.Message {
		t.Errorf("a refused password: %v", err)
	}
}

// MFA-06, AUTH-14, AUTH-20: a lost second factor is taken off by a command, with all
// that belongs to it and nothing else; its owner is told.
func TestUsersCommand_removesALostSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	owner := w.signUp(email, goodPassword)
	id := owner.get("/get-session").str("user", "id")
	if said, code := w.command("users", "second-factor", "remove", email); code != 1 || !strings.Contains(said, "no second factor") {
		t.Errorf("without one: exit %d %s", code, said)
	}
	k, _ := owner.register("key")
	a := owner.enrol(goodPassword)
	trusted, waiting := w.challenged(email, goodPassword), w.challenged(email, goodPassword)
	if r := trusted.post("/two-factor/verify-totp", members{"code": a.code(0), "trustDevice": true}); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	w.letterAbout(email, "second factor was switched on")

	if said, code := w.command("users", "second-factor", "remove", id); code != 0 || !strings.Contains(said, id+" is asked for no second factor") {
		t.Fatalf("exit %d %s", code, said)
	}
	w.letterAbout(email, "second factor was switched off")
	if n := w.count(`SELECT count(*) FROM better_auth.two_factors WHERE user_id = $1`, id) +
		w.count(`SELECT count(*) FROM better_auth.one_time WHERE user_id = $1 AND purpose IN ('two-factor', 'two-factor-code', 'trust-device')`, id); n != 0 {
		t.Errorf("%d rows are left of it", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'second_factor_disable' AND user_id = $1 AND actor_id = 'command-line' AND details->>'by' = 'administrator'`, id); n != 1 {
		t.Errorf("%d records", n)
	}
	if r := waiting.post("/two-factor/verify-backup-code", members{"code": a.backup[0]}); r.code() != "INVALID_TWO_FACTOR_COOKIE" {
		t.Errorf("an open challenge: %d %s", r.status, r.text)
	}
	if !owner.signedIn() || !trusted.signedIn() || w.browser().use(k).status != 200 {
		t.Error("it ended a session or a passkey")
	}
	b := w.signIn(email, goodPassword)
	if r := b.get("/get-session"); r.body["user"].(members)["twoFactorEnabled"] != false {
		t.Error(r.text)
	}
	b.enrol(goodPassword)
	w.challenged(email, goodPassword)
	if said, code := w.command("users", "second-factor", "remove", "nobody@example.test"); code != 1 || !strings.Contains(said, "no such person") {
		t.Errorf("exit %d %s", code, said)
	}
}

func TestFirstLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a b \r\nrest": "a b ", "no end": "no end", "": "", "\n": ""} {
		if got, err := firstLine(strings.NewReader(in)); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}

func TestReadUntil(t *testing.T) {
	t.Parallel()
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"72h": noon.Add(72 * time.Hour), "2030-01-31": time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC), "2030-01-01T13:00:00+01:00": {}, "-1h": {}, "soon": {},
	} {
		if got, err := readUntil(text, noon); (err != nil) != want.IsZero() || err == nil && !got.Equal(want) {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
}

func TestDoctor_looksAtWhatPluginsNeed(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"PUBLIC_URL": home, "AUTH_SECRETS": secret, "SERVICE_TOKENS": serviceToken, "APP_ENV": "test",
		"DATABASE_URL": testkit.PostgresURL(t, migrations.Auth), "SMTP_URL": testkit.Inbox(t).SMTPURL(), "MAIL_FROM": "a@codex.test",
	}
	code, out := command(t, env, nil, "doctor")
	for _, want := range []string{"secrets              ok", "clock                ok", "administrators       not set", "administration, API keys"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d: %q is missing in\n%s", code, want, out)
		}
	}
	for name, change := range map[string]map[string]string{
		"one letter":    {"AUTH_SECRETS": strings.Repeat("ab", 32)},
		"one for both":  {"SERVICE_TOKENS": secret},
		"a tired token": {"SERVICE_TOKENS": strings.Repeat("0123", 16)},
	} {
		if code, out := command(t, env, change, "doctor"); code == 0 || !strings.Contains(out, "secrets              no") && code == 1 {
			t.Errorf("%s: exit %d\n%s", name, code, out)
		}
	}
}
