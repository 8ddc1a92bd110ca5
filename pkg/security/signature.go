package security

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math/big"

	"github.com/lestrrat-go/jwx/v2/jwa"
)

// verifySignature checks with the standard library: jwx's message parser is several
// times dearer and accepts headers that must be refused, and its bare verifiers do
// the same as this.
func verifySignature(alg string, signed, signature []byte, key crypto.PublicKey) error {
	good := false
	switch public := key.(type) {
	case ed25519.PublicKey:
		good = alg == jwa.EdDSA.String() && ed25519.Verify(public, signed, signature)
	case *ecdsa.PublicKey:
		good = verifyECDSA(alg, public, signed, signature)
	case *rsa.PublicKey:
		good = verifyRSA(alg, public, signed, signature)
	}
	if !good {
		return refuse("signature")
	}
	return nil
}

// verifyECDSA reads a signature in JWS's form: two numbers as long as the curve's
// (RFC 7518 §3.4), and no other length.
func verifyECDSA(alg string, public *ecdsa.PublicKey, signed, signature []byte) bool {
	var digest []byte
	switch {
	case alg == jwa.ES256.String() && public.Curve == elliptic.P256():
		sum := sha256.Sum256(signed)
		digest = sum[:]
	case alg == jwa.ES512.String() && public.Curve == elliptic.P521():
		sum := sha512.Sum512(signed)
		digest = sum[:]
	default:
		return false
	}
	size := (public.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(public, digest, r, s)
}

// verifyRSA checks in the one padding that the key is bound to.
func verifyRSA(alg string, public *rsa.PublicKey, signed, signature []byte) bool {
	digest := sha256.Sum256(signed)
	switch alg {
	case jwa.RS256.String():
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	case jwa.PS256.String(): // the salt is as long as the hash (RFC 7518 §3.5)
		return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return false
}

// smallOrder are the Ed25519 points of order 1, 2, 4 and 8 in all their codings, but
// for the sign. As a public key each of them has signed about everything.
var smallOrder = func() map[[ed25519.PublicKeySize]byte]bool {
	points := map[[ed25519.PublicKeySize]byte]bool{}
	for _, text := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		var point [ed25519.PublicKeySize]byte
		if _, err := hex.Decode(point[:], []byte(text)); err != nil {
			panic(err)
		}
		points[point] = true
	}
	return points
}()

// sound holds for a key that can be somebody's: anything else in a key set is a
// mistake or an attack.
func sound(key crypto.PublicKey) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		var point [ed25519.PublicKeySize]byte
		if copy(point[:], k) != len(point) || len(k) != len(point) {
			return false
		}
		point[len(point)-1] &= 0x7f
		return !smallOrder[point]
	case *ecdsa.PublicKey:
		_, err := k.ECDH() // refuses what is not on the curve
		return err == nil
	case *rsa.PublicKey:
		return k.N.Bit(0) == 1 && k.E >= 3 && k.E&1 == 1 && k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192
	}
	return false
}
