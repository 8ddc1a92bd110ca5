package security

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"regexp"
	"strconv"

	"golang.org/x/crypto/scrypt"
)

// firebaseForm is how exports of Firebase write a hash: its costs (n is the power of
// two), the separator and the signing key of the project, the salt and the key.
var firebaseForm = regexp.MustCompile(`^\$fbscrypt\$v=1,n=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})(?:,ss=([A-Za-z0-9+/=]*))?,sk=([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$`)

// mostFirebase is the most that such a hash may cost, r * 2^n in units of 128
// bytes: as much as one of better-auth's. Firebase itself asks for half of that.
const mostFirebase = importedKiB << 10 / 128

// parseFirebase reads Firebase's scrypt, whose key encrypts the project's signing
// key: what comes out is the hash.
func parseFirebase(encoded string) (func([]byte) bool, error) {
	parts := firebaseForm.FindStringSubmatch(encoded)
	if parts == nil {
		return nil, errHash
	}
	var costs [3]int
	for i := range costs {
		costs[i], _ = strconv.Atoi(parts[i+1]) // the form has digits there
	}
	n, r, p := costs[0], costs[1], costs[2]
	if n < 1 || r < 1 || r<<min(n, 30) > mostFirebase || p < 1 || p > 2 {
		return nil, errHash
	}
	var values [4][]byte
	for i := range values {
		var err error
		if values[i], err = base64.StdEncoding.DecodeString(parts[i+4]); err != nil {
			return nil, errHash
		}
	}
	separator, signer, salt, want := values[0], values[1], values[2], values[3]
	if len(want) != len(signer) || len(want) < keyBytes || len(want) > maxKeyBytes {
		return nil, errHash
	}
	return func(password []byte) bool {
		key, err := scrypt.Key(password, append(salt[:len(salt):len(salt)], separator...), 1<<n, r, p, keyBytes)
		if err != nil {
			return false
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return false
		}
		got := make([]byte, len(signer))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(got, signer) //nolint:gosec // its form has no nonce: a key is for one password and salt
		return subtle.ConstantTimeCompare(got, want) == 1
	}, nil
}
