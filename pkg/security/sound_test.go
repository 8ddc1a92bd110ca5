package security_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

// signsEverything looks for a signature that needs no private key: S = 0 and an R
// of small order, good for about every eighth message.
func signsEverything(t *testing.T, point []byte) bool {
	t.Helper()
	for _, r := range forgery.SmallOrder(t) {
		signature := slices.Concat(r, make([]byte, 32))
		for n := range 64 {
			if ed25519.Verify(point, fmt.Append(nil, "anything ", n), signature) {
				return true
			}
		}
	}
	return false
}

func TestRemoteKeys_leaveOutKeysThatAreNobodys(t *testing.T) {
	t.Parallel()
	good, _ := edKey(t, "good")
	f := forgery.New(t, site, noon)
	point, err := f.EC.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	x, y := point[1:33], point[33:]
	p := elliptic.P256().Params().P
	ec := func(x, y []byte) string {
		return fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"KID","x":%q,"y":%q}`, forgery.B64(x), forgery.B64(y))
	}
	rsa := func(n, e *big.Int) string {
		return fmt.Sprintf(`{"kty":"RSA","kid":"KID","n":%q,"e":%q}`, forgery.B64(n.Bytes()), forgery.B64(e.Bytes()))
	}
	other := slices.Clone(y)
	other[31] ^= 1
	wide := new(big.Int).Add(new(big.Int).SetBytes(x), p)
	bad := map[string]string{
		"P-256: not on the curve":      ec(x, other),
		"P-256: x and y swapped":       ec(y, x),
		"P-256: the point at infinity": ec(make([]byte, 32), make([]byte, 32)),
		"P-256: x beyond the field":    ec(wide.Bytes(), y),
		"P-256: x empty":               ec(nil, y),
		"P-256: of P-384's name":       strings.Replace(ec(x, y), "P-256", "P-384", 1),
		"RSA: e = 1":                   rsa(f.RSA.N, big.NewInt(1)),
		"RSA: e = 2":                   rsa(f.RSA.N, big.NewInt(2)),
		"RSA: e even":                  rsa(f.RSA.N, big.NewInt(65536)),
		"RSA: e longer than 64 bits":   rsa(f.RSA.N, new(big.Int).Lsh(big.NewInt(1), 70)),
		"RSA: n even":                  rsa(new(big.Int).Add(f.RSA.N, big.NewInt(1)), big.NewInt(65537)),
		"RSA: 2,047 bits":              rsa(new(big.Int).SetBit(new(big.Int).Rsh(f.RSA.N, 1), 0, 1), big.NewInt(65537)),
		"RSA: 8,193 bits":              rsa(new(big.Int).SetBit(new(big.Int).SetBit(new(big.Int), 8192, 1), 0, 1), big.NewInt(65537)),
		"RSA: n = 1":                   rsa(big.NewInt(1), big.NewInt(65537)),
		"Ed25519: 31 bytes":            fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"KID","x":%q}`, forgery.B64(make([]byte, 31))),
		"Ed25519: 33 bytes":            fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"KID","x":%q}`, forgery.B64(bytes.Repeat([]byte{9}, 33))),
		"Ed25519: under X25519's name": fmt.Sprintf(`{"kty":"OKP","crv":"X25519","kid":"KID","x":%q}`, forgery.B64(bytes.Repeat([]byte{9}, 32))),
	}
	weak := 0
	for i, point := range forgery.SmallOrder(t) {
		bad[fmt.Sprint("Ed25519: small order, no. ", i)] = fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"KID","x":%q}`, forgery.B64(point))
		if signsEverything(t, point) {
			weak++
		}
	}
	if weak == 0 {
		t.Error("no point of small order signs anything: the table is wrong")
	}
	list := []string{good}
	for name, key := range bad {
		list = append(list, strings.Replace(key, "KID", name, 1))
	}
	keys := security.NewRemoteKeys(newIssuer(t, list...).URL, nil, quiet())
	if _, err := keys.Key(t.Context(), "good", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	for name := range bad {
		for _, alg := range []string{"EdDSA", "ES256", "RS256"} {
			if _, err := keys.Key(t.Context(), name, alg); !errors.Is(err, security.ErrTokenInvalid) {
				t.Errorf("%s is taken as a key for %s: %v", name, alg, err)
			}
		}
	}
	t.Logf("%d keys left out, %d of them sign without a private key", len(bad), weak)
}
