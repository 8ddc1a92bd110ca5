package forgery

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// ecdsa are ES256 signatures that are none (FIPS 186-5 §6.4.2, RFC 7518 §3.4;
// Wycheproof's ecdsa_secp256r1_sha256_p1363_test). n - s in the place of s is not
// among them: it is as good by the standard, and nothing here depends on a token
// having one signature only.
func (f Forge) ecdsa(t testing.TB) map[string]string {
	t.Helper()
	signed := Encode(t, With(f.Header(), Members{"alg": "ES256", "kid": "ec"})) + "." + Encode(t, f.Claims())
	digest := sha256.Sum256([]byte(signed))
	sign := func(key *ecdsa.PrivateKey, digest []byte) (r, s *big.Int) {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			t.Fatal(err)
		}
		return r, s
	}
	r, s := sign(f.EC, digest[:])
	token := func(signature []byte) string { return signed + "." + B64(signature) }
	of := func(r, s *big.Int) string { return token(pair(r, s, 32)) }

	params := elliptic.P256().Params()
	n, p := params.N, params.P
	zero, one := big.NewInt(0), big.NewInt(1)
	before := new(big.Int).Sub(n, one)
	all := map[string]string{
		"ES256: s as r":                        of(s, r),
		"ES256: n - r":                         of(new(big.Int).Sub(n, r), s),
		"ES256: r + n in 33 bytes":             token(pair(new(big.Int).Add(r, n), s, 33)),
		"ES256: s + n in 33 bytes":             token(pair(r, new(big.Int).Add(s, n), 33)),
		"ES256: 33 bytes each, zeros in front": token(pair(r, s, 33)),
		"ES256: as long as for P-384":          token(pair(r, s, 48)),
		"ES256: r alone":                       token(r.FillBytes(make([]byte, 32))),
		"ES256: 63 bytes":                      token(pair(r, s, 32)[:63]),
		"ES256: 65 bytes":                      token(append(pair(r, s, 32), 0)),
		"ES256: a zero in front":               token(append([]byte{0}, pair(r, s, 32)...)),
		"ES256: twice":                         token(append(pair(r, s, 32), pair(r, s, 32)...)),
		"ES256: r all ones":                    token(append(ones(32), s.FillBytes(make([]byte, 32))...)),
		"ES256: all ones":                      token(ones(64)),
		"ES256: the least byte first":          token(append(reversed(r.FillBytes(make([]byte, 32))), reversed(s.FillBytes(make([]byte, 32)))...)),
		"ES256: the base point's x as r":       of(params.Gx, s),
	}
	for name, number := range map[string]*big.Int{"0": zero, "1": one, "n": n, "n - 1": before, "n + 1": new(big.Int).Add(n, one), "p": p} {
		all["ES256: r = "+name] = of(number, s)
		all["ES256: s = "+name] = of(r, number)
		all["ES256: r = s = "+name] = of(number, number)
	}
	all["ES256: r = p - n, s = 1"] = of(new(big.Int).Sub(p, n), one)

	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all["ES256: another key's"] = of(sign(other, digest[:]))
	long := sha512.Sum384([]byte(signed))
	all["ES256: of a SHA-384 digest"] = of(sign(f.EC, long[:]))
	all["ES256: of a digest of zeros"] = of(sign(f.EC, make([]byte, 32)))
	double := sha256.Sum256(digest[:])
	all["ES256: of the digest's digest"] = of(sign(f.EC, double[:]))
	claims := sha256.Sum256([]byte(signed[strings.IndexByte(signed, '.')+1:]))
	all["ES256: of the claims alone"] = of(sign(f.EC, claims[:]))
	for _, alg := range []string{"ES256K", "ES384", "ES512", "es256"} {
		all["ES256: named "+alg] = f.ECToken(t, With(f.Header(), Members{"alg": alg, "kid": "ec"}), f.Claims())
	}
	return all
}

// pair writes r and s in size bytes each, as JWS does.
func pair(r, s *big.Int, size int) []byte {
	return slices.Concat(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size)))
}
