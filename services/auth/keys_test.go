package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/breach"
)

// SES-11: access tokens are signed with the algorithm of the settings, and every
// verifier takes them.
func TestKeys_ofEachAlgorithm(t *testing.T) {
	t.Parallel()
	for alg, kty := range map[string]string{"EdDSA": "OKP", "ES256": "EC", "ES512": "EC", "RS256": "RSA", "PS256": "RSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{env: map[string]string{"JWT_ALG": alg}})
			b := w.signUp(address(), goodPassword)
			jwt := b.get("/token").str("token")
			if _, err := w.remote().Verify(t.Context(), jwt); err != nil {
				t.Fatal(err)
			}
			var set struct{ Keys []map[string]string }
			if err := json.Unmarshal([]byte(w.stranger().get("/jwks").text), &set); err != nil || len(set.Keys) != 1 || set.Keys[0]["alg"] != alg || set.Keys[0]["kty"] != kty {
				t.Errorf("%v, %v", set, err)
			}
			for _, coordinate := range []string{"x", "y"} {
				if text := set.Keys[0][coordinate]; alg == "ES512" && len(text) != 88 { // 66 bytes, zeros in front too (RFC 7518 §6.2.1.2)
					t.Errorf("%s = %q", coordinate, text)
				}
			}
			for _, secretPart := range []string{"d", "p", "q", "k"} {
				if set.Keys[0][secretPart] != "" {
					t.Errorf("the set shows %q", secretPart)
				}
			}
		})
	}
}

// SES-15: rotations under load, two of them to other algorithms, and no
// token is refused.
func TestKeys_rotateUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	published := security.NewRemoteKeys(w.url+base+"/jwks", nil, discard).At(w.clock.Now)
	go published.Run(t.Context())
	verifier := security.NewVerifier(published, []string{home}, []string{home}, w.clock.Now)
	var checked, refused atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		b := w.signIn(email, goodPassword)
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := b.try(http.MethodGet, "/token", "", "")
				if err != nil || r.status != http.StatusOK {
					t.Errorf("%d %s %v", r.status, r.text, err)
					return
				}
				checked.Add(1)
				if _, err := verifier.Verify(t.Context(), r.str("token")); err != nil {
					refused.Add(1)
				}
			}
		})
	}
	signers := map[string]bool{}
	if said, code := w.command("keys", "rotate"); code != 0 {
		t.Fatalf("%d %s", code, said)
	}
	for _, alg := range []string{"EdDSA", "ES512", "PS256"} {
		keys := w.keys(0)
		keys.Alg = alg
		for range 15 { // an hour and a bit: published, then promoted
			w.clock.Advance(5 * time.Minute)
			if err := keys.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
			seen := checked.Load()
			eventually(t, "more tokens", func() bool { return checked.Load() > seen+8 })
		}
		signers[w.activeKey()] = true
	}
	close(stop)
	all.Wait()
	t.Logf("%d tokens checked, %d refused", checked.Load(), refused.Load())
	if refused.Load() > 0 || len(signers) != 3 {
		t.Errorf("%d of %d tokens were refused; signers %v", refused.Load(), checked.Load(), signers)
	}
}

