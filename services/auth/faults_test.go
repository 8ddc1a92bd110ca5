package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/oidc"
)

// PostgreSQL gone: 503 with Retry-After within 2 s, whatever is asked for, and
// everything as before once it is back.
func TestFault_postgresGone(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgres(t, migrations.Auth)
	w := newWorld(t, options{pool: open(t, server.URL())})
	email := address()
	b := w.signUp(email, goodPassword)
	server.Kill()
	for _, try := range []struct {
		path string
		body any
	}{
		{"/get-session", nil}, {"/list-sessions", nil}, {"/token", nil}, {"/update-user", map[string]any{"name": "x"}}, {"/sign-out", map[string]any{}},
		{"/sign-in/email", map[string]any{"email": email, "password": goodPassword}},
		{"/sign-up/email", map[string]any{"email": address(), "password": goodPassword, "name": "x"}},
		{"/request-password-reset", map[string]any{"email": email}},
		{"/reset-password", map[string]any{"newPassword": goodPassword, "token": "x"}},
	} {
		began := time.Now()
		var r reply
		if try.body == nil {
			r = b.get(try.path)
		} else {
			r = b.post(try.path, try.body)
		}
		took := time.Since(began)
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" || r.code() != "UNAVAILABLE" || took > 2500*time.Millisecond {
			t.Errorf("%s: %d %s after %v", try.path, r.status, r.text, took)
		}
		if len(b.cookies) == 0 {
			t.Fatalf("%s took the cookie away", try.path)
		}
	}
	if r := b.get("/ok"); r.status != http.StatusOK {
		t.Errorf("/ok: %d", r.status)
	}
	server.Start()
	eventually(t, "the session to work again", func() bool { return b.signedIn() })
	if r := b.get("/token"); r.status != http.StatusOK {
		t.Errorf("after its return: %d %s", r.status, r.text)
	}
	b.post("/request-password-reset", map[string]any{"email": email})
	w.link(email)
}

// Redis gone: everything works from PostgreSQL; what ended stays ended, and the
// gateways hear of it once Redis is back.
func TestFault_redisGone(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	rdb, err := cache.Open(cache.Settings{URL: config.DSN(server.URL())}, discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rdb.Close() })
	lines := &safeBuffer{}
	w := newWorld(t, options{redis: rdb, log: lines, env: map[string]string{"RATE_LIMIT": "on"}})
	email := address()
	b := w.signUp(email, goodPassword)
	other := w.signIn(email, goodPassword)
	if !b.signedIn() || !other.signedIn() {
		t.Fatal("not signed in")
	}
	ended := other.get("/get-session").str("session", "id")
	server.Stop()

	began := time.Now()
	if !b.signedIn() {
		t.Error("a session needs Redis")
	}
	w.signIn(email, goodPassword)
	kept := other.cookies[sessionCookie]
	if r := other.post("/sign-out", map[string]any{}); r.status != http.StatusOK {
		t.Errorf("sign-out: %d %s", r.status, r.text)
	}
	other.cookies[sessionCookie] = kept
	if other.signedIn() {
		t.Error("a signed-out session goes on")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("five calls without Redis took %v", took)
	}
	for range 3 { // one and two were used above; the limit is counted here
		w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": "wrong-password-1"})
	}
	isLimit(t, func() reply {
		var r reply
		for range 5 {
			r = w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": "wrong-password-1"})
		}
		return r
	}())

	server.Start()
	heard := w.revocations()
	heardOf(t, heard, ended)
	if other.signedIn() {
		t.Error("the signed-out session is back with Redis")
	}
	if n := strings.Count(lines.String(), `"msg":"redis is away","used_for":"sessions"`); n != 1 {
		t.Errorf("%d lines say that Redis is away for sessions", n)
	}
}

