package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (b *browser) addPasskey(f *forger) reply {
	b.w.t.Helper()
	return b.post("/passkey/verify-registration", members{"response": f.attest(b.w.t, b.get("/passkey/generate-register-options"))})
}

func (b *browser) usePasskey(f *forger) reply {
	b.w.t.Helper()
	return b.post("/passkey/verify-authentication", members{"response": f.assert(b.w.t, b.get("/passkey/generate-authenticate-options"))})
}

// MFA-07, MFA-08: every algorithm that is offered, with and without an attestation
// of the passkey's own, and authenticators that do not count.
func TestPasskey_ofEveryAlgorithm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	owner := w.signUp(address(), goodPassword)
	for _, alg := range []int{algES256, algEdDSA, algRS256} {
		for _, packed := range []bool{false, true} {
			f := newForger(t, alg)
			f.packed = packed
			if r := owner.addPasskey(f); r.status != http.StatusOK {
				t.Errorf("%d, packed %t: %d %s", alg, packed, r.status, r.text)
				continue
			}
			for range 2 { // it always counts 0
				b := w.browser()
				if r := b.usePasskey(f); r.status != http.StatusOK || !b.signedIn() {
					t.Errorf("%d, packed %t: sign in: %d %s", alg, packed, r.status, r.text)
				}
			}
			f.count = 7
			if r := w.browser().usePasskey(f); r.status != http.StatusOK {
				t.Errorf("it begins to count: %d %s", r.status, r.text)
			}
			for _, f.count = range []uint32{7, 6, 0} {
				if r := w.browser().usePasskey(f); r.status != http.StatusUnauthorized || r.code() != "AUTHENTICATION_FAILED" {
					t.Errorf("%d after 7: %d %s", f.count, r.status, r.text)
				}
			}
		}
	}
}