func (w *world) activeKey() (id string) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `SELECT id FROM better_auth.jwks WHERE status = 'active'`).Scan(&id); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// SES-03, SES-16: an old secret can be taken away once everything is sealed anew.
func TestKeysReseal_takesTheOldSecretsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.signUp(email, goodPassword)
	b.get("/token")
	sealed, err := ringOf(t).Encrypt([]byte("a token of a provider"))
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE better_auth.accounts SET access_token = $1, refresh_token = $1`, sealed)
	const fresh = "another-secret-another-secret-another-secret-42"
	both, only := w.environ("AUTH_SECRETS="+fresh+","+secret), w.environ("AUTH_SECRETS="+fresh)
	run := func(environ []string, words ...string) (string, int) {
		var out strings.Builder
		code := program().Run(t.Context(), words, environ, &out, &out)
		return out.String(), code
	}
	if said, code := run(only, "keys", "reseal"); code != 1 || !strings.Contains(said, "3 open with none of AUTH_SECRETS") {
		t.Errorf("without the old secret: %d %s", code, said)
	}
	if said, _ := run(both, "keys", "list"); !strings.Contains(said, "an older secret") {
		t.Errorf("list before: %s", said)
	}
	if said, code := run(both, "keys", "reseal"); code != 0 || !strings.Contains(said, "3 sealed anew, 0 were already") {
		t.Fatalf("%d %s", code, said)
	}
	if said, code := run(only, "keys", "reseal"); code != 0 || !strings.Contains(said, "0 sealed anew, 3 were already") {
		t.Errorf("again: %d %s", code, said)
	}
	if said, _ := run(only, "keys", "list"); !strings.Contains(said, "active") || !strings.Contains(said, "the first secret") {
		t.Errorf("list after: %s", said)
	}
	ring, err := security.NewKeyring([]string{fresh})
	if err != nil {
		t.Fatal(err)
	}
	var token string
	if err := w.pool.QueryRow(t.Context(), `SELECT access_token FROM better_auth.accounts`).Scan(&token); err != nil {
		t.Fatal(err)
	}
	if clear, err := ring.Decrypt(token); err != nil || string(clear) != "a token of a provider" {
		t.Errorf("%q, %v", clear, err)
	}
	next := newWorld(t, options{pool: w.pool, mails: w.mails, env: map[string]string{"AUTH_SECRETS": fresh}})
	if r := next.signIn(email, goodPassword).get("/token"); r.status != http.StatusOK {
		t.Errorf("with the new secret alone: %d %s", r.status, r.text)
	}
}

// AUTH-03: a list becomes a filter by the command, and the service refuses what is in it.
func TestBreachBuild_makesWhatTheServiceTakes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	list, filter := filepath.Join(folder, "list.txt"), filepath.Join(folder, "list.filter")
	if err := os.WriteFile(list, []byte("a leaked phrase\nanother leaked phrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	run := func(words ...string) int {
		out.Reset()
		return program().Run(t.Context(), words, nil, &out, &out)
	}
	if code := run("breach", "build", list); code != 0 || !strings.Contains(out.String(), "holds 2 passwords") {
		t.Fatalf("%d %s", code, out.String())
	}
	if code := run("breach", "check", filter); code != 0 || !strings.Contains(out.String(), "is whole and holds 2") {
		t.Errorf("check: %d %s", code, out.String())
	}
	for _, words := range [][]string{{"breach", "build"}, {"breach", "build", list, "--bits", "3"}, {"breach", "build", "--odd", list}, {"breach", "check"}} {
		if code := run(words...); code != 2 {
			t.Errorf("%v: %d %s", words, code, out.String())
		}
	}
	if code := run("breach", "check", list); code != 1 {
		t.Errorf("a list is no filter: %d %s", code, out.String())
	}
	w := newWorld(t, options{env: map[string]string{"BREACH_FILTER": filter}})
	for password, want := range map[string]string{"a leaked phrase": "PASSWORD_COMPROMISED", "a fresh phrase": ""} {
		if r := w.stranger().post("/sign-up/email", map[string]any{"name": "Ada", "email": address(), "password": password}); r.code() != want {
			t.Errorf("%s: %d %s", password, r.status, r.text)
		}
	}
}

func BenchmarkBreachBuild(b *testing.B) {
	var list strings.Builder
	const n = 1_000_000
	for i := range n {
		fmt.Fprintf(&list, "%040X:7\n", i*2654435761)
	}
	text := list.String()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := (breach.Build{From: strings.NewReader(text), To: filepath.Join(b.TempDir(), "f"), Report: func(int, int64) {}}).Run(); err != nil {
			b.Fatal(err)
		}
	}
}
