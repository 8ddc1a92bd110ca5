package forgery

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	_ "crypto/sha512" // RS512 needs the hash linked in
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"
)

// Attacks are tokens that must never pass, by what is wrong with them.
func (f Forge) Attacks(t testing.TB) map[string]string {
	t.Helper()
	all := f.general(t)
	for _, more := range []map[string]string{f.texts(t), f.edwards(t), f.ecdsa(t), f.pkcs1(t)} {
		maps.Copy(all, more)
	}
	return all
}

// general are attacks on the form of a token, its header and its claims.
func (f Forge) general(t testing.TB) map[string]string {
	t.Helper()
	header := func(changes Members) string { return f.EdToken(t, With(f.Header(), changes), f.Claims()) }
	claims := func(changes Members) string { return f.EdToken(t, f.Header(), With(f.Claims(), changes)) }
	good := f.EdToken(t, f.Header(), f.Claims())
	parts := strings.Split(good, ".")
	raw := func(head, payload string) string { return SignEd(f.Ed, B64([]byte(head))+"."+B64([]byte(payload))) }
	payload, err := json.Marshal(f.Claims())
	head, err2 := json.Marshal(f.Header())
	edPublic, err3 := x509.MarshalPKIXPublicKey(f.Ed.Public())
	rsaPublic, err4 := x509.MarshalPKIXPublicKey(f.RSA.Public())
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	pemOf := func(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}) }
	es := f.ECToken(t, With(f.Header(), Members{"alg": "ES256", "kid": "ec"}), f.Claims())
	esHead := es[:strings.LastIndexByte(es, '.')]
	digest := sha256.Sum256([]byte(esHead))
	der, err := ecdsa.SignASN1(rand.Reader, f.EC, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	wide := strings.Repeat("a", 9000)
	unsigned := func(alg string) string {
		return Encode(t, With(f.Header(), Members{"alg": alg})) + "." + parts[1] + "."
	}
	return map[string]string{
		// unsigned
		"alg none":                        unsigned("none"),
		"alg None":                        unsigned("None"),
		"alg NONE with a signature":       unsigned("NONE") + parts[2],
		"alg none, two parts":             strings.TrimSuffix(unsigned("none"), "."),
		"alg empty":                       header(Members{"alg": ""}),
		"alg missing":                     header(Members{"alg": nil}),
		"alg a number":                    header(Members{"alg": 1}),
		"alg null":                        raw(`{"alg":null,"kid":"ed"}`, string(payload)),
		"signature removed":               parts[0] + "." + parts[1] + ".",
		"signature of zeros":              parts[0] + "." + parts[1] + "." + B64(make([]byte, 64)),
		"signature cut":                   parts[0] + "." + parts[1] + "." + B64(signature[:63]),
		"signature with a tail":           parts[0] + "." + parts[1] + "." + B64(append(signature[:64:64], 0)),
		"signature plus the group order":  parts[0] + "." + parts[1] + "." + B64(malleateEd(signature)),
		"another key's signature":         SignEd(f.Other, parts[0]+"."+parts[1]),
		"claims changed after signing":    parts[0] + "." + Encode(t, With(f.Claims(), Members{"sub": "admin"})) + "." + parts[2],
		"header changed after signing":    Encode(t, With(f.Header(), Members{"typ": "at+jwt"})) + "." + parts[1] + "." + parts[2],
		"HS256 with the public key, PEM":  hsToken(t, With(f.Header(), Members{"alg": "HS256"}), f.Claims(), pemOf(edPublic)),
		"HS256 with the public key, raw":  hsToken(t, With(f.Header(), Members{"alg": "HS256"}), f.Claims(), f.Ed.Public().(ed25519.PublicKey)),
		"HS256 with the RSA key, PEM":     hsToken(t, With(f.Header(), Members{"alg": "HS256", "kid": "rs"}), f.Claims(), pemOf(rsaPublic)),
		"HS256 with an empty secret":      hsToken(t, With(f.Header(), Members{"alg": "HS256"}), f.Claims(), nil),
		"RS512 with the RS256 key":        f.RSToken(t, With(f.Header(), Members{"alg": "RS512", "kid": "rs"}), f.Claims(), crypto.SHA512),
		"RS256 header, SHA-512 inside":    f.RSToken(t, With(f.Header(), Members{"alg": "RS256", "kid": "rs"}), f.Claims(), crypto.SHA512),
		"ES256 named for the Ed25519 key": header(Members{"alg": "ES256"}),
		"EdDSA named for the P-256 key":   header(Members{"kid": "ec"}),
		"RS256 named for the P-256 key":   f.RSToken(t, With(f.Header(), Members{"alg": "RS256", "kid": "ec"}), f.Claims(), crypto.SHA256),
		"ES256 signature of zeros":        esHead + "." + B64(make([]byte, 64)),
		"ES256 signature in DER":          esHead + "." + B64(der),
		"ES256 r = order, s = order":      esHead + "." + B64(append(elliptic.P256().Params().N.Bytes(), elliptic.P256().Params().N.Bytes()...)),
		"EdDSA with a lower-case name":    header(Members{"alg": "eddsa"}),
		"PS256":                           header(Members{"alg": "PS256", "kid": "rs"}),
		"Ed448 under EdDSA's name":        parts[0] + "." + parts[1] + "." + B64(make([]byte, 114)),

		// where the key comes from, how the token is read
		"crit of an unknown name":     header(Members{"crit": []string{"x"}, "x": 1}),
		"crit of a known name":        header(Members{"crit": []string{"exp"}}),
		"crit empty":                  header(Members{"crit": []string{}}),
		"b64 false":                   header(Members{"b64": false}),
		"b64 true":                    header(Members{"b64": true}),
		"zip":                         header(Members{"zip": "DEF"}),
		"jku":                         header(Members{"jku": "https://evil.example/jwks.json"}),
		"jwk with the attacker's key": SignEd(f.Other, Encode(t, With(f.Header(), Members{"jwk": Members{"kty": "OKP", "crv": "Ed25519", "x": B64(f.Other.Public().(ed25519.PublicKey))}}))+"."+parts[1]),
		"x5u":                         header(Members{"x5u": "https://evil.example/cert"}),
		"x5c":                         header(Members{"x5c": []string{"MIIB"}}),
		"x5t":                         header(Members{"x5t": "abc"}),
		"x5t#S256":                    header(Members{"x5t#S256": "abc"}),
		"cty JWT (nested)":            header(Members{"cty": "JWT"}),
		"enc (encrypted)":             header(Members{"enc": "A256GCM"}),
		"five parts (JWE)":            good + ".a.b",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  good + ".x",
		"JSON serialisation":          `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"two signatures":              good + "," + good,
		"kid missing":                 header(Members{"kid": nil}),
		"kid empty":                   header(Members{"kid": ""}),
		"kid unknown":                 header(Members{"kid": "nobody"}),
		"kid a path":                  header(Members{"kid": "../../dev/null"}),
		"kid an injection":            header(Members{"kid": "ed' OR '1'='1"}),
		"kid a number":                header(Members{"kid": 7}),
		"kid in a list":               header(Members{"kid": []string{"ed"}}),
		"kid very long":               header(Members{"kid": strings.Repeat("e", 200)}),
		"alg twice":                   raw(`{"alg":"EdDSA","kid":"ed","alg":"none"}`, string(payload)),
		"alg in capitals beside alg":  raw(`{"ALG":"EdDSA","kid":"ed"}`, string(payload)),
		"sub twice":                   raw(string(head), `{"sub":"admin",`+string(payload[1:])),
		"data after the header":       raw(string(head)+"{}", string(payload)),
		"data after the claims":       raw(string(head), string(payload)+`{"sub":"admin"}`),
		"claims a list":               raw(string(head), "["+string(payload)+"]"),
		"claims null":                 raw(string(head), "null"),
		"claims not UTF-8":            raw(string(head), strings.Replace(string(payload), "user1", "us\xffr", 1)),
		"typ of another token":        header(Members{"typ": "secevent+jwt"}),
		"typ of an ID token hint":     header(Members{"typ": "logout+jwt"}),
		"typ a number":                header(Members{"typ": 5}),

		// spelling
		"empty":                    "",
		"dots":                     "..",
		"a blank in front":         " " + good,
		"a line end inside":        parts[0] + ".\n" + parts[1] + "." + parts[2],
		"a line end at the end":    good + "\n",
		"padding":                  parts[0] + "." + parts[1] + "." + parts[2] + "==",
		"standard base64 alphabet": parts[0] + "." + parts[1] + "." + base64.RawStdEncoding.EncodeToString([]byte{0xfb, 0xff, 0xfe}),
		"loose last bits":          parts[0] + "." + parts[1] + "." + loosen(parts[2]),
		"over 8 KiB":               claims(Members{"pad": wide}),
		"a megabyte of dots":       strings.Repeat(".", 1<<20),

		// claims
		"iss wrong":               claims(Members{"iss": "https://evil.example"}),
		"iss with a slash":        claims(Members{"iss": f.Site + "/"}),
		"iss missing":             claims(Members{"iss": nil}),
		"iss a list":              claims(Members{"iss": []string{f.Site}}),
		"aud wrong":               claims(Members{"aud": "https://evil.example"}),
		"aud missing":             claims(Members{"aud": nil}),
		"aud an empty list":       claims(Members{"aud": []string{}}),
		"aud an object":           claims(Members{"aud": Members{f.Site: 1}}),
		"aud a prefix":            claims(Members{"aud": "https://app.exampl"}),
		"exp now":                 claims(Members{"exp": f.Now.Unix()}),
		"exp passed":              claims(Members{"exp": f.Now.Add(-time.Second).Unix()}),
		"exp missing":             claims(Members{"exp": nil}),
		"exp null":                raw(string(head), strings.Replace(string(payload), `"exp":`, `"exp":null,"exp2":`, 1)),
		"exp a string":            claims(Members{"exp": "1893499200"}),
		"exp zero":                claims(Members{"exp": 0}),
		"exp negative":            claims(Members{"exp": -1}),
		"exp beyond all time":     claims(Members{"exp": 1e300}),
		"exp a list":              claims(Members{"exp": []int{1}}),
		"nbf in the future":       claims(Members{"nbf": f.Now.Add(2 * time.Minute).Unix()}),
		"iat in the future":       claims(Members{"iat": f.Now.Add(2 * time.Minute).Unix()}),
		"iat missing":             claims(Members{"iat": nil}),
		"sub missing":             claims(Members{"sub": nil}),
		"sub empty":               claims(Members{"sub": ""}),
		"sub a number":            claims(Members{"sub": 1}),
		"sub an object":           claims(Members{"sub": Members{"id": "user1"}}),
		"sub with a control byte": claims(Members{"sub": "user1\u0000"}),
		"sub too long":            claims(Members{"sub": strings.Repeat("u", 65)}),
		"sid missing":             claims(Members{"sid": nil}),
		"sid a number":            claims(Members{"sid": 9}),
		"email_verified a string": claims(Members{"email_verified": "true"}),
		"role a list":             claims(Members{"role": []string{"admin"}}),
		"act a text":              claims(Members{"act": "admin"}),
		"act of nobody":           claims(Members{"act": Members{"iss": "x"}}),
		"an ID token":             claims(Members{"aud": "client-1", "nonce": "n"}),
		"a mail token":            hsToken(t, Members{"alg": "HS256"}, Members{"email": "a@b.example", "exp": f.Now.Add(time.Hour).Unix()}, []byte(strings.Repeat("s", 32))),
	}
}

// malleateEd adds the group's order to S: the same signature in other bytes, which
// RFC 8032 §5.1.7 forbids.
func malleateEd(signature []byte) []byte {
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
