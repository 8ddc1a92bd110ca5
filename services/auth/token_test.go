package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/token"
)

// remote verifies access tokens as every other service does: with the key set
// that the service publishes.
func (w *world) remote() *security.Verifier {
	w.t.Helper()
	keys := security.NewRemoteKeys(w.url+base+"/jwks", nil, discard)
	go keys.Run(w.t.Context())
	return security.NewVerifier(keys, []string{home}, []string{home}, w.clock.Now)
}

func TestToken_verifiesElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	b := w.signUp(email, goodPassword)
	r := b.get("/token")
	claims, err := w.remote().Verify(t.Context(), r.str("token"))
	if err != nil {
		t.Fatalf("%s: %v", r.text, err)
	}
	s := b.get("/get-session")
	if claims.Subject != s.str("user", "id") || claims.SessionID != s.str("session", "id") || claims.Role != "user" || !claims.EmailVerified || claims.TokenID == "" {
		t.Errorf("claims = %+v", claims)
	}
	if life := claims.ExpiresAt.Sub(claims.IssuedAt); life != 15*time.Minute {
		t.Errorf("lives %v", life)
	}
	head, err := base64.RawURLEncoding.DecodeString(strings.Split(r.str("token"), ".")[0])
	var h map[string]string
	if err != nil || json.Unmarshal(head, &h) != nil || h["typ"] != "JWT" || h["alg"] != "EdDSA" || h["kid"] == "" || len(h) != 3 {
		t.Errorf("header = %s", head)
	}
	if strings.Contains(r.text, email) || strings.Contains(mustDecode(t, r.str("token")), email) {
		t.Error("the address is in the token")
	}
	if r := w.browser().get("/token"); r.status != http.StatusUnauthorized || r.code() != "UNAUTHORIZED" {
		t.Errorf("nobody: %d %s", r.status, r.text)
	}
}

func mustDecode(t *testing.T, jwt string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestToken_isGivenAgainWhileItIsYoungAndTrue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	first := b.get("/token").str("token")
	w.clock.Advance(4 * time.Minute)
	if b.get("/token").str("token") != first {
		t.Error("signed anew after 4 of 15 minutes")
	}
	w.clock.Advance(2 * time.Minute)
	second := b.get("/token").str("token")
	if second == first {
		t.Error("given again with less than two thirds of its life left")
	}
	b.post("/update-user", map[string]any{"name": "Augusta"})
	if b.get("/token").str("token") == second {
		t.Error("given again although the person changed")
	}
}

func TestToken_neverOutlivesItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	b := w.browser()
	b.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword, "rememberMe": false})
	w.clock.Advance(24*time.Hour - 5*time.Minute)
	claims, err := w.remote().Verify(t.Context(), b.get("/token").str("token"))
	if err != nil || claims.ExpiresAt.Sub(w.clock.Now()) > 5*time.Minute {
		t.Errorf("ends %v after now, the session in 5 minutes (%v)", claims.ExpiresAt.Sub(w.clock.Now()), err)
	}
}

// SES-16: the set has public parts, the table ciphertext.
func TestJWKS_showsPublicPartsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	r := w.stranger().get("/jwks")
	var set map[string][]map[string]string
	if err := json.Unmarshal([]byte(r.text), &set); err != nil || len(set["keys"]) != 1 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	key := set["keys"][0]
	if len(key) != 5 || key["alg"] != "EdDSA" || key["crv"] != "Ed25519" || key["kty"] != "OKP" || key["x"] == "" || key["kid"] == "" {
		t.Errorf("key = %v", key)
	}
	var stored string
	if err := w.pool.QueryRow(t.Context(), `SELECT private_key FROM better_auth.jwks`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stored, `"d"`) || !strings.HasPrefix(stored, `"`) {
		t.Errorf("the private key is not sealed: %s", stored)
	}
	clear, err := ringOf(t).Decrypt(strings.Trim(stored, `"`))
	if err != nil || !strings.Contains(string(clear), `"d"`) {
		t.Errorf("the sealed key does not open: %v", err)
	}
}

