package main

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
)

// reference is what the people of a better-auth server know.
type reference struct {
	Secret   string
	Password string
	Ada      struct{ ID, Email, Cookie, APIKey, JWT, Reset string }
	Grace    struct{ Cookie, TOTP, BackupCode string }
	Tables   map[string][]map[string]any
}

// referenceFolder is where the real better-auth lives.
const referenceFolder = "../../deploy/e2e/better-auth"

// recorded is what a real server wrote, with its times moved to a moment ago.
func recorded(t *testing.T) (reference, string) {
	t.Helper()
	text, err := os.ReadFile("testdata/better-auth.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	moveTimes(t, r.Tables)
	return r, writeExport(t, r.Tables)
}

func moveTimes(t *testing.T, tables map[string][]map[string]any) {
	t.Helper()
	made, err := time.Parse(time.RFC3339Nano, tables["user"][0]["createdAt"].(string))
	if err != nil {
		t.Fatal(err)
	}
	moved := time.Since(made) - 5*time.Second // writing took a second, and none of it is to come
	for _, rows := range tables {
		for _, row := range rows {
			for column, value := range row {
				text, _ := value.(string)
				if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
					row[column] = at.Add(moved).Format(time.RFC3339Nano)
				}
			}
		}
	}
}

func writeExport(t *testing.T, tables map[string][]map[string]any) string {
	t.Helper()
	text, err := json.Marshal(tables)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "export.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// take runs the command against a world's database.
func (w *world) take(args ...string) (string, int) {
	w.t.Helper()
	return w.command(append([]string{"import", "better-auth"}, args...)...)
}

// command runs a command of the binary and gives what it said and its exit code.
func (w *world) command(args ...string) (string, int) {
	w.t.Helper()
	var out strings.Builder
	code := program().Run(w.t.Context(), args, w.environ(), &out, &out)
	return out.String(), code
}

func (w *world) environ(change ...string) []string {
	return append([]string{
		"APP_ENV=test", "PUBLIC_URL=" + home, "AUTH_SECRETS=" + secret, "SERVICE_TOKENS=" + serviceToken,
		"DATABASE_URL=" + w.pool.Config().ConnConfig.ConnString(), "SMTP_URL=" + w.mails.SMTPURL(), "MAIL_FROM=Codex <no-reply@codex.test>",
	}, change...)
}

func TestTakeover_ofAnExport(t *testing.T) {
	t.Parallel()
	r, file := recorded(t)
	w := newWorld(t, options{})
	said, code := w.take("--from-json", file, "--secret", r.Secret)
	if code != 0 || !strings.Contains(said, "nothing was written") || w.count(`SELECT count(*) FROM better_auth.users`) != 0 {
		t.Fatalf("without --yes: %d %s", code, said)
	}
	said, code = w.take("--from-json", file, "--secret", r.Secret, "--yes")
	if code != 0 || !strings.Contains(said, "not taken, and left as they are: member, organization") {
		t.Fatalf("%d %s", code, said)
	}
	w.knows(r)
	// A second run changes nothing that was changed here.
	w.exec(`UPDATE better_auth.users SET name = 'Augusta', updated_at = now() + interval '1 hour' WHERE id = $1`, r.Ada.ID)
	if said, code = w.take("--from-json", file, "--secret", r.Secret, "--yes"); code != 0 {
		t.Fatalf("again: %d %s", code, said)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE name = 'Augusta'`); n != 1 {
		t.Error("the second run took a change back")
	}
	// What was ended here stays ended, and what an administrator did here is not undone.
	w.exec(`DELETE FROM better_auth.sessions WHERE user_id = $1`, r.Ada.ID)
	w.exec(`DELETE FROM better_auth.api_keys WHERE user_id = $1`, r.Ada.ID)
	w.exec(`DELETE FROM better_auth.passkeys`)
	w.exec(`DELETE FROM better_auth.verification_tokens`)
	w.exec(`DELETE FROM better_auth.two_factors`)
	w.exec(`DELETE FROM better_auth.accounts WHERE provider_id = 'github'`)
	w.exec(`UPDATE better_auth.users SET banned = true, two_factor_enabled = false, updated_at = clock_timestamp()`)
	ended := func() (left int) {
		return w.count(`SELECT (SELECT count(*) FROM better_auth.sessions s WHERE s.user_id = $1 AND user_agent <> 'tests') + (SELECT count(*) FROM better_auth.api_keys) +
			(SELECT count(*) FROM better_auth.passkeys) + (SELECT count(*) FROM better_auth.verification_tokens) + (SELECT count(*) FROM better_auth.two_factors) +
			(SELECT count(*) FROM better_auth.accounts WHERE provider_id = 'github')`, r.Ada.ID)
	}
	// What is newer there is taken.
	for _, row := range r.Tables["user"] {
		row["name"], row["updatedAt"] = "Changed There", time.Now().Format(time.RFC3339Nano)
	}
	r.Tables["session"] = append(r.Tables["session"], map[string]any{
		"id": "begun-since", "token": strings.Repeat("n", 32), "userId": r.Ada.ID, "expiresAt": time.Now().Add(time.Hour).Format(time.RFC3339Nano),
		"createdAt": time.Now().Format(time.RFC3339Nano), "updatedAt": time.Now().Format(time.RFC3339Nano), "userAgent": "tests",
	})
	if said, code = w.take("--from-json", writeExport(t, r.Tables), "--secret", r.Secret, "--yes"); code != 0 {
		t.Fatalf("newer: %d %s", code, said)
	}
	if left := ended(); left != 0 || w.count(`SELECT count(*) FROM better_auth.users WHERE banned`) != 2 || !strings.Contains(said, "ended or deleted here since") {
		t.Errorf("%d things that were ended here are back, or bans are gone: %s", left, said)
	}
	if w.count(`SELECT count(*) FROM better_auth.sessions WHERE id = 'begun-since'`) != 1 {
		t.Error("a session that began there since is not taken")
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE name = 'Changed There'`); n != 2 {
		t.Errorf("%d of 2 changes were taken", n)
	}
}

// SES-04: sessions that began at the old server before all sessions were ended here
// do not come with a later run; those that began after that do.
func TestTakeover_leavesSessionsFromBeforeAReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.clock.Advance(-10 * time.Minute) // what follows happens before the second run, whose clock is the real one
	now := w.clock.Now()
	tables := map[string][]map[string]any{"user": {}, "session": {}}
	emails := map[string]string{}
	moment := func(at time.Time) string { return at.Format(time.RFC3339Nano) }
	for _, id := range []string{"reset", "revoked", "changed", "quiet"} {
		emails[id] = address()
		tables["user"] = append(tables["user"], map[string]any{
			"id": id, "name": "Ada", "email": emails[id], "emailVerified": true, "createdAt": moment(now.Add(-time.Hour)), "updatedAt": moment(now.Add(-time.Hour)),
		})
	}
	if said, code := w.take("--from-json", writeExport(t, tables), "--secret", secret, "--yes"); code != 0 {
		t.Fatalf("%d %s", code, said)
	}
	w.exec(`UPDATE better_auth.takeovers SET began_at = $1`, now)
	w.clock.Advance(2 * time.Minute)
	choose := func(id string) *browser {
		w.stranger().post("/request-password-reset", members{"email": emails[id]})
		if r := w.stranger().post("/reset-password", members{"newPassword": goodPassword, "token": tokenOf(t, w.link(emails[id]))}); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.text)
		}
		return w.signIn(emails[id], goodPassword)
	}
	choose("reset")
	w.exec(`INSERT INTO better_auth.audit_events (id, at, kind, outcome, user_id) VALUES ('elsewhere', now(), 'password_reset', 'failure', 'quiet')`)
	revoked, changed := choose("revoked"), choose("changed")
	w.exec(`DELETE FROM better_auth.audit_events WHERE kind = 'password_reset' AND user_id IN ('revoked', 'changed')`) // their sessions are judged by what follows
	if r := revoked.post("/revoke-other-sessions", members{}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := changed.post("/change-password", members{"currentPassword": goodPassword, "newPassword": goodPassword + "-2", "revokeOtherSessions": true}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	for i, id := range []string{"reset", "revoked", "changed", "quiet"} {
		for when, at := range map[string]time.Time{"before": now.Add(time.Minute), "after": now.Add(5 * time.Minute)} {
			tables["session"] = append(tables["session"], map[string]any{
				"id": id + "-" + when, "token": strings.Repeat(string(rune('a'+i)), 25) + when, "userId": id, "createdAt": moment(at), "updatedAt": moment(at), "expiresAt": moment(now.Add(72 * time.Hour)),
			})
		}
	}
	said, code := w.take("--from-json", writeExport(t, tables), "--secret", secret, "--yes")
	if code != 0 || !strings.Contains(said, "3 left out: its person has a new password or ended all sessions here since it began") {
		t.Errorf("%d %s", code, said)
	}
	for id, want := range map[string]int{"reset-before": 0, "revoked-before": 0, "changed-before": 0, "quiet-before": 1, "reset-after": 1, "revoked-after": 1, "changed-after": 1, "quiet-after": 1} {
		if n := w.count(`SELECT count(*) FROM better_auth.sessions WHERE id = $1`, id); n != want {
			t.Errorf("%s: %d sessions, want %d", id, n, want)
		}
	}
}

// knows checks that everybody comes in as before.
func (w *world) knows(r reference) {
	t := w.t
	t.Helper()
	for who, cookie := range map[string]string{r.Ada.Email: r.Ada.Cookie, "grace@example.test": r.Grace.Cookie} {
		b := w.browser()
		b.cookies["better-auth.session_token"] = cookie
		if got := b.get("/get-session").str("user", "email"); got != who {
			t.Errorf("the old cookie of %s is %q's", who, got)
		}
	}
	b := w.signIn(r.Ada.Email, r.Password)
	if id := b.get("/get-session").str("user", "id"); id != r.Ada.ID {
		t.Errorf("the id became %s", id)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.accounts WHERE user_id = $1 AND password LIKE '$argon2id$%'`, r.Ada.ID); n != 1 {
		t.Error("the old hash was not replaced")
	}
	// The old token's key, time, issuer and audience are looked at before its session.
	if _, err := w.remote().Verify(t.Context(), r.Ada.JWT); err == nil || !strings.HasSuffix(err.Error(), "no session") {
		t.Errorf("the old token: %v", err)
	}
	for _, code := range []string{codeOf(t, r.Grace.TOTP), r.Grace.BackupCode} {
		g := w.browser()
		if a := g.post("/sign-in/email", map[string]any{"email": "grace@example.test", "password": r.Password}); a.body["twoFactorRedirect"] != true {
			t.Errorf("no second factor is asked for: %d %s", a.status, a.text)
		}
		path := "/two-factor/verify-totp"
		if code == r.Grace.BackupCode {
			path = "/two-factor/verify-backup-code"
		}
		if a := g.post(path, map[string]any{"code": code}); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.passkeys WHERE user_id = $1 AND credential_id = 'credential-of-ada' AND counter = 3 AND backed_up`, r.Ada.ID); n != 1 {
		t.Error("the passkey is not there")
	}
	if n := w.count(`SELECT count(*) FROM better_auth.accounts WHERE provider_id = 'github' AND access_token NOT LIKE '%clear%'`); n != 1 {
		t.Error("the provider's token is not sealed")
	}
	if n := w.count(`SELECT count(*) FROM better_auth.api_keys WHERE user_id = $1 AND key_hash = sha256(convert_to($2, 'UTF8'))`, r.Ada.ID, r.Ada.APIKey); n != 1 {
		t.Error("the API key is not there")
	}
	if a := w.stranger().post("/reset-password", map[string]any{"newPassword": "a-brand-new-passphrase-7", "token": r.Ada.Reset}); a.status != http.StatusOK {
		t.Errorf("the pending reset: %d %s", a.status, a.text)
	}
	w.signIn(r.Ada.Email, "a-brand-new-passphrase-7")
}

func codeOf(t testing.TB, secret string) string {
	t.Helper()
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(secret)), uint64(time.Now().Unix()/30), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// The real better-auth server writes the database, in the schema beside ours.
func TestTakeover_ofARealServer(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("without Node there is no better-auth server; TestTakeover_ofAnExport has what one wrote")
	}
	if _, err := os.Stat(filepath.Join(referenceFolder, "node_modules/.package-lock.json")); err != nil {
		t.Skip("npm ci was not run in " + referenceFolder)
	}
	w := newWorld(t, options{})
	dsn := w.pool.Config().ConnConfig.ConnString()
	node := exec.CommandContext(t.Context(), "node", "reference.mjs")
	node.Dir, node.Stderr = referenceFolder, io.Discard
	node.Env = append(os.Environ(), "DATABASE_URL="+dsn)
	text, err := node.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if said, code := w.take("--dsn", dsn, "--secret", r.Secret, "--yes"); code != 0 {
		t.Fatalf("%d %s", code, said)
	}
	w.knows(r)
}

