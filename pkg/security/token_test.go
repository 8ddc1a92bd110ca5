package security_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
)

const site = "https://app.example"

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// shelf is a key source in memory: keys by id and algorithm.
type shelf map[[2]string]crypto.PublicKey

func (s shelf) Key(_ context.Context, kid, alg string) (*security.Key, error) {
	if len(s) == 0 {
		return nil, security.ErrKeysUnavailable
	}
	if key, ok := s[[2]string{kid, alg}]; ok {
		return &security.Key{Public: key}, nil
	}
	return nil, security.ErrTokenInvalid
}

// forge holds the keys of the verifier and makes tokens of any kind.
type forge struct {
	ed    ed25519.PrivateKey
	other ed25519.PrivateKey
	ec    *ecdsa.PrivateKey
	rsa   *rsa.PrivateKey
	keys  shelf
}

func newForge(t testing.TB) forge {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	_, other, err2 := ed25519.GenerateKey(rand.Reader)
	ec, err3 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err4 := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	return forge{ed, other, ec, rs, shelf{
		{"ed", "EdDSA"}: ed.Public(), {"ec", "ES256"}: ec.Public(), {"rs", "RS256"}: rs.Public(),
	}}
}

func (f forge) verifier() *security.Verifier {
	return security.NewVerifier(f.keys, []string{site}, []string{site}, func() time.Time { return noon })
}

type members map[string]any

func goodHeader() members { return members{"alg": "EdDSA", "typ": "JWT", "kid": "ed"} }

func goodClaims() members {
	return members{
		"sub": "user1", "sid": "session1", "email_verified": true, "role": "user", "iss": site, "aud": site,
		"iat": noon.Add(-time.Minute).Unix(), "exp": noon.Add(14 * time.Minute).Unix(), "jti": "t1",
	}
}

func with(m members, changes members) members {
	out := maps.Clone(m)
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func encode(t testing.TB, m members) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b64(text)
}

// edToken signs any header and claims with Ed25519.
func (f forge) edToken(t testing.TB, header, claims members) string {
	t.Helper()
	return signEd(f.ed, encode(t, header)+"."+encode(t, claims))
}

func signEd(key ed25519.PrivateKey, signed string) string {
	return signed + "." + b64(ed25519.Sign(key, []byte(signed)))
}