func TestJWKS_twentyFirstCallsMakeOneKey(t *testing.T) {
	t.Parallel()
	one := newWorld(t, options{})
	worlds := []*world{one}
	for range 3 {
		worlds = append(worlds, newWorld(t, options{pool: one.pool, mails: one.mails}))
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if r, err := worlds[i%4].stranger().try(http.MethodGet, "/jwks", "", ""); err != nil || r.status != http.StatusOK || strings.Count(r.text, "kid") != 1 {
				t.Errorf("%d %s %v", r.status, r.text, err)
			}
		})
	}
	all.Wait()
	if n := one.count(`SELECT count(*) FROM better_auth.jwks`); n != 1 {
		t.Errorf("%d keys", n)
	}
}

// keys makes the keeper of keys as a second replica has it.
func (w *world) keys(lifetime time.Duration) *token.Keys {
	return &token.Keys{
		DB: w.pool, Read: w.pool, Ring: ringOf(w.t), Lifetime: lifetime, Lead: time.Hour, Grace: 30 * 24 * time.Hour, Now: w.clock.Now, Log: discard,
	}
}

func kids(t *testing.T, k *token.Keys) []string {
	t.Helper()
	set, err := k.Public(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, key := range set.Keys {
		out = append(out, key.Kid)
	}
	return out
}

// SES-15: a new key is published an hour before it signs, the old one stays.
func TestKeys_rotateWithoutARefusedToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	signedBy := func(k *token.Keys) string {
		t.Helper()
		signer, err := k.Signer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		jwt, err := signer.Sign(security.Claims{Subject: "ada", Issuer: home, Audience: []string{home}, IssuedAt: w.clock.Now(), ExpiresAt: w.clock.Now().Add(15 * time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		head, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[0])
		if err != nil {
			t.Fatal(err)
		}
		var h struct{ Kid string }
		if err := json.Unmarshal(head, &h); err != nil {
			t.Fatal(err)
		}
		return h.Kid
	}
	tend := func(k *token.Keys) {
		t.Helper()
		if err := k.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// A new keeper each time sees what the database says now.
	old := signedBy(w.keys(0))
	for range 2 { // asking twice publishes one successor
		if _, err := w.keys(0).Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := kids(t, w.keys(0)); len(got) != 2 {
		t.Fatalf("published: %v", got)
	}
	w.clock.Advance(time.Hour - time.Second)
	tend(w.keys(0))
	if signedBy(w.keys(0)) != old {
		t.Error("the new key signs before it was published for an hour")
	}
	w.clock.Advance(time.Second)
	tend(w.keys(0))
	tend(w.keys(0)) // a second replica's round changes nothing
	fresh := signedBy(w.keys(0))
	if fresh == old {
		t.Error("the new key does not sign after an hour")
	}
	if got := kids(t, w.keys(0)); len(got) != 2 {
		t.Errorf("published after the change: %v", got)
	}
	w.clock.Advance(30*24*time.Hour + time.Second)
	tend(w.keys(0))
	if got := kids(t, w.keys(0)); len(got) != 1 || got[0] != fresh {
		t.Errorf("after the grace: %v, want %s", got, fresh)
	}
}

func TestKeys_areReplacedAtTheirAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	const month = 30 * 24 * time.Hour
	told := 0
	if _, err := w.keys(month).Signer(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		advance time.Duration
		next    int
	}{{month - 2*time.Hour, 0}, {time.Hour, 1}, {time.Minute, 1}} {
		w.clock.Advance(step.advance)
		keys := w.keys(month)
		keys.Published = func(context.Context, pgx.Tx) error {
			told++
			return nil
		}
		if err := keys.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := w.count(`SELECT count(*) FROM better_auth.jwks WHERE status = 'next'`); n != step.next {
			t.Errorf("%d successors, want %d", n, step.next)
		}
	}
	if told != 1 {
		t.Errorf("told of %d successors", told)
	}
}

func TestKeys_areReadAgainInTheBackground(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	keys := w.keys(0)
	if len(kids(t, keys)) != 1 {
		t.Fatal("no key")
	}
	if _, err := w.keys(0).Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(kids(t, keys)) != 1 {
		t.Error("read again at each call")
	}
	w.clock.Advance(time.Minute)
	eventually(t, "the new key to be published", func() bool { return len(kids(t, keys)) == 2 })
}

// eventually waits for something that happens in the background.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(10 * time.Second); !happened(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited 10 s for %s", what)
		}
	}
}

