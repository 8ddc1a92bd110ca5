// Package forgery makes access tokens that must never be believed: the attacks of
// RFC 8725, those that are known from other products, and the classes of the
// Wycheproof tests for JWS, Ed25519, ECDSA and RSA, all made with fresh keys.
package forgery

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"
)

// Forge holds the keys that a verifier knows as "ed", "ec" and "rs", one that it
// does not know, and what good tokens say.
type Forge struct {
	Site string    // issuer and audience
	Now  time.Time // the time at which good tokens are good

	Ed    ed25519.PrivateKey
	Other ed25519.PrivateKey // nobody trusts it
	EC    *ecdsa.PrivateKey
	RSA   *rsa.PrivateKey
}

// New makes keys.
func New(t testing.TB, site string, now time.Time) Forge {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	_, other, err2 := ed25519.GenerateKey(rand.Reader)
	ec, err3 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err4 := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	return Forge{Site: site, Now: now, Ed: ed, Other: other, EC: ec, RSA: rs}
}

// KeySet is the key set that the verifier is to have.
func (f Forge) KeySet(t testing.TB) string {
	t.Helper()
	point, err := f.EC.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := f.Ed.Public().(ed25519.PublicKey)
	return fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":%q},{"kty":"EC","crv":"P-256","kid":"ec","x":%q,"y":%q},{"kty":"RSA","kid":"rs","e":"AQAB","n":%q}]}`,
		B64(public), B64(point[1:33]), B64(point[33:]), B64(f.RSA.N.Bytes()))
}

// Members are those of a header or of claims.
type Members map[string]any

// Header is that of a good token with EdDSA.
func (f Forge) Header() Members { return Members{"alg": "EdDSA", "typ": "JWT", "kid": "ed"} }

// Claims are those of a good token.
func (f Forge) Claims() Members {
	return Members{
		"sub": "user1", "sid": "session1", "email_verified": true, "role": "user", "iss": f.Site, "aud": f.Site,
		"iat": f.Now.Add(-time.Minute).Unix(), "exp": f.Now.Add(14 * time.Minute).Unix(), "jti": "t1",
	}
}

// With is m with these changes; nil takes a member away.
func With(m, changes Members) Members {
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

// B64 is the coding of a token's parts.
func B64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Encode writes a part of a token.
func Encode(t testing.TB, m Members) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return B64(text)
}

// SignEd adds a signature to the first two parts.
func SignEd(key ed25519.PrivateKey, signed string) string {
	return signed + "." + B64(ed25519.Sign(key, []byte(signed)))
}

// EdToken signs any header and claims with Ed25519.
func (f Forge) EdToken(t testing.TB, header, claims Members) string {
	t.Helper()
	return SignEd(f.Ed, Encode(t, header)+"."+Encode(t, claims))
}

// ECToken signs with P-256.
func (f Forge) ECToken(t testing.TB, header, claims Members) string {
	t.Helper()
	signed := Encode(t, header) + "." + Encode(t, claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, f.EC, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + B64(pair(r, s, 32))
}

// RSToken signs with RSA, PKCS #1 v1.5.
func (f Forge) RSToken(t testing.TB, header, claims Members, hash crypto.Hash) string {
	t.Helper()
	signed := Encode(t, header) + "." + Encode(t, claims)
	h := hash.New()
	h.Write([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, f.RSA, hash, h.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + B64(signature)
}

func hsToken(t testing.TB, header, claims Members, secret []byte) string {
	t.Helper()
	signed := Encode(t, header) + "." + Encode(t, claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + B64(mac.Sum(nil))
}