// A cached session must not be served from Redis while the database says
// nothing: reading works, that is the point of the cache; writing does not.
func TestFault_postgresGoneButCached(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgres(t, migrations.Auth)
	w := newWorld(t, options{pool: open(t, server.URL()), redis: testkit.Redis(t)})
	b := w.signUp(address(), goodPassword)
	if !b.signedIn() {
		t.Fatal("not signed in")
	}
	token := b.get("/token").str("token")
	server.Kill()
	if r := b.get("/get-session"); r.status != http.StatusOK || r.body["user"] == nil {
		t.Errorf("cached: %d %s", r.status, r.text)
	}
	if r := b.get("/token"); r.str("token") != token {
		t.Errorf("token: %d %s", r.status, r.text)
	}
	if r := b.get("/list-sessions"); r.status != http.StatusServiceUnavailable {
		t.Errorf("list: %d %s", r.status, r.text)
	}
	w.clock.Advance(25 * time.Hour) // the session is due, and cannot be extended now
	if r := b.get("/get-session"); r.status != http.StatusOK || r.body["user"] == nil {
		t.Errorf("due: %d %s", r.status, r.text)
	}
	server.Start()
}

// The command finds what is wrong before serving does.
func acmeAt(issuer string) map[string]string {
	return map[string]string{"OIDC_PROVIDERS": "acme", "OIDC_ACME_ISSUER": issuer, "OIDC_ACME_CLIENT_ID": "codex"}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	mails := testkit.Inbox(t)
	good := map[string]string{
		"PUBLIC_URL": home, "AUTH_SECRETS": secret, "SERVICE_TOKENS": serviceToken, "APP_ENV": "test",
		"DATABASE_URL": testkit.PostgresURL(t, migrations.Auth), "REDIS_URL": testkit.StartRedis(t).URL(),
		"SMTP_URL": mails.SMTPURL(), "MAIL_FROM": "a@codex.test",
	}
	for name, tc := range map[string]struct {
		change map[string]string
		code   int
		says   []string
	}{
		"all is there":     {nil, 0, []string{"settings             ok", "PostgreSQL           ok", "Redis                ok", "mail server          ok"}},
		"without Redis":    {map[string]string{"REDIS_URL": ""}, 0, []string{"Redis                not set"}},
		"PostgreSQL away":  {map[string]string{"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none?sslmode=disable"}, 1, []string{"PostgreSQL           no"}},
		"an empty schema":  {map[string]string{"DATABASE_URL": testkit.PostgresURL(t)}, 1, []string{"PostgreSQL           ok", "schema better_auth   no", "migrate up"}},
		"a replica":        {map[string]string{"DATABASE_READ_URL": testkit.PostgresURL(t, migrations.Auth)}, 0, []string{"read replica         ok"}},
		"a replica away":   {map[string]string{"DATABASE_READ_URL": "postgres://nobody@127.0.0.1:1/none?sslmode=disable"}, 1, []string{"PostgreSQL           ok", "read replica         no"}},
		"a replica behind": {map[string]string{"DATABASE_READ_URL": testkit.PostgresURL(t)}, 1, []string{"read replica         no", "migrate up"}},
		"no replica":       {nil, 0, []string{"read replica         not set"}},
		"Redis away":       {map[string]string{"REDIS_URL": "redis://127.0.0.1:1/0"}, 1, []string{"Redis                no"}},
		"mail server away": {map[string]string{"SMTP_URL": "smtp://127.0.0.1:1"}, 1, []string{"mail server          no"}},
		"a provider":       {acmeAt(oidc.Start(t, oidc.Options{}).URL), 0, []string{"provider acme        ok"}},
		"a provider away":  {acmeAt("http://127.0.0.1:1"), 1, []string{"provider acme        no"}},
	} {
		code, out := command(t, good, tc.change, "doctor")
		if code != tc.code {
			t.Errorf("%s: exit %d, want %d\n%s", name, code, tc.code, out)
		}
		for _, want := range tc.says {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, out)
			}
		}
	}
	if code, out := command(t, good, nil, "keys", "rotate"); code != 0 || !strings.Contains(out, "published") {
		t.Errorf("keys rotate: exit %d %s", code, out)
	}
	if code, out := command(t, good, nil, "migrate", "status"); code != 0 || !strings.Contains(out, "better_auth") {
		t.Errorf("migrate status: exit %d %s", code, out)
	}
}