func (f forge) ecToken(t testing.TB, header, claims members) string {
	t.Helper()
	signed := encode(t, header) + "." + encode(t, claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, f.ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func (f forge) rsToken(t testing.TB, header, claims members, hash crypto.Hash) string {
	t.Helper()
	signed := encode(t, header) + "." + encode(t, claims)
	h := hash.New()
	h.Write([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, f.rsa, hash, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(signature)
}

func hsToken(t testing.TB, header, claims members, secret []byte) string {
	t.Helper()
	signed := encode(t, header) + "." + encode(t, claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + b64(mac.Sum(nil))
}

func TestVerify_acceptsWhatTheSignerMakes(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for kid, key := range map[string]crypto.Signer{"ed": f.ed, "ec": f.ec} {
		signer, err := security.NewSigner(kid, key)
		if err != nil {
			t.Fatal(err)
		}
		want := security.Claims{
			Subject: "user1", SessionID: "s1", Role: "admin", EmailVerified: true, Issuer: site, Audience: []string{site},
			TokenID: "t1", IssuedAt: noon, ExpiresAt: noon.Add(15 * time.Minute),
		}
		token, err := signer.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.verifier().Verify(t.Context(), token)
		if err != nil {
			t.Fatalf("%s: %v", kid, err)
		}
		if got.Identity() != want.Identity() || got.KeyID != kid || !got.ExpiresAt.Equal(want.ExpiresAt) || got.TokenID != "t1" {
			t.Errorf("%s: got %+v", kid, got)
		}
	}
}

func TestVerify_acceptsTheOtherAlgorithmsAndForms(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for name, token := range map[string]string{
		"EdDSA":                 f.edToken(t, goodHeader(), goodClaims()),
		"ES256":                 f.ecToken(t, with(goodHeader(), members{"alg": "ES256", "kid": "ec"}), goodClaims()),
		"RS256":                 f.rsToken(t, with(goodHeader(), members{"alg": "RS256", "kid": "rs"}), goodClaims(), crypto.SHA256),
		"at+jwt":                f.edToken(t, with(goodHeader(), members{"typ": "at+jwt"}), goodClaims()),
		"without typ":           f.edToken(t, with(goodHeader(), members{"typ": nil}), goodClaims()),
		"several audiences":     f.edToken(t, goodHeader(), with(goodClaims(), members{"aud": []string{"x", site}})),
		"issuer's clock ahead":  f.edToken(t, goodHeader(), with(goodClaims(), members{"iat": noon.Add(20 * time.Second).Unix()})),
		"fractions of a second": f.edToken(t, goodHeader(), with(goodClaims(), members{"exp": float64(noon.Unix()) + 0.5})),
	} {
		if _, err := f.verifier().Verify(t.Context(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// attacks are tokens that must never pass, however they are signed.
func attacks(t testing.TB, f forge) map[string]string {
	t.Helper()
	header := func(changes members) string { return f.edToken(t, with(goodHeader(), changes), goodClaims()) }
	claims := func(changes members) string { return f.edToken(t, goodHeader(), with(goodClaims(), changes)) }
	good := f.edToken(t, goodHeader(), goodClaims())
	parts := strings.Split(good, ".")
	raw := func(head, payload string) string { return signEd(f.ed, b64([]byte(head))+"."+b64([]byte(payload))) }
	payload, err := json.Marshal(goodClaims())
	head, err2 := json.Marshal(goodHeader())
	edPublic, err3 := x509.MarshalPKIXPublicKey(f.ed.Public())
	rsaPublic, err4 := x509.MarshalPKIXPublicKey(f.rsa.Public())
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	pemOf := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}) }
	es := f.ecToken(t, with(goodHeader(), members{"alg": "ES256", "kid": "ec"}), goodClaims())
	esHead := es[:strings.LastIndexByte(es, '.')]
	digest := sha256.Sum256([]byte(esHead))
	der, err := ecdsa.SignASN1(rand.Reader, f.ec, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	wide := strings.Repeat("a", 9000)
	unsigned := func(alg string) string {
		return encode(t, with(goodHeader(), members{"alg": alg})) + "." + parts[1] + "."
	}
	return map[string]string{
		// unsigned
		"alg none":                        unsigned("none"),
		"alg None":                        unsigned("None"),
		"alg NONE with a signature":       unsigned("NONE") + parts[2],
		"alg none, two parts":             strings.TrimSuffix(unsigned("none"), "."),
		"alg empty":                       header(members{"alg": ""}),
		"alg missing":                     header(members{"alg": nil}),
		"alg a number":                    header(members{"alg": 1}),
		"alg null":                        raw(`{"alg":null,"kid":"ed"}`, string(payload)),
		"signature removed":               parts[0] + "." + parts[1] + ".",
		"signature of zeros":              parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)),
		"signature cut":                   parts[0] + "." + parts[1] + "." + b64(signature[:63]),
		"signature with a tail":           parts[0] + "." + parts[1] + "." + b64(append(signature[:64:64], 0)),
		"signature plus the group order":  parts[0] + "." + parts[1] + "." + b64(malleate(signature)),
		"another key's signature":         signEd(f.other, parts[0]+"."+parts[1]),
		"claims changed after signing":    parts[0] + "." + encode(t, with(goodClaims(), members{"sub": "admin"})) + "." + parts[2],
		"header changed after signing":    encode(t, with(goodHeader(), members{"typ": "at+jwt"})) + "." + parts[1] + "." + parts[2],
		"HS256 with the public key, PEM":  hsToken(t, with(goodHeader(), members{"alg": "HS256"}), goodClaims(), pemOf(edPublic)),
		"HS256 with the public key, raw":  hsToken(t, with(goodHeader(), members{"alg": "HS256"}), goodClaims(), f.ed.Public().(ed25519.PublicKey)),
		"HS256 with the RSA key, PEM":     hsToken(t, with(goodHeader(), members{"alg": "HS256", "kid": "rs"}), goodClaims(), pemOf(rsaPublic)),
		"HS256 with an empty secret":      hsToken(t, with(goodHeader(), members{"alg": "HS256"}), goodClaims(), nil),
		"RS512 with the RS256 key":        f.rsToken(t, with(goodHeader(), members{"alg": "RS512", "kid": "rs"}), goodClaims(), crypto.SHA512),
		"RS256 header, SHA-512 inside":    f.rsToken(t, with(goodHeader(), members{"alg": "RS256", "kid": "rs"}), goodClaims(), crypto.SHA512),
		"ES256 named for the Ed25519 key": header(members{"alg": "ES256"}),
		"EdDSA named for the P-256 key":   header(members{"kid": "ec"}),
		"RS256 named for the P-256 key":   f.rsToken(t, with(goodHeader(), members{"alg": "RS256", "kid": "ec"}), goodClaims(), crypto.SHA256),
		"ES256 signature of zeros":        esHead + "." + b64(make([]byte, 64)),
		"ES256 signature in DER":          esHead + "." + b64(der),
		"ES256 r = order, s = order":      esHead + "." + b64(append(elliptic.P256().Params().N.Bytes(), elliptic.P256().Params().N.Bytes()...)),
		"EdDSA with a lower-case name":    header(members{"alg": "eddsa"}),
		"PS256":                           header(members{"alg": "PS256", "kid": "rs"}),
		"Ed448 under EdDSA's name":        parts[0] + "." + parts[1] + "." + b64(make([]byte, 114)),

		// where the key comes from, how the token is read
		"crit of an unknown name":     header(members{"crit": []string{"x"}, "x": 1}),
		"crit of a known name":        header(members{"crit": []string{"exp"}}),
		"crit empty":                  header(members{"crit": []string{}}),
		"b64 false":                   header(members{"b64": false}),
		"b64 true":                    header(members{"b64": true}),
		"zip":                         header(members{"zip": "DEF"}),
		"jku":                         header(members{"jku": "https://evil.example/jwks.json"}),
		"jwk with the attacker's key": signEd(f.other, encode(t, with(goodHeader(), members{"jwk": members{"kty": "OKP", "crv": "Ed25519", "x": b64(f.other.Public().(ed25519.PublicKey))}}))+"."+parts[1]),
		"x5u":                         header(members{"x5u": "https://evil.example/cert"}),
		"x5c":                         header(members{"x5c": []string{"MIIB"}}),
		"x5t":                         header(members{"x5t": "abc"}),
		"x5t#S256":                    header(members{"x5t#S256": "abc"}),
		"cty JWT (nested)":            header(members{"cty": "JWT"}),
		"enc (encrypted)":             header(members{"enc": "A256GCM"}),
		"five parts (JWE)":            good + ".a.b",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  good + ".x",
		"JSON serialisation":          `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"two signatures":              good + "," + good,
		"kid missing":                 header(members{"kid": nil}),
		"kid empty":                   header(members{"kid": ""}),
		"kid unknown":                 header(members{"kid": "nobody"}),
		"kid a path":                  header(members{"kid": "../../dev/null"}),
		"kid an injection":            header(members{"kid": "ed' OR '1'='1"}),
		"kid a number":                header(members{"kid": 7}),
		"kid in a list":               header(members{"kid": []string{"ed"}}),
		"kid very long":               header(members{"kid": strings.Repeat("e", 200)}),
		"alg twice":                   raw(`{"alg":"EdDSA","kid":"ed","alg":"none"}`, string(payload)),
		"alg in capitals beside alg":  raw(`{"ALG":"EdDSA","kid":"ed"}`, string(payload)),
		"sub twice":                   raw(string(head), `{"sub":"admin",`+string(payload[1:])),
		"data after the header":       raw(string(head)+"{}", string(payload)),
		"data after the claims":       raw(string(head), string(payload)+`{"sub":"admin"}`),
		"claims a list":               raw(string(head), "["+string(payload)+"]"),
		"claims null":                 raw(string(head), "null"),
		"claims not UTF-8":            raw(string(head), strings.Replace(string(payload), "user1", "us\xffr", 1)),
		"typ of another token":        header(members{"typ": "secevent+jwt"}),
		"typ of an ID token hint":     header(members{"typ": "logout+jwt"}),
		"typ a number":                header(members{"typ": 5}),

		// spelling
		"empty":                    "",
		"dots":                     "..",
		"a blank in front":         " " + good,
		"a line end inside":        parts[0] + ".\n" + parts[1] + "." + parts[2],
		"a line end at the end":    good + "\n",
		"padding":                  parts[0] + "." + parts[1] + "." + parts[2] + "==",
		"standard base64 alphabet": parts[0] + "." + parts[1] + "." + base64.RawStdEncoding.EncodeToString([]byte{0xfb, 0xff, 0xfe}),
		"loose last bits":          parts[0] + "." + parts[1] + "." + loosen(parts[2]),
		"over 8 KiB":               claims(members{"pad": wide}),
		"a megabyte of dots":       strings.Repeat(".", 1<<20),

		// claims
		"iss wrong":               claims(members{"iss": "https://evil.example"}),
		"iss with a slash":        claims(members{"iss": site + "/"}),
		"iss missing":             claims(members{"iss": nil}),
		"iss a list":              claims(members{"iss": []string{site}}),
		"aud wrong":               claims(members{"aud": "https://evil.example"}),
		"aud missing":             claims(members{"aud": nil}),
		"aud an empty list":       claims(members{"aud": []string{}}),
		"aud an object":           claims(members{"aud": members{site: 1}}),
		"aud a prefix":            claims(members{"aud": "https://app.exampl"}),
		"exp now":                 claims(members{"exp": noon.Unix()}),
		"exp passed":              claims(members{"exp": noon.Add(-time.Second).Unix()}),
		"exp missing":             claims(members{"exp": nil}),
		"exp null":                raw(string(head), strings.Replace(string(payload), `"exp":`, `"exp":null,"exp2":`, 1)),
		"exp a string":            claims(members{"exp": "1893499200"}),
		"exp zero":                claims(members{"exp": 0}),
		"exp negative":            claims(members{"exp": -1}),
		"exp beyond all time":     claims(members{"exp": 1e300}),
		"exp a list":              claims(members{"exp": []int{1}}),
		"nbf in the future":       claims(members{"nbf": noon.Add(2 * time.Minute).Unix()}),
		"iat in the future":       claims(members{"iat": noon.Add(2 * time.Minute).Unix()}),
		"iat missing":             claims(members{"iat": nil}),
		"sub missing":             claims(members{"sub": nil}),
		"sub empty":               claims(members{"sub": ""}),
		"sub a number":            claims(members{"sub": 1}),
		"sub an object":           claims(members{"sub": members{"id": "user1"}}),
		"sub with a control byte": claims(members{"sub": "user1\u0000"}),
		"sub too long":            claims(members{"sub": strings.Repeat("u", 65)}),
		"sid missing":             claims(members{"sid": nil}),
		"sid a number":            claims(members{"sid": 9}),
		"email_verified a string": claims(members{"email_verified": "true"}),
		"role a list":             claims(members{"role": []string{"admin"}}),
		"an ID token":             claims(members{"aud": "client-1", "nonce": "n"}),
		"a mail token":            hsToken(t, members{"alg": "HS256"}, members{"email": "a@b.example", "exp": noon.Add(time.Hour).Unix()}, []byte(strings.Repeat("s", 32))),
	}
}

// malleate adds the group's order to S: the same signature in other bytes, which
// RFC 8032 §5.1.7 forbids.
func malleate(signature []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	reverse := func(b []byte) []byte {
		out := make([]byte, len(b))
		for i, c := range b {
			out[len(b)-1-i] = c
		}
		return out
	}
	s := new(big.Int).SetBytes(reverse(signature[32:]))
	s.Add(s, order)
	return append(append([]byte{}, signature[:32]...), reverse(s.FillBytes(make([]byte, 32)))...)
}

// loosen changes bits of the last character that carry no data.
func loosen(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last|1])
}

func TestVerify_refusesForgedTokens(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	verifier := f.verifier()
	table := attacks(t, f)
	for name, token := range table {
		claims, err := verifier.Verify(t.Context(), token)
		if !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%s: Verify = %+v, %v; want ErrTokenInvalid", name, claims, err)
		}
	}
	t.Logf("%d forged tokens refused", len(table))
}

func TestVerify_neverTellsTheTokenInItsError(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for name, token := range attacks(t, f) {
		_, err := f.verifier().Verify(t.Context(), token)
		if err != nil && len(token) > 20 && strings.Contains(err.Error(), token[:20]) {
			t.Errorf("%s: the error repeats the token: %v", name, err)
		}
	}
}

func TestVerify_tellsAnExpiredTokenFromAForgedOne(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	claims := with(goodClaims(), members{"exp": noon.Unix()})
	if _, err := f.verifier().Verify(t.Context(), f.edToken(t, goodHeader(), claims)); !errors.Is(err, security.ErrTokenExpired) {
		t.Errorf("expired: %v", err)
	}
	forged := signEd(f.other, encode(t, goodHeader())+"."+encode(t, claims))
	if _, err := f.verifier().Verify(t.Context(), forged); errors.Is(err, security.ErrTokenExpired) {
		t.Errorf("forged and expired: %v", err)
	}
}

func TestVerify_withoutKeysIsNobodysFault(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	token := f.edToken(t, goodHeader(), goodClaims())
	f.keys = nil
	_, err := f.verifier().Verify(t.Context(), token)
	if !errors.Is(err, security.ErrKeysUnavailable) || errors.Is(err, security.ErrTokenInvalid) {
		t.Errorf("Verify = %v, want ErrKeysUnavailable", err)
	}
}

func TestVerify_refusesHugeTokensAtNoCost(t *testing.T) { // not parallel: it counts allocations
	verifier := newForge(t).verifier()
	dots := strings.Repeat(".", 1<<20)
	if n := testing.AllocsPerRun(100, func() { _, _ = verifier.Verify(t.Context(), dots) }); n > 4 {
		t.Errorf("%v allocations for a megabyte of dots", n)
	}
}

func TestVerify_neverFollowsAnAddressInTheToken(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	listener := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer listener.Close()
	f := newForge(t)
	for _, name := range []string{"jku", "x5u"} {
		_, err := f.verifier().Verify(t.Context(), f.edToken(t, with(goodHeader(), members{name: listener.URL}), goodClaims()))
		if !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests reached the address in the token", asked.Load())
	}
}

func TestNewSigner_refusesKeysThatTheVerifierWouldNotTake(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA": f.rsa, "P-384": p384} {
		if _, err := security.NewSigner("k", key); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := security.NewSigner("", f.ed); err == nil {
		t.Error("a key without an id was accepted")
	}
}

func FuzzVerify(f *testing.F) {
	forge := newForge(f)
	verifier := forge.verifier()
	for _, token := range attacks(f, forge) {
		if len(token) < 4096 {
			f.Add(token)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		if claims, err := verifier.Verify(context.Background(), token); err == nil {
			t.Errorf("accepted %q: %+v", token, claims)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	f := newForge(b)
	verifier := f.verifier()
	for name, token := range map[string]string{
		"EdDSA":  f.edToken(b, goodHeader(), goodClaims()),
		"ES256":  f.ecToken(b, with(goodHeader(), members{"alg": "ES256", "kid": "ec"}), goodClaims()),
		"forged": signEd(f.other, encode(b, goodHeader())+"."+encode(b, goodClaims())),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = verifier.Verify(b.Context(), token)
			}
		})
	}
}

var _ = sha512.Size // RS512 needs the hash linked in
