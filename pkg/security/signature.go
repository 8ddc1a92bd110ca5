package security

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
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
		good = alg == jwa.ES256.String() && verifyES256(public, signed, signature)
	case *rsa.PublicKey:
		digest := sha256.Sum256(signed)
		good = alg == jwa.RS256.String() && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	}
	if !good {
		return refuse("signature")
	}
	return nil
}

// verifyES256 reads a signature in JWS's form: two numbers of 32 bytes (RFC 7518
// §3.4), and no other length.
func verifyES256(public *ecdsa.PublicKey, signed, signature []byte) bool {
	const size = 32
	if len(signature) != 2*size {
		return false
	}
	digest := sha256.Sum256(signed)
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	return ecdsa.Verify(public, digest[:], r, s)
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