func TestTakeover_goesOnWhereItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	old := testkit.Postgres(t, migrations.Auth)
	if _, err := old.Exec(t.Context(), `
		CREATE TABLE "user" (id text PRIMARY KEY, name text, email text, "emailVerified" boolean, "createdAt" timestamptz, "updatedAt" timestamptz);
		INSERT INTO "user" SELECT 'u' || lpad(n::text, 6, '0'), 'Person', 'p' || n || '@example.test', true, now(), now() FROM generate_series(1, 5000) n;
		INSERT INTO "user" VALUES ('v1', 'Twin', 'p1@example.test', true, now(), now()), ('v2', 'None', 'no address', true, now(), now())`); err != nil {
		t.Fatal(err)
	}
	dsn := old.Config().ConnConfig.ConnString()
	lost := filepath.Join(t.TempDir(), "lost")
	if said, code := w.take("--dsn", dsn, "--secret", secret, "--left-out", lost); code != 0 || w.count(`SELECT count(*) FROM better_auth.users`) != 0 ||
		!strings.Contains(said, `user: 1 left out: an address that is none ("v2")`) || !strings.Contains(said, `link or key ("v1")`) {
		t.Fatalf("the dry run: %d %s", code, said)
	}
	if text, err := os.ReadFile(lost); err != nil || !strings.Contains(string(text), "user\t\"v1\"\tsomething else") || strings.Count(string(text), "\n") != 2 {
		t.Errorf("--left-out: %v %s", err, text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // stopped in the middle
		for w.count(`SELECT count(*) FROM better_auth.users`) == 0 && ctx.Err() == nil {
			continue
		}
		cancel()
	}()
	var out strings.Builder
	_ = program().Run(ctx, []string{"import", "better-auth", "--dsn", dsn, "--secret", secret, "--yes"}, w.environ(), &out, &out)
	cancel()
	if n := w.count(`SELECT count(*) FROM better_auth.users`); n == 0 || n%2000 != 0 && n != 5000 {
		t.Errorf("%d rows after it was stopped", n)
	}
	said, code := w.take("--dsn", dsn, "--secret", secret, "--yes")
	if code != 0 || w.count(`SELECT count(*) FROM better_auth.users`) != 5000 {
		t.Fatalf("%d %s", code, said)
	}
	for _, want := range []string{"5002", "1 left out: an address that is none", "1 left out: something else has its place here"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
}

func TestTakeover_leavesOutWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	made, later := "2026-01-01T00:00:00Z", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	person := func(id string, more map[string]any) map[string]any {
		row := map[string]any{"id": id, "name": "Ada", "email": id + "@example.test", "emailVerified": true, "createdAt": made, "updatedAt": made}
		maps.Copy(row, more)
		return row
	}
	visit := func(id, token string) map[string]any {
		return map[string]any{"id": id, "userId": "u1", "token": token, "expiresAt": later, "createdAt": made, "updatedAt": made}
	}
	file := writeExport(t, map[string][]map[string]any{
		"user": {
			person("u1", nil), person("u2", map[string]any{"name": "a\x00b"}), person("u3", map[string]any{"createdAt": 253402300800000000}),
			person("u4", map[string]any{"note": map[string]any{"a": "\x00"}}), person("u5", nil),
		},
		"session": {visit("s1", strings.Repeat("a", 32)), visit("s2", strings.Repeat("a", 32)), visit("s3", strings.Repeat("b", 32))},
		"passkey": {{"id": "p1", "userId": "u1", "publicKey": "AAAA", "credentialID": "AAAA", "counter": int64(1) << 62}},
	})
	said, code := w.take("--from-json", file, "--secret", secret)
	if code != 0 || w.count(`SELECT count(*) FROM better_auth.users`) != 0 {
		t.Fatalf("without --yes: %d %s", code, said)
	}
	said, code = w.take("--from-json", file, "--secret", secret, "--yes")
	if code != 0 || !strings.Contains(said, "a value that has no place here") || !strings.Contains(said, "u2") || !strings.Contains(said, "u4") {
		t.Fatalf("%d %s", code, said)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE id IN ('u1', 'u3', 'u5')`); n != 3 {
		t.Errorf("%d people: %s", n, said)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions`); n != 2 {
		t.Errorf("%d sessions: %s", n, said)
	}
}

