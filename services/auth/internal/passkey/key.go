package passkey

import (
	"math/big"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// The sizes of RSA keys: smaller ones are weak, and larger ones make whoever knows
// the credential id a cheap caller of dear work.
const (
	smallestRSA = 2048
	largestRSA  = 4096
)

var errKey = &protocol.Error{Type: "public_key", Details: "the public key of the passkey is none, or a weak one"}

// Sound refuses a public key that no signature fits, or that others could sign for.
// Where nothing is attested, nothing was signed by it yet, and go-webauthn looks at
// it at the first sign-in only.
func Sound(public []byte) error {
	key, err := webauthncose.ParsePublicKey(public)
	if err != nil {
		return errKey
	}
	k, is := key.(webauthncose.RSAPublicKeyData)
	if !is {
		return nil // its curve and its point were looked at
	}
	bits := new(big.Int).SetBytes(k.Modulus).BitLen()
	e, err := webauthncose.ParseRSAPublicKeyDataExponent(&k)
	if err != nil || k.Algorithm != int64(webauthncose.AlgRS256) || bits < smallestRSA || bits > largestRSA || e < 3 || e%2 == 0 {
		return errKey
	}
	return nil
}
