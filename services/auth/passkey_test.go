package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
)

// keyring is a software authenticator with one passkey.
type keyring struct {
	party  virtualwebauthn.RelyingParty
	device virtualwebauthn.Authenticator
	key    virtualwebauthn.Credential
}

func (w *world) newKeyring() *keyring {
	at, err := url.Parse(w.home)
	if err != nil {
		w.t.Fatal(err)
	}
	k := &keyring{
		party:  virtualwebauthn.RelyingParty{Name: "Codex", ID: at.Hostname(), Origin: w.home},
		device: virtualwebauthn.NewAuthenticator(),
	}
	for { // the library writes coordinates that begin with a zero too short
		k.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(k.key.Key.AttestationData()) == 77 {
			return k
		}
	}
}

// attest answers the options of a registration.
func (k *keyring) attest(t testing.TB, options reply) json.RawMessage {
	t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(options.text)
	if err != nil {
		t.Fatalf("options: %v: %d %s", err, options.status, options.text)
	}
	k.device.Options.UserHandle = []byte(o.UserID)
	return json.RawMessage(virtualwebauthn.CreateAttestationResponse(k.party, k.device, k.key, *o))
}

// assert answers the options of a sign-in, with a counter that went on.
func (k *keyring) assert(t testing.TB, options reply) json.RawMessage {
	t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(options.text)
	if err != nil {
		t.Fatalf("options: %v: %d %s", err, options.status, options.text)
	}
	k.key.Counter++
	return json.RawMessage(virtualwebauthn.CreateAssertionResponse(k.party, k.device, k.key, *o))
}

// register gives the browser's person a passkey.
func (b *browser) register(name string) (*keyring, reply) {
	b.w.t.Helper()
	k := b.w.newKeyring()
	answer := k.attest(b.w.t, b.get("/passkey/generate-register-options"))
	r := b.post("/passkey/verify-registration", map[string]any{"response": answer, "name": name})
	if r.status != http.StatusOK {
		b.w.t.Fatalf("register: %d %s", r.status, r.text)
	}
	return k, r
}

// use signs in with a passkey.
func (b *browser) use(k *keyring) reply {
	b.w.t.Helper()
	answer := k.assert(b.w.t, b.get("/passkey/generate-authenticate-options"))
	return b.post("/passkey/verify-authentication", map[string]any{"response": answer})
}

// MFA-07: registering and signing in, in the forms of the contract.
func TestPasskey_signsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	owner := w.signUp(email, goodPassword)
	options := owner.get("/passkey/generate-register-options?name=My%20laptop&authenticatorAttachment=platform")
	form := regexp.MustCompile(`^\{"challenge":"[A-Za-z0-9_-]{43}","rp":\{"name":"Codex","id":"localhost"\},"user":\{"id":"[A-Za-z0-9_-]{43}","name":"My laptop","displayName":"` + email +
		`"\},"pubKeyCredParams":\[\{"alg":-8,"type":"public-key"\},\{"alg":-7,"type":"public-key"\},\{"alg":-257,"type":"public-key"\}\],"timeout":60000,"attestation":"none","excludeCredentials":\[\],` +
		`"authenticatorSelection":\{"authenticatorAttachment":"platform","residentKey":"preferred","userVerification":"preferred","requireResidentKey":false\},"extensions":\{"credProps":true\},"hints":\[\]\}\n$`)
	if !form.MatchString(options.text) {
		t.Errorf("options: %s", options.text)
	}
	if line := options.cookie("better-auth.better-auth-passkey"); !strings.Contains(line, "; Max-Age=300; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("cookie: %s", line)
	}
	k := w.newKeyring()
	r := owner.post("/passkey/verify-registration", map[string]any{"response": k.attest(t, options), "name": "My laptop"})
	id := base64.RawURLEncoding.EncodeToString(k.key.ID)
	if r.status != http.StatusOK || r.str("name") != "My laptop" || r.str("credentialID") != id || r.str("deviceType") != "singleDevice" || r.body["backedUp"] != false || r.str("id") == "" || r.str("userId") == "" {
		t.Fatalf("register: %d %s", r.status, r.text)
	}
	w.letterAbout(email, "passkey was added")
	if r := owner.get("/passkey/generate-register-options"); !strings.Contains(r.text, `"excludeCredentials":[{"id":"`+id+`","type":"public-key"`) {
		t.Errorf("the passkey may be registered again: %s", r.text)
	}
	if r := owner.get("/passkey/generate-authenticate-options"); !strings.Contains(r.text, `"allowCredentials":[{"id":"`+id+`","type":"public-key"`) {
		t.Errorf("options of somebody signed in: %s", r.text)
	}

	b := w.browser()
	options = b.get("/passkey/generate-authenticate-options")
	if !regexp.MustCompile(`^\{"rpId":"localhost","challenge":"[A-Za-z0-9_-]{43}","timeout":60000,"userVerification":"preferred"\}\n$`).MatchString(options.text) {
		t.Errorf("options: %s", options.text)
	}
	r = b.post("/passkey/verify-authentication", map[string]any{"response": k.assert(t, options)})
	if r.status != http.StatusOK || r.str("user", "email") != email || r.str("session", "userId") == "" || !b.signedIn() || r.header.Get("Set-Auth-Token") == "" {
		t.Fatalf("sign in: %d %s", r.status, r.text)
	}
	if !strings.Contains(r.cookie("better-auth.better-auth-passkey"), "Max-Age=0") {
		t.Error("the challenge's cookie is left")
	}
	owner.enrol(goodPassword)
	if r := w.browser().use(k); r.status != http.StatusOK || r.str("session", "id") == "" {
		t.Errorf("with a second factor: %d %s", r.status, r.text)
	}
	before := owner.sessionToken()
	r = owner.post("/passkey/verify-registration", map[string]any{
		"response": w.newKeyring().attest(t, owner.get("/passkey/generate-register-options")), "createSession": true,
	})
	if r.status != http.StatusOK || r.str("session", "id") == "" || r.str("user", "email") != email || owner.sessionToken() == before || !owner.signedIn() {
		t.Errorf("createSession: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions WHERE user_id = $1`, r.str("userId")); n != 3 {
		t.Errorf("%d sessions, want the owner's, those of two sign-ins, and none that was replaced", n)
	}
}