// command runs the binary's command and gives its exit code and all that it said.
func command(t *testing.T, env, change map[string]string, args ...string) (int, string) {
	t.Helper()
	all := maps.Clone(env)
	maps.Copy(all, change)
	var environ []string
	for name, value := range all {
		environ = append(environ, name+"="+value)
	}
	out := &safeBuffer{}
	code := program().Run(t.Context(), args, environ, out, out)
	return code, out.String()
}

func TestSettings_faultsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	code, out := command(t, map[string]string{
		"AUTH_SECRETS": "changeme", "SERVICE_TOKENS": "dev-only-service-token-0123456789abcdef", "PASSWORD_MIN_LENGTH": "4", "JWT_TTL": "24h",
		"RESET_LINK_TTL": "48h", "EDGE": "somewhere", "RATE_LIMIT": "maybe", "COOKIE_PREFIX": "a;b", "HASH_MEMORY_KIB": "64",
	}, nil, "serve")
	if code != 2 {
		t.Errorf("exit %d", code)
	}
	for _, name := range []string{"PUBLIC_URL", "DATABASE_URL", "SMTP_URL", "MAIL_FROM", "AUTH_SECRETS", "SERVICE_TOKENS", "PASSWORD_MIN_LENGTH", "JWT_TTL", "RESET_LINK_TTL", "EDGE", "RATE_LIMIT", "COOKIE_PREFIX", "HASH_MEMORY_KIB"} {
		if !strings.Contains(out, name) {
			t.Errorf("%s is not named in\n%s", name, out)
		}
	}
	if strings.Contains(out, "changeme") || strings.Contains(out, "dev-only-service") {
		t.Errorf("a secret is repeated in\n%s", out)
	}
}

func TestHelp_listsEveryVariableWithItsMeaning(t *testing.T) {
	t.Parallel()
	code, out := command(t, nil, nil, "--help")
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{"AUTH_SECRETS", "REQUIRE_EMAIL_VERIFICATION", "SESSION_TTL", "JWT_KEY_LEAD", "serve", "migrate up", "doctor", "keys rotate", "probe"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if code, _ := command(t, nil, nil, "--version"); code != 0 {
		t.Errorf("--version: exit %d", code)
	}
}

// AUTH-16: a body that would cost a core long to read is refused by its size alone.
func TestBodies_areBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for size, want := range map[int]int{100 << 10: http.StatusUnauthorized, 200 << 10: http.StatusRequestEntityTooLarge} {
		body := `{"email":"a@x.test","password":"x","more":"` + strings.Repeat("a", size) + `"}`
		if r, err := w.stranger().try(http.MethodPost, "/sign-in/email", "application/json", body); err != nil || r.status != want {
			t.Errorf("%d bytes: %d %s, %v", size, r.status, r.text, err)
		}
	}
}

// AUTH-16 at the door: no malformed body is a fault of ours.
func FuzzSignIn_neverFails(f *testing.F) {
	if testing.Short() {
		f.Skip("needs PostgreSQL; run without -short")
	}
	w := newWorld(f, options{})
	for _, seed := range []string{`{}`, `{"email":"a@x.test","password":"x"}`, `[`, `{"email":{}}`, "\xff", `{"email":"a@x.test","password":"\ud800"}`, strings.Repeat("[", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r, err := w.stranger().try(http.MethodPost, "/sign-in/email", "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		var refusal map[string]any
		if r.status >= 500 || r.status == http.StatusOK || json.Unmarshal([]byte(r.text), &refusal) != nil {
			t.Errorf("%q: %d %s", body, r.status, r.text)
		}
	})
}