// SES-07: a session that says it begins in the future begins when it is taken: it is
// over when all others are, and once ended it does not come with a later run.
func TestTakeover_boundsSessionsFromTheFuture(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	made, later := "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
	token := strings.Repeat("f", 32)
	file := writeExport(t, map[string][]map[string]any{
		"user":    {{"id": "u1", "name": "Ada", "email": address(), "emailVerified": true, "createdAt": made, "updatedAt": made}},
		"session": {{"id": "s1", "userId": "u1", "token": token, "createdAt": later, "updatedAt": later, "expiresAt": "2100-01-01T00:00:00Z"}},
	})
	said, code := w.take("--from-json", file, "--secret", secret, "--yes")
	if code != 0 || !strings.Contains(said, "session: 1 taken as begun now, for it begins in the future") {
		t.Fatalf("%d %s", code, said)
	}
	b := w.stranger().bearer(token)
	if !b.signedIn() {
		t.Fatal("it was not taken")
	}
	w.clock.Advance(25 * time.Hour)
	if r := b.get("/list-sessions"); r.code() != "SESSION_NOT_FRESH" {
		t.Errorf("after a day: %d %s", r.status, r.text)
	}
	w.clock.Advance(30 * 24 * time.Hour)
	if b.signedIn() {
		t.Error("it outlives the longest session")
	}
	w.exec(`DELETE FROM better_auth.sessions`)
	if said, code = w.take("--from-json", file, "--secret", secret, "--yes"); code != 0 || w.count(`SELECT count(*) FROM better_auth.sessions`) != 0 {
		t.Errorf("it is back: %d %s", code, said)
	}
}