func TestExchange_isForServicesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	cookie, _ := security.DecodeCookieValue(b.cookies[sessionCookie])
	const path = "/internal/v1/sessions/exchange"
	r := w.stranger().bearer(serviceToken).post(path, map[string]any{"cookie": cookie})
	if r.status != http.StatusOK || r.str("user_id") == "" || r.str("session_id") == "" {
		t.Fatalf("%d %s", r.status, r.text)
	}
	claims, err := w.remote().Verify(t.Context(), r.str("jwt"))
	if err != nil || claims.Subject != r.str("user_id") || claims.SessionID != r.str("session_id") {
		t.Errorf("claims = %+v, %v", claims, err)
	}
	if ends, err := time.Parse(time.RFC3339, r.str("expires_at")); err != nil || !ends.Equal(claims.ExpiresAt) {
		t.Errorf("expires_at = %s, exp = %v", r.str("expires_at"), claims.ExpiresAt)
	}
	for name, tc := range map[string]struct {
		with   *browser
		cookie string
		status int
	}{
		"without a service token":      {w.stranger(), cookie, 401},
		"with a session as the bearer": {w.stranger().bearer(cookie), cookie, 401},
		"with a wrong service token":   {w.stranger().bearer(serviceToken + "x"), cookie, 401},
		"a forged cookie":              {w.stranger().bearer(serviceToken), cookie[:40] + "AAAA" + cookie[44:], 401},
		"nothing":                      {w.stranger().bearer(serviceToken), "", 401},
	} {
		if r := tc.with.post(path, map[string]any{"cookie": tc.cookie}); r.status != tc.status || r.code() == "" || r.message() == "" {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	b.post("/sign-out", map[string]any{})
	if r := w.stranger().bearer(serviceToken).post(path, map[string]any{"cookie": cookie}); r.status != http.StatusUnauthorized || r.code() != "UNAUTHORIZED" {
		t.Errorf("after sign-out: %d %s", r.status, r.text)
	}
}

func TestInternalUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	r := w.stranger().bearer(serviceToken).get("/internal/v1/users/" + w.id(email))
	if r.status != http.StatusOK || r.str("email") != email || r.str("name") != "Ada Lovelace" || r.body["email_verified"] != true || r.str("role") != "user" || len(r.body) != 5 {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := w.stranger().bearer(serviceToken).get("/internal/v1/users/" + security.NewID()); r.status != http.StatusNotFound || r.code() != "USER_NOT_FOUND" {
		t.Errorf("unknown: %d %s", r.status, r.text)
	}
	if r := w.stranger().get("/internal/v1/users/" + w.id(email)); r.status != http.StatusUnauthorized {
		t.Errorf("without a service token: %d %s", r.status, r.text)
	}
}

func TestSetAuthJWT_canBeSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"SET_AUTH_JWT": "false"}})
	b := w.signUp(address(), goodPassword)
	if r := b.get("/get-session"); r.header.Get("Set-Auth-Jwt") != "" || r.body["user"] == nil {
		t.Errorf("%s %v", r.text, r.header)
	}
}