// MFA-07: a challenge works once, for five minutes, for one browser and one ceremony.
func TestPasskey_challenges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	owner := w.signUp(address(), goodPassword)
	k, _ := owner.register("key")
	lost := func(what string, r reply) {
		t.Helper()
		if r.status != http.StatusBadRequest || r.code() != "CHALLENGE_NOT_FOUND" {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
	signIn := func(b *browser, answer json.RawMessage) reply {
		return b.post("/passkey/verify-authentication", map[string]any{"response": answer})
	}
	b := w.browser()
	answer := k.assert(t, b.get("/passkey/generate-authenticate-options"))
	lost("another browser", signIn(w.browser(), answer))
	cookie := b.cookies["better-auth.better-auth-passkey"]
	if r := signIn(b, answer); r.status != http.StatusOK {
		t.Fatalf("sign in: %d %s", r.status, r.text)
	}
	b.cookies["better-auth.better-auth-passkey"] = cookie
	lost("a replay", signIn(b, answer))

	b = w.browser()
	wrong := *k
	wrong.party.Origin = "https://evil.example"
	if r := b.use(&wrong); r.code() != "AUTHENTICATION_FAILED" {
		t.Fatalf("another origin: %d %s", r.status, r.text)
	}
	lost("a challenge that was answered wrongly", signIn(b, k.assert(t, reply{text: `{"challenge":"AAAA"}`})))

	b = w.browser()
	answer = k.assert(t, b.get("/passkey/generate-authenticate-options"))
	w.clock.Advance(5*time.Minute + time.Second)
	lost("an old challenge", signIn(b, answer))

	lost("a registration's challenge for a sign-in", signIn(owner, k.assert(t, owner.get("/passkey/generate-register-options"))))
	options := owner.get("/passkey/generate-authenticate-options")
	options.text = strings.Replace(options.text, "{", `{"user":{"id":"AAAA"},"rp":{"id":"localhost"},`, 1)
	lost("a sign-in's challenge for a registration", owner.post("/passkey/verify-registration", map[string]any{"response": w.newKeyring().attest(t, options)}))

	b = w.browser()
	answer = k.assert(t, b.get("/passkey/generate-authenticate-options"))
	if n := inParallel(20, func(int) reply { return signIn(&browser{w: w, cookies: b.copied(), headers: b.headers}, answer) }); n != 1 {
		t.Errorf("one answer signed in %d times", n)
	}
}

// MFA-08: one fault at a time: origin, RP id, presence, verification, signature,
// counter, key, and whose the passkey is.
func TestPasskey_faults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"PASSKEY_REQUIRE_VERIFICATION": "true"}})
	owner := w.signUp(address(), goodPassword)
	k, row := owner.register("key")
	if r := w.browser().use(k); r.status != http.StatusOK {
		t.Fatalf("without a fault: %d %s", r.status, r.text)
	}
	for what, change := range map[string]func(*keyring){
		"origin":       func(k *keyring) { k.party.Origin = "http://localhost:8001" },
		"RP id":        func(k *keyring) { k.party.ID = "example.com" },
		"presence":     func(k *keyring) { k.device.Options.UserNotPresent = true },
		"verification": func(k *keyring) { k.device.Options.UserNotVerified = true },
		"key":          func(k *keyring) { k.key.Key = w.newKeyring().key.Key },
		"counter":      func(k *keyring) { k.key.Counter-- },
		"lower":        func(k *keyring) { k.key.Counter = 0 },
		"handle":       func(k *keyring) { k.device.Options.UserHandle = []byte("somebody else's") },
		"eligibility":  func(k *keyring) { k.device.Options.BackupEligible = true },
	} {
		bad := *k
		change(&bad)
		b := w.browser()
		if r := b.use(&bad); r.status != http.StatusUnauthorized || r.code() != "AUTHENTICATION_FAILED" || b.signedIn() {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
		if what == "presence" || what == "verification" || what == "origin" || what == "RP id" {
			fresh := w.newKeyring()
			change(fresh)
			r := owner.post("/passkey/verify-registration", map[string]any{"response": fresh.attest(t, owner.get("/passkey/generate-register-options"))})
			if r.status != http.StatusBadRequest || r.code() != "FAILED_TO_VERIFY_REGISTRATION" {
				t.Errorf("registering with a fault of %s: %d %s", what, r.status, r.text)
			}
		}
	}
	b := w.browser()
	answer := string(k.assert(t, b.get("/passkey/generate-authenticate-options")))
	signature := regexp.MustCompile(`"signature":"[^"]*"`).ReplaceAllString(answer, `"signature":"MEUCIQCx"`)
	if r := b.post("/passkey/verify-authentication", map[string]any{"response": json.RawMessage(signature)}); r.code() != "AUTHENTICATION_FAILED" {
		t.Errorf("signature: %d %s", r.status, r.text)
	}
	for _, body := range []string{`null`, `"x"`, `[]`, `{}`, `{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{}}`} {
		b.get("/passkey/generate-authenticate-options")
		if r := b.post("/passkey/verify-authentication", map[string]any{"response": json.RawMessage(body)}); r.code() != "AUTHENTICATION_FAILED" {
			t.Errorf("%s: %d %s", body, r.status, r.text)
		}
		owner.get("/passkey/generate-register-options")
		if r := owner.post("/passkey/verify-registration", map[string]any{"response": json.RawMessage(body)}); r.code() != "FAILED_TO_VERIFY_REGISTRATION" {
			t.Errorf("%s: %d %s", body, r.status, r.text)
		}
	}
	if r := b.use(w.newKeyring()); r.status != http.StatusUnauthorized || r.code() != "PASSKEY_NOT_FOUND" {
		t.Errorf("a passkey that nobody registered: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'sign_in' AND outcome = 'failure' AND user_id = $1 AND details->>'reason' = 'counter'`, row.str("userId")); n != 2 {
		t.Errorf("%d counters that fell are recorded, want 2", n)
	}
	if r := w.browser().use(k); r.status != http.StatusOK {
		t.Errorf("the right one afterwards: %d %s", r.status, r.text)
	}
}

// MFA-09: people see, name and remove their own passkeys only, and a credential
// id belongs to one person.
func TestPasskey_areTheirOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	ada, eve := w.signUp(email, goodPassword), w.signUp(address(), goodPassword)
	k, row := ada.register("laptop")
	second, _ := ada.register("phone")
	id := row.str("id")
	if r := eve.get("/passkey/list-user-passkeys"); r.status != http.StatusOK || strings.TrimSpace(r.text) != "[]" {
		t.Errorf("another's list: %d %s", r.status, r.text)
	}
	for path, body := range map[string]any{"update-passkey": map[string]any{"id": id, "name": "mine"}, "delete-passkey": map[string]any{"id": id}} {
		if r := eve.post("/passkey/"+path, body); r.status != http.StatusNotFound || r.code() != "PASSKEY_NOT_FOUND" {
			t.Errorf("another's %s: %d %s", path, r.status, r.text)
		}
		if r := w.browser().post("/passkey/"+path, body); r.status != http.StatusUnauthorized {
			t.Errorf("a stranger's %s: %d %s", path, r.status, r.text)
		}
	}
	if r := eve.post("/passkey/verify-registration", map[string]any{"response": k.attest(t, eve.get("/passkey/generate-register-options"))}); r.code() != "FAILED_TO_VERIFY_REGISTRATION" {
		t.Errorf("a credential of somebody else's: %d %s", r.status, r.text)
	}
	options := ada.get("/passkey/generate-register-options")
	thief := w.signIn(email, goodPassword)
	thief.cookies["better-auth.session_token"] = eve.cookies["better-auth.session_token"]
	thief.cookies["better-auth.better-auth-passkey"] = ada.cookies["better-auth.better-auth-passkey"]
	if r := thief.post("/passkey/verify-registration", map[string]any{"response": w.newKeyring().attest(t, options)}); r.status != http.StatusUnauthorized || r.code() != "YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY" {
		t.Errorf("another's challenge: %d %s", r.status, r.text)
	}
	k.device.Options.UserHandle = second.device.Options.UserHandle // eve's registration changed it
	if r := w.browser().use(k); r.status != http.StatusOK {
		t.Errorf("it works no more: %d %s", r.status, r.text)
	}
	if r := ada.post("/passkey/update-passkey", map[string]any{"id": id, "name": "old laptop"}); r.status != http.StatusOK || r.str("passkey", "name") != "old laptop" {
		t.Errorf("rename: %d %s", r.status, r.text)
	}
	if r := ada.post("/passkey/delete-passkey", map[string]any{"id": id}); r.status != http.StatusOK || r.body["status"] != true {
		t.Errorf("remove: %d %s", r.status, r.text)
	}
	w.letterAbout(email, "passkey was removed")
	if r := w.browser().use(k); r.code() != "PASSKEY_NOT_FOUND" {
		t.Errorf("a removed one: %d %s", r.status, r.text)
	}
	if r := w.browser().use(second); r.status != http.StatusOK {
		t.Errorf("the other one: %d %s", r.status, r.text)
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(ada.get("/passkey/list-user-passkeys").text), &list); err != nil || len(list) != 1 || list[0]["name"] != "phone" {
		t.Errorf("list: %v, %v", list, err)
	}
}