// MFA-02: who is guessing at codes there goes on counting here, and a lock that would
// last for ever lasts as long as ours.
func TestTakeover_goesOnCountingWrongCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	ring, err := security.NewKeyring([]string{secret})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := ring.Encrypt([]byte("[]"))
	if err != nil {
		t.Fatal(err)
	}
	made := "2026-01-01T00:00:00Z"
	tables := map[string][]map[string]any{}
	for id, factor := range map[string]map[string]any{
		"counted": {"failedVerificationCount": 7}, "too-many": {"failedVerificationCount": 4000}, "odd": {"failedVerificationCount": -3, "lockedUntil": "never"},
		"locked": {"lockedUntil": "2099-01-01T00:00:00Z"}, "over": {"lockedUntil": made}, "none": {},
	} {
		tables["user"] = append(tables["user"], map[string]any{
			"id": id, "name": "Ada", "email": id + "@example.test", "emailVerified": true, "twoFactorEnabled": true, "createdAt": made, "updatedAt": made,
		})
		factor["id"], factor["userId"], factor["secret"], factor["backupCodes"] = "f-"+id, id, sealed, sealed
		tables["twoFactor"] = append(tables["twoFactor"], factor)
	}
	if said, code := w.take("--from-json", writeExport(t, tables), "--secret", secret, "--yes"); code != 0 {
		t.Fatalf("%d %s", code, said)
	}
	for where, want := range map[string]int{
		`user_id = 'counted' AND failures = 7 AND locked_until IS NULL`:                                               1,
		`user_id = 'too-many' AND failures = 9`:                                                                       1,
		`user_id IN ('odd', 'over', 'none') AND failures = 0 AND locked_until IS NULL`:                                3,
		`user_id = 'locked' AND locked_until BETWEEN now() + interval '14 minutes' AND now() + interval '15 minutes'`: 1,
	} {
		if n := w.count(`SELECT count(*) FROM better_auth.two_factors WHERE ` + where); n != want {
			t.Errorf("%d rows WHERE %s", n, where)
		}
	}
}