// JWT=off: the gateway still gets access tokens, and everybody the keys.
func TestTokens_canBeTheGatewaysAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"JWT": "off"}})
	b := w.signUp(address(), goodPassword)
	if r := b.get("/token"); r.status != http.StatusNotFound {
		t.Errorf("/token: %d %s", r.status, r.text)
	}
	if r := b.get("/get-session"); r.header.Get("Set-Auth-Jwt") != "" || r.body["user"] == nil {
		t.Errorf("%s %v", r.text, r.header)
	}
	if r := b.get("/jwks"); r.status != http.StatusOK || !strings.Contains(r.text, `"keys"`) {
		t.Errorf("/jwks: %d %s", r.status, r.text)
	}
	cookie, _ := security.DecodeCookieValue(b.cookies["better-auth.session_token"])
	r := w.stranger().bearer(serviceToken).post("/internal/v1/sessions/exchange", map[string]any{"cookie": cookie})
	if r.status != http.StatusOK || strings.Count(r.str("jwt"), ".") != 2 {
		t.Errorf("the exchange: %d %s", r.status, r.text)
	}
}

// A key of a secret that is gone is not replaced behind the operator's back.
func TestKeys_ofALostSecretAreAFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	if r := w.stranger().get("/jwks"); r.status != http.StatusOK {
		t.Fatal(r.text)
	}
	other, err := security.NewKeyring([]string{strings.Repeat("z", 40)})
	if err != nil {
		t.Fatal(err)
	}
	keys := w.keys(0)
	keys.Ring = other
	if _, err := keys.Signer(t.Context()); err == nil || !strings.Contains(err.Error(), "AUTH_SECRETS") {
		t.Errorf("Signer = %v", err)
	}
	if err := token.Check(t.Context(), token.Store{DB: w.pool}, other); err == nil {
		t.Error("doctor would not see it")
	}
	if err := token.Check(t.Context(), token.Store{DB: w.pool}, ringOf(t)); err != nil {
		t.Errorf("the right secret: %v", err)
	}
}

// JWT_SUBJECT=email names people by the address that they proved, by an API key
// too. Nobody gets a token with an address that is not theirs yet.
func TestToken_namesProvenAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"JWT_SUBJECT": "email", "EDGE": "direct", "ANONYMOUS": "on"}})
	email := address()
	b := w.signUp(email, goodPassword)
	subject := func(jwt string) string {
		t.Helper()
		claims, err := w.remote().Verify(t.Context(), jwt)
		if err != nil {
			t.Fatalf("%q: %v", jwt, err)
		}
		return claims.Subject
	}
	if got := subject(b.get("/token").str("token")); got != email {
		t.Errorf("/token: %s", got)
	}
	if got := subject(b.get("/get-session").header.Get("set-auth-jwt")); got != email {
		t.Errorf("set-auth-jwt: %s", got)
	}
	key := b.post("/api-key/create", map[string]any{}).str("key")
	if got := subject(w.asService().post("/internal/v1/api-keys/exchange", members{"key": key}).str("jwt")); got != email {
		t.Errorf("by a key: %s", got)
	}
	next := address()
	b.post("/change-email", map[string]any{"newEmail": next})
	b.follow(w.letter(email).Links()[0])
	if got := subject(b.get("/token").str("token")); got != email {
		t.Errorf("before the new address is proven: %s", got)
	}
	b.follow(w.link(next))
	if got := subject(b.get("/token").str("token")); got != next {
		t.Errorf("once it is: %s", got)
	}

	nobody := w.browser()
	nobody.post("/sign-in/anonymous", map[string]any{})
	if r := nobody.get("/token"); r.status != http.StatusForbidden || r.code() != "EMAIL_NOT_VERIFIED" {
		t.Errorf("no address: %d %s", r.status, r.text)
	}
	r := nobody.get("/get-session")
	if _, has := r.header["Set-Auth-Jwt"]; has || r.status != http.StatusOK || r.body["user"] == nil || strings.Contains(r.header.Get("Access-Control-Expose-Headers"), "jwt") {
		t.Errorf("no address: %d %v %s", r.status, r.header, r.text)
	}
}