// AUTH-13: adding and removing a passkey needs a session that just began.
func TestPasskey_needAFreshSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	owner := w.signUp(address(), goodPassword)
	_, row := owner.register("key")
	w.clock.Advance(25 * time.Hour)
	for what, r := range map[string]reply{
		"options": owner.get("/passkey/generate-register-options"),
		"adding":  owner.post("/passkey/verify-registration", map[string]any{"response": map[string]any{}}),
		"removal": owner.post("/passkey/delete-passkey", map[string]any{"id": row.str("id")}),
	} {
		if r.status != http.StatusForbidden || r.code() != "SESSION_NOT_FRESH" {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
}

// AUTH-18: neither a locked second factor nor a capped password keeps the owner
// of a passkey out.
func TestPasskey_worksWhenPasswordsDoNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on"}})
	email := address()
	owner := w.signUp(email, goodPassword)
	k, _ := owner.register("key")
	owner.enrol(goodPassword)
	later := w.clock.Now().Add(time.Hour)
	signIn := func(password string) reply {
		return w.browser().post("/sign-in/email", map[string]any{"email": email, "password": password})
	}
	signIn("not-the-password-9")
	w.exec(`UPDATE better_auth.guesses SET failures = 100, retry_at = $1`, later)
	w.exec(`UPDATE better_auth.two_factors SET locked_until = $1`, later)
	if r := signIn(goodPassword); r.status == http.StatusOK {
		t.Errorf("the password works: %d %s", r.status, r.text)
	}
	if r := w.browser().use(k); r.status != http.StatusOK {
		t.Errorf("got %d %s", r.status, r.text)
	}
	if !owner.signedIn() {
		t.Error("the open session is over")
	}
}

// The list is bounded, also for registrations that began before it was full.
func TestPasskey_ofWhichThereAreNotTooMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	b.register("first")
	other := b.twin()
	began := w.newKeyring()
	answer := began.attest(t, other.get("/passkey/generate-register-options"))
	w.exec(`
		INSERT INTO better_auth.passkeys (id, user_id, credential_id, public_key, device_type, created_at)
		SELECT 'p' || n, user_id, n::text::bytea, public_key, device_type, created_at FROM better_auth.passkeys, generate_series(1, 98) n`)
	b.register("the last")
	if r := b.get("/passkey/generate-register-options"); r.status != http.StatusBadRequest || r.code() != "TOO_MANY_PASSKEYS" {
		t.Errorf("options: %d %s", r.status, r.text)
	}
	if r := other.post("/passkey/verify-registration", map[string]any{"response": answer}); r.status != http.StatusBadRequest || r.code() != "TOO_MANY_PASSKEYS" {
		t.Errorf("begun before: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.passkeys`); n != 100 {
		t.Errorf("%d passkeys", n)
	}
}