// Passkeys that were made at the old server sign in here. The name by which an
// authenticator knows its person was never kept there, and a counter goes on.
func TestTakeover_passkeysSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	made := "2026-01-01T00:00:00Z"
	tables := map[string][]map[string]any{"user": {{"id": "u1", "name": "Ada", "email": address(), "emailVerified": true, "createdAt": made, "updatedAt": made}}}
	row := func(f *forger, key []byte, counter int) {
		tables["passkey"] = append(tables["passkey"], map[string]any{
			"id": "p" + strconv.Itoa(len(tables["passkey"])), "name": "Laptop", "userId": "u1", "publicKey": base64.StdEncoding.EncodeToString(key),
			"credentialID": base64.RawURLEncoding.EncodeToString(f.id), "counter": counter, "deviceType": "multiDevice", "backedUp": true,
			"transports": "internal,hybrid", "createdAt": made, "aaguid": "00000000-0000-0000-0000-000000000000",
		})
	}
	var all []*forger
	for _, alg := range []int{algES256, algEdDSA, algRS256} {
		for counter := range 2 {
			f := newForger(t, alg)
			f.handle, f.count, f.flags = []byte("known to the authenticator alone"), uint32(2*counter), userPresent|userVerified|backupEligible|backedUp
			row(f, f.public(t), counter)
			all = append(all, f)
		}
	}
	weak := newForger(t, algRS256)
	row(weak, coseRSA(algRS256, new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 1023), big.NewInt(1)), 65537), 0)
	said, code := w.take("--from-json", writeExport(t, tables), "--secret", secret, "--yes")
	if code != 0 || !strings.Contains(said, "passkey: 1 left out: a passkey whose public key is none, or a weak one") {
		t.Fatalf("%d %s", code, said)
	}
	for _, f := range all {
		b := w.browser()
		if r := b.usePasskey(f); r.status != http.StatusOK || b.get("/get-session").str("user", "id") != "u1" {
			t.Errorf("%d, counting %d: %d %s", f.alg, f.count, r.status, r.text)
		}
		if f.count == 0 {
			continue // it does not count
		}
		for _, f.count = range []uint32{2, 1} {
			if r := w.browser().usePasskey(f); r.code() != "AUTHENTICATION_FAILED" {
				t.Errorf("%d, a copy that counts %d: %d %s", f.alg, f.count, r.status, r.text)
			}
		}
	}
}

