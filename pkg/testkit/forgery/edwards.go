package forgery

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// edwards are Ed25519 signatures that are none (RFC 8032 §5.1.7; Wycheproof's
// eddsa_test).
func (f Forge) edwards(t testing.TB) map[string]string {
	t.Helper()
	signed := Encode(t, f.Header()) + "." + Encode(t, f.Claims())
	signature := ed25519.Sign(f.Ed, []byte(signed))
	r, s := signature[:32], signature[32:]
	token := func(parts ...[]byte) string { return signed + "." + B64(slices.Concat(parts...)) }
	digest := sha512.Sum512([]byte(signed))
	prehashed, err := f.Ed.Sign(nil, digest[:], &ed25519.Options{Hash: crypto.SHA512})
	if err != nil {
		t.Fatal(err)
	}
	contextual, err := f.Ed.Sign(nil, []byte(signed), &ed25519.Options{Context: "jwt"})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{
		"Ed25519: S = 0":                        token(r, number(big.NewInt(0))),
		"Ed25519: S = 1":                        token(r, number(big.NewInt(1))),
		"Ed25519: S = the order":                token(r, number(order)),
		"Ed25519: S = the order - 1":            token(r, number(new(big.Int).Sub(order, big.NewInt(1)))),
		"Ed25519: S all ones":                   token(r, ones(32)),
		"Ed25519: S negated":                    token(r, number(new(big.Int).Sub(order, new(big.Int).SetBytes(reversed(s))))),
		"Ed25519: a high bit of S":              token(r, flip(s, 31, 0x80)),
		"Ed25519: R all zeros":                  token(make([]byte, 32), s),
		"Ed25519: R all ones":                   token(ones(32), s),
		"Ed25519: R's sign flipped":             token(flip(r, 31, 0x80), s),
		"Ed25519: a bit of R":                   token(flip(r, 0, 1), s),
		"Ed25519: R and S swapped":              token(s, r),
		"Ed25519: R alone":                      token(r),
		"Ed25519: S alone":                      token(s),
		"Ed25519: 65 bytes, a zero in front":    token([]byte{0}, r, s),
		"Ed25519: 65 bytes, a zero between":     token(r, []byte{0}, s),
		"Ed25519: twice":                        token(signature, signature),
		"Ed25519: of the digest (Ed25519ph)":    token(prehashed),
		"Ed25519: of a context (Ed25519ctx)":    token(contextual),
		"Ed25519: in hexadecimal":               signed + "." + hex.EncodeToString(signature),
		"Ed25519: of the claims alone":          token(ed25519.Sign(f.Ed, []byte(signed[strings.IndexByte(signed, '.')+1:]))),
		"Ed25519: of the text without its dots": token(ed25519.Sign(f.Ed, []byte(strings.ReplaceAll(signed, ".", "")))),
	}
	for i, point := range SmallOrder(t) {
		all["Ed25519: R of small order, S = 0, no. "+string(rune('a'+i))] = token(point, make([]byte, 32))
	}
	return all
}

// order is that of Ed25519's base point (RFC 8032 §5.1).
var order, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// SmallOrder are the codings of the points of order 1, 2, 4 and 8, canonical ones
// and others. A key that is one of them has signed everything: whoever may put it
// into a key set, or make somebody read it as one, needs no private key.
func SmallOrder(t testing.TB) [][]byte {
	t.Helper()
	texts := []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	}
	var points [][]byte
	for _, text := range texts {
		point, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		points = append(points, point, flip(point, 31, 0x80))
	}
	return points
}

// number writes an Ed25519 scalar, the least byte first.
func number(n *big.Int) []byte { return reversed(n.FillBytes(make([]byte, 32))) }

func reversed(b []byte) []byte {
	out := slices.Clone(b)
	slices.Reverse(out)
	return out
}

func ones(n int) []byte { return slices.Repeat([]byte{0xff}, n) }

func flip(b []byte, i int, bits byte) []byte {
	out := slices.Clone(b)
	out[i] ^= bits
	return out
}