// MFA-07, MFA-08: a registration with one fault is refused, and leaves nothing.
func TestPasskey_forgedRegistrations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	owner := w.signUp(address(), goodPassword)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := other.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 64<<10-1)
	_, _ = rand.Read(long)
	text := strings.Repeat("A", 60<<10)
	for name, change := range map[string]func(*forger){
		"type of a sign-in":       func(f *forger) { f.client["type"] = "webauthn.get" },
		"no type":                 func(f *forger) { f.client["type"] = nil },
		"another challenge":       func(f *forger) { f.client["challenge"] = strings.Repeat("A", 43) },
		"no challenge":            func(f *forger) { f.client["challenge"] = "" },
		"subdomain":               func(f *forger) { f.client["origin"] = "http://evil.localhost:8000" },
		"superdomain":             func(f *forger) { f.client["origin"] = "http://localhost.evil.example:8000" },
		"user part":               func(f *forger) { f.client["origin"] = "http://localhost:8000@evil.example" },
		"https":                   func(f *forger) { f.client["origin"] = "https://localhost:8000" },
		"port":                    func(f *forger) { f.client["origin"] = "http://localhost:8001" },
		"no port":                 func(f *forger) { f.client["origin"] = "http://localhost" },
		"no origin":               func(f *forger) { f.client["origin"] = nil },
		"null origin":             func(f *forger) { f.client["origin"] = "null" },
		"cross origin":            func(f *forger) { f.client["crossOrigin"], f.client["topOrigin"] = true, "https://evil.example" },
		"cross origin, no top":    func(f *forger) { f.client["crossOrigin"] = true },
		"top origin":              func(f *forger) { f.client["topOrigin"] = "https://evil.example" },
		"RP id":                   func(f *forger) { f.rpID = "evil.example" },
		"RP id of a subdomain":    func(f *forger) { f.rpID = "evil.localhost" },
		"nobody present":          func(f *forger) { f.flags &^= userPresent },
		"no attested data":        func(f *forger) { f.data = func(b []byte) []byte { return b[:37] } },
		"cut":                     func(f *forger) { f.data = func(b []byte) []byte { return b[:60] } },
		"trailing data":           func(f *forger) { f.data = func(b []byte) []byte { return append(b, 0xa0) } },
		"extensions that are not": func(f *forger) { f.flags |= extensions },
		"id of length 0":          func(f *forger) { f.id = nil },
		"id of 64 KiB":            func(f *forger) { f.id = long },
		"id of 1,024 bytes":       func(f *forger) { f.id = long[:1024] },
		"id of 4 KiB":             func(f *forger) { f.id = long[:4096] },
		"another id outside":      func(f *forger) { f.answer["id"], f.answer["rawId"] = "AAAA", "AAAA" },
		"id and raw id differ":    func(f *forger) { f.answer["rawId"] = "AAAA" },
		"another kind":            func(f *forger) { f.answer["type"] = "password" },
		"padded base64": func(f *forger) {
			f.encode = base64.StdEncoding.EncodeToString
			f.id = bytes.Repeat([]byte{0xfb, 0xff}, 8)
		},
		"id of 60 KiB of text":   func(f *forger) { f.answer["id"] = text },
		"client data of nothing": func(f *forger) { f.response["clientDataJSON"] = "" },
		"client data of text":    func(f *forger) { f.response["clientDataJSON"] = "bm90IEpTT04" },
		"object of nothing":      func(f *forger) { f.response["attestationObject"] = "" },
		"no object":              func(f *forger) { f.response["attestationObject"] = nil },
		"object of text":         func(f *forger) { f.object = func([]byte) []byte { return cborText(text) } },
		"deep arrays":            func(f *forger) { f.object = func([]byte) []byte { return bytes.Repeat([]byte{0x81}, 50<<10) } },
		"deep maps":              func(f *forger) { f.object = func([]byte) []byte { return bytes.Repeat([]byte{0xa1, 0x60}, 20<<10) } },
		"endless array":          func(f *forger) { f.object = func([]byte) []byte { return bytes.Repeat([]byte{0x9f}, 1<<10) } },
		"an endless map": func(f *forger) {
			f.object = func(b []byte) []byte { return append(append([]byte{0xbf}, b[1:]...), 0xff) }
		},
		"a length of 2^64": func(f *forger) {
			f.object = func([]byte) []byte { return append([]byte{0x5b}, bytes.Repeat([]byte{0xff}, 8)...) }
		},
		"trailing object": func(f *forger) { f.object = func(b []byte) []byte { return append(b, 0xa0) } },
		"a member twice": func(f *forger) {
			f.object = func(b []byte) []byte {
				return append(append([]byte{0xa4}, b[1:]...), append(cborText("fmt"), cborText("none")...)...)
			}
		},
		"an unknown format": func(f *forger) {
			f.object = func(b []byte) []byte { return bytes.Replace(b, cborText("none"), cborText("evil"), 1) }
		},
		"none with a statement": func(f *forger) {
			f.object = func(b []byte) []byte {
				return bytes.Replace(b, append(cborText("attStmt"), 0xa0), append(cborText("attStmt"), cborMap(cborText("x"), cborInt(1))...), 1)
			}
		},
		"signed by another key":  func(f *forger) { f.packed = true; f.cose = f.public(t); f.key = newForger(t, algES256).key },
		"signed as another alg":  func(f *forger) { f.packed = true; f.cose = bytes.Clone(f.public(t)); f.alg = algRS256 },
		"no public key":          func(f *forger) { f.cose = []byte{} },
		"key of nothing":         func(f *forger) { f.cose = cborMap() },
		"key with more behind":   func(f *forger) { f.cose = append(f.public(t), 0x00) },
		"alg 0":                  func(f *forger) { f.cose = coseEC(0, 1, point[1:33], point[33:65]) },
		"alg none":               func(f *forger) { f.cose = cborMap(cborInt(1), cborInt(2), cborInt(3), cborText("none")) },
		"alg unknown":            func(f *forger) { f.cose = coseEC(-65000, 1, point[1:33], point[33:65]) },
		"alg not offered, ES384": func(f *forger) { f.cose = coseEC(-35, 2, point[1:49], point[49:]) },
		"alg not offered, PS256": func(f *forger) { f.cose = coseRSA(-37, weak.N, weak.E) },
		"alg not offered, SHA-1": func(f *forger) { f.cose = coseRSA(-65535, weak.N, weak.E) },
		"ES256 on another curve": func(f *forger) { f.cose = coseEC(algES256, 2, point[1:49], point[49:]) },
		"a point off the curve": func(f *forger) {
			f.cose = coseEC(algES256, 1, bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32))
		},
		"the point at infinity": func(f *forger) { f.cose = coseEC(algES256, 1, make([]byte, 32), make([]byte, 32)) },
		"a point too long":      func(f *forger) { f.cose = coseEC(algES256, 1, long[:4096], long[:4096]) },
		"ES256 that is RSA":     func(f *forger) { f.cose = coseRSA(algES256, weak.N, weak.E) },
		"RS256 that is a point": func(f *forger) { f.cose = coseEC(algRS256, 1, point[1:33], point[33:65]) },
		"a weak RSA key":        func(f *forger) { f.cose = coseRSA(algRS256, weak.N, weak.E) },
		"RSA of 16 bits":        func(f *forger) { f.cose = coseRSA(algRS256, big.NewInt(65533), 3) },
		"RSA with exponent 1":   func(f *forger) { f.cose = coseRSA(algRS256, newForger(t, algRS256).key.Public().(*rsa.PublicKey).N, 1) },
		"RSA of 128 Kbit":       func(f *forger) { f.cose = coseRSA(algRS256, new(big.Int).SetBytes(long[:16<<10]), 65537) },
		"EdDSA of 31 bytes": func(f *forger) {
			f.cose = cborMap(cborInt(1), cborInt(1), cborInt(3), cborInt(algEdDSA), cborInt(-1), cborInt(6), cborInt(-2), cborBytes(long[:31]))
		},
		"negative lengths": func(f *forger) {
			f.cose = cborMap(cborInt(-1), cborInt(-1), cborInt(1), cborInt(-2), cborInt(3), cborInt(-7))
		},
	} {
		f := newForger(t, algES256).with(change)
		r := owner.addPasskey(f)
		status, code := http.StatusBadRequest, "FAILED_TO_VERIFY_REGISTRATION"
		if name == "id of 64 KiB" {
			status, code = http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE"
		}
		if r.status != status || r.code() != code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
		if n := w.count(`SELECT count(*) FROM better_auth.passkeys`); n != 0 {
			t.Errorf("%s: %d passkeys", name, n)
			w.exec(`DELETE FROM better_auth.passkeys`)
		}
	}
}