// AUTH-11: a row that says it was changed in the future, by a clock that was wrong,
// does not bring back a password or a name that was replaced here.
func TestTakeover_doesNotBelieveChangesFromTheFuture(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email, made, later := address(), "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
	hash, err := security.NewHasher(security.HashParams{MemoryKiB: 64, Iterations: 1}).Hash(t.Context(), goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][]map[string]any{
		"user":    {{"id": "u1", "name": "Ada", "email": email, "emailVerified": true, "createdAt": made, "updatedAt": later}},
		"account": {{"id": "a1", "userId": "u1", "accountId": "u1", "providerId": "credential", "password": hash, "createdAt": made, "updatedAt": later}},
	}
	file := writeExport(t, tables)
	said, code := w.take("--from-json", file, "--secret", secret, "--yes")
	if code != 0 || !strings.Contains(said, "account: 1 taken without what changes later, for it was changed in the future") {
		t.Fatalf("%d %s", code, said)
	}
	b := w.signIn(email, goodPassword)
	b.post("/update-user", members{"name": "Augusta"})
	if r := b.post("/change-password", members{"currentPassword": goodPassword, "newPassword": goodPassword + "-2"}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if said, code = w.take("--from-json", file, "--secret", secret, "--yes"); code != 0 {
		t.Fatalf("%d %s", code, said)
	}
	if r := w.browser().post("/sign-in/email", members{"email": email, "password": goodPassword}); r.status != http.StatusUnauthorized {
		t.Errorf("the old password is back: %d %s", r.status, r.text)
	}
	if r := w.signIn(email, goodPassword+"-2").get("/get-session"); r.str("user", "name") != "Augusta" {
		t.Errorf("the old name is back: %s", r.text)
	}
}

// MFA-06, SES-04: a ban and a second factor come along, however an export writes
// yes and no.
func TestTakeover_readsYesAndNo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	made := "2026-01-01T00:00:00Z"
	people := []map[string]any{}
	for id, value := range map[string]any{
		"true": true, "one": 1, "text": "true", "letter": "t", "digit": "1", "no": false, "zero": 0, "off": "false", "digit0": "0", "nothing": nil, "odd": "maybe",
	} {
		people = append(people, map[string]any{
			"id": id, "name": "Ada", "email": id + "@example.test", "emailVerified": value, "banned": value, "twoFactorEnabled": value, "createdAt": made, "updatedAt": made,
		})
	}
	if said, code := w.take("--from-json", writeExport(t, map[string][]map[string]any{"user": people}), "--secret", secret, "--yes"); code != 0 {
		t.Fatalf("%d %s", code, said)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE banned AND two_factor_enabled AND email_verified AND id IN ('true', 'one', 'text', 'letter', 'digit')`); n != 5 {
		t.Errorf("%d of 5 are banned and asked for a second factor", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE NOT banned AND NOT two_factor_enabled AND NOT email_verified`); n != 6 {
		t.Errorf("%d of 6 are neither", n)
	}
}

