package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
)

// export writes tables as a better-auth server without further plugins has them.
func export(t *testing.T, tables map[string][]map[string]any) string {
	t.Helper()
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for _, rows := range tables {
		for _, row := range rows {
			for _, column := range []string{"createdAt", "updatedAt"} {
				if row[column] == nil {
					row[column] = now
				}
			}
		}
	}
	return writeExport(t, tables)
}

func ring(t *testing.T, secrets ...string) security.Keyring {
	t.Helper()
	r, err := security.NewKeyring(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealedBy(t *testing.T, r security.Keyring, clear string) string {
	t.Helper()
	text, err := r.Encrypt([]byte(clear))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A better-auth server looks addresses up in small letters: of two that differ by
// case, the one in small letters is in use, whichever comes first.
func TestTakeover_takesTheAddressThatIsInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	file := export(t, map[string][]map[string]any{"user": {
		{"id": "a", "name": "Before", "email": "TWIN@example.test"}, {"id": "b", "name": "In use", "email": "twin@example.test"},
		{"id": "c", "name": "Alone", "email": "Alone@Example.test"},
	}})
	for range 2 {
		said, code := w.take("--from-json", file, "--secret", secret, "--yes")
		if code != 0 || !strings.Contains(said, `user: 1 left out: an address in capitals that another account has in small letters: nobody signs in to it by address ("a")`) {
			t.Fatalf("%d %s", code, said)
		}
		if n := w.count(`SELECT count(*) FROM better_auth.users WHERE id IN ('b', 'c')`); n != 2 || w.count(`SELECT count(*) FROM better_auth.users`) != 2 {
			t.Errorf("%d people who are in use were taken: %s", n, said)
		}
	}
}

func TestTakeover_takesTheAddressThatIsInUseOfADatabase(t *testing.T) {
	t.Parallel()
	w, old := newWorld(t, options{}), testkit.Postgres(t)
	if _, err := old.Exec(t.Context(), `
		CREATE TABLE users (id text PRIMARY KEY, name text, "Email" text, email_verified boolean, created_at timestamptz, updated_at timestamptz);
		INSERT INTO users VALUES ('a', 'Before', 'TWIN@example.test', true, now(), now()), ('b', 'In use', 'twin@example.test', true, now(), now())`); err != nil {
		t.Fatal(err)
	}
	said, code := w.take("--dsn", old.Config().ConnConfig.ConnString(), "--secret", secret, "--yes")
	if code != 0 || w.count(`SELECT count(*) FROM better_auth.users WHERE id = 'b'`) != 1 {
		t.Errorf("%d %s", code, said)
	}
}

// Of two passwords of one person the old server takes the first; so does every run.
func TestTakeover_takesTheFirstOfTwoForOnePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	r, _ := recorded(t)
	hash := r.Tables["account"][1]["password"]
	account := func(id string, ago time.Duration) map[string]any {
		return map[string]any{"id": id, "userId": "u1", "accountId": "u1", "providerId": "credential", "password": hash, "createdAt": time.Now().Add(-ago).Format(time.RFC3339Nano)}
	}
	file := export(t, map[string][]map[string]any{
		"user":    {{"id": "u1", "name": "Ada", "email": "ada@example.test"}},
		"account": {account("a", time.Hour), account("b", 3*time.Hour), account("c", 2*time.Hour)},
	})
	said, code := w.take("--from-json", file, "--secret", secret, "--yes")
	if code != 0 || w.count(`SELECT count(*) FROM better_auth.accounts WHERE id = 'b'`) != 1 {
		t.Errorf("%d %s", code, said)
	}
}

// Servers may be told not to seal backup codes and signing keys.
func TestTakeover_takesWhatIsNotSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	sealed := sealedBy(t, ring(t, secret), "0123456789abcdef0123456789abcdef")
	person := func(id string) map[string]any {
		return map[string]any{"id": id, "name": id, "email": id + "@example.test", "emailVerified": true, "twoFactorEnabled": true}
	}
	private := `{"crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	file := export(t, map[string][]map[string]any{
		"user": {person("clear"), person("broken")},
		"twoFactor": {
			{"id": "t1", "userId": "clear", "secret": sealed, "backupCodes": `["aaaaa-bbbbb","ccccc-ddddd"]`},
			{"id": "t2", "userId": "broken", "secret": sealed, "backupCodes": "rubbish"},
		},
		"jwks": {{"id": "k1", "publicKey": `{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "privateKey": private}},
	})
	said, code := w.take("--from-json", file, "--secret", secret, "--yes")
	if code != 0 || !strings.Contains(said, "twoFactor: 1 taken without the backup codes, which cannot be read: their owner makes new ones") {
		t.Errorf("%d %s", code, said)
	}
	var kept string
	if err := w.pool.QueryRow(t.Context(), `SELECT backup_codes FROM better_auth.two_factors WHERE id = 't1'`).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	var codes []string
	if text, err := ring(t, secret).Decrypt(kept); err != nil || json.Unmarshal(text, &codes) != nil || len(codes) != 2 {
		t.Errorf("the codes are %q: %v", codes, err)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.jwks WHERE id = 'k1' AND private_key NOT LIKE '%nWGxne%'`); n != 1 {
		t.Errorf("the signing key was not taken and sealed: %s", said)
	}
}

// A wrong secret would leave second factors behind and keep sealed tokens of
// providers as if they were clear: a run with it writes nothing.
func TestTakeover_refusesASecretThatOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	r, file := recorded(t)
	for _, args := range [][]string{{"--yes"}, {}} {
		said, code := w.take(append([]string{"--from-json", file, "--secret", strings.Repeat("w", 40)}, args...)...)
		if code != 1 || !strings.Contains(said, "--secret opens nothing of what") || strings.Contains(said, "Add --yes") || w.count(`SELECT count(*) FROM better_auth.users`) != 0 {
			t.Errorf("%v: %d %s", args, code, said)
		}
	}
	if said, code := w.take("--from-json", file, "--secret", strings.Repeat("w", 40)+","+r.Secret, "--yes"); code != 0 {
		t.Errorf("with the right one behind it: %d %s", code, said)
	}
}

// Columns are spelled as the old server's database does, USER_FIELDS as its clients do.
func TestTakeover_keepsFurtherColumnsUnderTheNamesOfFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	file := export(t, map[string][]map[string]any{
		"users":    {{"id": "u1", "name": "Ada", "email": "ada@example.test", "favourite_plan": "pro", "other_thing": 1, "birth_day": "2001-02-03T00:00:00", "since": "no date"}},
		"sessions": {{"id": "s1", "user_id": "u1", "token": strings.Repeat("t", 32), "expires_at": time.Now().Add(time.Hour).Format(time.RFC3339), "page_theme": "dark", "other_thing": 1}},
	})
	var said strings.Builder
	code := program().Run(t.Context(), []string{"import", "better-auth", "--from-json", file, "--secret", secret, "--yes"},
		w.environ("USER_FIELDS=favouritePlan:string;birthDay:date;since:date", "SESSION_FIELDS=pageTheme:string"), &said, &said)
	if code != 0 || w.count(`SELECT count(*) FROM better_auth.users WHERE extra->>'favouritePlan' = 'pro' AND extra ? 'other_thing'`) != 1 {
		t.Errorf("%d %s", code, said.String())
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE extra->>'birthDay' = '2001-02-03T00:00:00.000Z' AND NOT extra ? 'since'`); n != 1 || !strings.Contains(said.String(), `1 taken without the field "since", which holds no date`) {
		t.Errorf("dates are not kept as fields have them: %s", said.String())
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions WHERE extra = '{"pageTheme": "dark"}'`); n != 1 {
		t.Errorf("the session's field was not taken: %s", said.String())
	}
}

// What goes wrong before the first row says so, and what to do.
func TestTakeover_saysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, file := recorded(t)
	said, code := w.take("--dsn", "mysql://somebody:hunter2@host/db", "--secret", secret)
	if code != 2 || !strings.Contains(said, "--dsn is not an address such as postgres://USER@HOST/DATABASE") || strings.Contains(said, "hunter2") {
		t.Errorf("no address: %d %s", code, said)
	}
	empty := testkit.Postgres(t).Config().ConnConfig.ConnString()
	for _, args := range [][]string{{"import", "better-auth", "--from-json", file, "--secret", secret}, {"keys", "list"}, {"keys", "rotate"}, {"keys", "reseal"}} {
		var said strings.Builder
		code := program().Run(t.Context(), args, w.environ("DATABASE_URL="+empty), &said, &said)
		if code != 1 || !strings.Contains(said.String(), "run `migrate up`") || strings.Contains(said.String(), "TABLE") {
			t.Errorf("%s without a schema: %d %s", strings.Join(args, " "), code, said.String())
		}
	}
}

// A table that cannot be read ends the run, and nothing invites to go on with --yes.
func TestTakeover_aRunThatFailsInvitesToNothing(t *testing.T) {
	t.Parallel()
	w, old := newWorld(t, options{}), testkit.Postgres(t)
	if _, err := old.Exec(t.Context(), `
		CREATE TABLE "user" (id text PRIMARY KEY, name text, email text, "emailVerified" boolean, "createdAt" timestamptz, "updatedAt" timestamptz);
		CREATE TABLE session (token text)`); err != nil {
		t.Fatal(err)
	}
	said, code := w.take("--dsn", old.Config().ConnConfig.ConnString(), "--secret", secret)
	if code != 1 || strings.Contains(said, "Add --yes") || !strings.Contains(said, "nothing was written") {
		t.Errorf("%d %s", code, said)
	}
}