// MFA-07, MFA-08: an answer with one fault signs nobody in, and the passkey goes on.
func TestPasskey_forgedSignIns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	owner, stranger := w.signUp(address(), goodPassword), w.signUp(address(), goodPassword)
	f, theirs := newForger(t, algES256), newForger(t, algEdDSA)
	for b, k := range map[*browser]*forger{owner: f, stranger: theirs} {
		if r := b.addPasskey(k); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.text)
		}
	}
	f.count = 5
	if r := w.browser().usePasskey(f); r.status != http.StatusOK {
		t.Fatalf("without a fault: %d %s", r.status, r.text)
	}
	f.count++
	text := strings.Repeat("A", 60<<10)
	for name, change := range map[string]func(*forger){
		"type of a registration": func(f *forger) { f.client["type"] = "webauthn.create" },
		"payment":                func(f *forger) { f.client["type"] = "payment.get" },
		"another challenge":      func(f *forger) { f.client["challenge"] = strings.Repeat("A", 43) },
		"subdomain":              func(f *forger) { f.client["origin"] = "http://evil.localhost:8000" },
		"user part":              func(f *forger) { f.client["origin"] = "http://localhost:8000@evil.example" },
		"https":                  func(f *forger) { f.client["origin"] = "https://localhost:8000" },
		"port":                   func(f *forger) { f.client["origin"] = "http://localhost:8001" },
		"null origin":            func(f *forger) { f.client["origin"] = "null" },
		"cross origin":           func(f *forger) { f.client["crossOrigin"], f.client["topOrigin"] = true, "https://evil.example" },
		"cross origin, no top":   func(f *forger) { f.client["crossOrigin"] = true },
		"top origin":             func(f *forger) { f.client["topOrigin"] = "https://evil.example" },
		"token binding":          func(f *forger) { f.client["tokenBinding"] = members{"status": "elsewhere"} },
		"RP id":                  func(f *forger) { f.rpID = "evil.example" },
		"nobody present":         func(f *forger) { f.flags &^= userPresent },
		"backed up, not able to": func(f *forger) { f.flags |= 1 << 4 },
		"counter stands":         func(f *forger) { f.count-- },
		"counter falls":          func(f *forger) { f.count = 1 },
		"counter of 0":           func(f *forger) { f.count = 0 },
		"another's handle":       func(f *forger) { f.handle = theirs.handle },
		"another's id":           func(f *forger) { f.id = theirs.id },
		"another's key":          func(f *forger) { f.key, f.alg = theirs.key, theirs.alg },
		"another id outside":     func(f *forger) { f.answer["id"] = "AAAA" },
		"another kind":           func(f *forger) { f.answer["type"] = "password" },
		"no signature":           func(f *forger) { f.response["signature"] = nil },
		"signature of nothing":   func(f *forger) { f.response["signature"] = "" },
		"signature of 0, 0":      func(f *forger) { f.response["signature"] = "MAYCAQACAQA" },
		"signature of text":      func(f *forger) { f.response["signature"] = text },
		"data cut":               func(f *forger) { f.data = func(b []byte) []byte { return b[:36] } },
		"data with more":         func(f *forger) { f.data = func(b []byte) []byte { return append(b, 0xa0) } },
		"data of text":           func(f *forger) { f.response["authenticatorData"] = text },
		"data with a passkey":    func(f *forger) { f.flags |= attestedData },
		"extensions, deep": func(f *forger) {
			f.flags |= extensions
			f.data = func(b []byte) []byte { return append(b, bytes.Repeat([]byte{0x81}, 40<<10)...) }
		},
		"client data of text": func(f *forger) { f.response["clientDataJSON"] = "bm90IEpTT04" },
		"handle of 60 KiB":    func(f *forger) { f.response["userHandle"] = text },
		"handle that is none": func(f *forger) { f.response["userHandle"] = 7 },
		"padded base64":       func(f *forger) { f.encode = base64.URLEncoding.EncodeToString },
		"the other base64": func(f *forger) {
			f.encode = base64.RawStdEncoding.EncodeToString
			f.id = bytes.Repeat([]byte{0xfb, 0xff}, 16)
		},
		"id that is none": func(f *forger) { f.answer["id"] = "%%%"; f.answer["rawId"] = "%%%" },
	} {
		b := w.browser()
		r := b.usePasskey(f.with(change))
		if r.status != http.StatusUnauthorized || r.code() != "AUTHENTICATION_FAILED" || b.signedIn() {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.passkeys WHERE counter = 5 OR counter = 0`); n != 2 {
		t.Error("a counter moved")
	}
	for name, change := range map[string]func(*forger){
		"without a handle":    func(f *forger) { f.response["userHandle"] = nil },
		"handle of null":      func(f *forger) { f.response["userHandle"] = json.RawMessage("null") },
		"not verified":        func(f *forger) { f.flags &^= userVerified },
		"no token binding":    func(f *forger) { f.client["tokenBinding"] = members{"status": "supported"} },
		"further client data": func(f *forger) { f.client["other_keys_can_be_added_here"] = "x" },
	} {
		x := f.with(change)
		f.count++
		x.count = f.count
		if r := w.browser().usePasskey(x); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
}

// MFA-07, MFA-09: whose a ceremony, a credential and a person are.
func TestPasskey_belongsToThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	owner, stranger := w.signUp(email, goodPassword), w.signUp(address(), goodPassword)
	f := newForger(t, algES256)
	if r := owner.addPasskey(f); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	rows := func() int { return w.count(`SELECT count(*) FROM better_auth.passkeys`) }
	refused := func(what string, r reply, status int, code string) {
		t.Helper()
		if r.status != status || r.code() != code || rows() != 1 {
			t.Errorf("%s: %d %s, %d passkeys", what, r.status, r.text, rows())
		}
	}
	twin := newForger(t, algES256).with(func(x *forger) { x.id = f.id })
	refused("the id of somebody else's", stranger.addPasskey(twin), 400, "FAILED_TO_VERIFY_REGISTRATION")
	refused("the own one again", owner.addPasskey(f.with(func(*forger) {})), 400, "FAILED_TO_VERIFY_REGISTRATION")

	// Whose own passkeys a challenge names answers with one of those.
	second := newForger(t, algES256)
	visitor := w.signUp(address(), goodPassword)
	if r := visitor.addPasskey(second); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := visitor.usePasskey(f); r.status != http.StatusUnauthorized || r.code() != "AUTHENTICATION_FAILED" {
		t.Errorf("another's passkey for one's own challenge: %d %s", r.status, r.text)
	}
	w.exec(`DELETE FROM better_auth.passkeys WHERE credential_id = $1`, second.id)

	// The answer to one ceremony is none to the other.
	b := w.browser()
	attested := newForger(t, algES256).attest(t, b.get("/passkey/generate-authenticate-options"))
	refused("a registration for a sign-in", b.post("/passkey/verify-authentication", members{"response": attested}), 401, "AUTHENTICATION_FAILED")
	asserted := f.assert(t, owner.get("/passkey/generate-register-options"))
	refused("a sign-in for a registration", owner.post("/passkey/verify-registration", members{"response": asserted}), 400, "FAILED_TO_VERIFY_REGISTRATION")

	// Without the cookie, and after five minutes, there is no challenge.
	options := owner.get("/passkey/generate-register-options")
	delete(owner.cookies, "better-auth.better-auth-passkey")
	fresh := newForger(t, algES256)
	refused("no cookie", owner.post("/passkey/verify-registration", members{"response": fresh.attest(t, options)}), 400, "CHALLENGE_NOT_FOUND")
	options = owner.get("/passkey/generate-register-options")
	w.clock.Advance(5*time.Minute + time.Second)
	refused("too late", owner.post("/passkey/verify-registration", members{"response": fresh.attest(t, options)}), 400, "CHALLENGE_NOT_FOUND")

	// A session that is over registers nothing, whatever it began.
	options = owner.get("/passkey/generate-register-options")
	w.exec(`DELETE FROM better_auth.sessions WHERE user_id = (SELECT id FROM better_auth.users WHERE email = $1)`, email)
	refused("a session that is over", owner.post("/passkey/verify-registration", members{"response": fresh.attest(t, options)}), 401, "UNAUTHORIZED")

	// Parallel answers to one challenge make one passkey.
	owner = w.signIn(email, goodPassword)
	answer := fresh.attest(t, owner.get("/passkey/generate-register-options"))
	if n := inParallel(20, func(int) reply {
		return (&browser{w: w, cookies: owner.copied(), headers: owner.headers}).post("/passkey/verify-registration", members{"response": answer})
	}); n != 1 || rows() != 2 {
		t.Errorf("%d answers were taken, %d passkeys", n, rows())
	}

	w.exec(`UPDATE better_auth.users SET banned = true, version = version + 1 WHERE email = $1`, email)
	if r := w.browser().usePasskey(f); r.status != http.StatusForbidden || r.code() != "BANNED_USER" {
		t.Errorf("somebody banned: %d %s", r.status, r.text)
	}
	w.exec(`DELETE FROM better_auth.users WHERE email = $1`, email)
	if r := w.browser().usePasskey(f); r.status != http.StatusUnauthorized || r.code() != "PASSKEY_NOT_FOUND" {
		t.Errorf("somebody deleted: %d %s", r.status, r.text)
	}
}