func TestTakeover_tellsWhatItAlters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	made := "2026-01-01T00:00:00Z"
	people := []map[string]any{}
	for id, more := range map[string]map[string]any{
		"plain": {"image": "https://cdn.example.test/a.png", "role": "user"}, "path": {"image": "/a.png", "role": "admin"},
		"script": {"image": "javascript:alert(1)"}, "data": {"image": "data:image/svg+xml,<svg onload=alert(1)>"}, "long": {"image": "https://cdn.example.test/" + strings.Repeat("a", 2048)},
		"editor": {"role": "editor,admin"}, "odd": {"role": "a\nb"}, "endless": {"role": strings.Repeat("a", 300)},
	} {
		row := map[string]any{"id": id, "name": "Ada", "email": id + "@example.test", "emailVerified": true, "createdAt": made, "updatedAt": made}
		maps.Copy(row, more)
		people = append(people, row)
	}
	said, code := w.take("--from-json", writeExport(t, map[string][]map[string]any{"user": people}), "--secret", secret, "--yes")
	for _, want := range []string{
		"user: 3 taken without the image, which is no http address of a picture", `user: 1 taken with the role "editor", which ADMIN_ROLES does not name: it allows nothing here`,
		`user: 2 taken as "user", for the role is no name of one`,
	} {
		if code != 0 || !strings.Contains(said, want) {
			t.Errorf("exit %d: %q is missing in\n%s", code, want, said)
		}
	}
	for query, want := range map[string]int{
		`image IS NOT NULL`: 2, `role = 'editor,admin'`: 1, `role = 'admin'`: 1, `role = 'user'`: 6,
	} {
		if n := w.count(`SELECT count(*) FROM better_auth.users WHERE ` + query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}

func TestTakeover_refusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"neither":        {nil, 2, "needs either"},
		"no secret":      {[]string{"--from-json", "x"}, 2, "--secret"},
		"a short secret": {[]string{"--from-json", "x", "--secret", "short"}, 2, "at least 32"},
		"no such file":   {[]string{"--from-json", "none.json", "--secret", secret}, 1, "none.json"},
		"no database":    {[]string{"--dsn", w.pool.Config().ConnConfig.ConnString(), "--secret", secret}, 1, "no table user"},
		"an odd word":    {[]string{"all", "--from-json", "x", "--secret", secret}, 2, "options only"},
	} {
		if said, code := w.take(tc.args...); code != tc.code || !strings.Contains(said, tc.says) {
			t.Errorf("%s: %d %s", name, code, said)
		}
	}
}
