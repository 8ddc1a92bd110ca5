package security

import (
	"crypto/rand"
	"crypto/sha256"
)

// alphabet is what tokens and ids are made of: safe in URLs, cookies and
// headers without encoding.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// fair is the highest byte value (exclusive) that maps onto the alphabet
// without favouring its first letters: 4 * 62.
const fair = 256 - 256%len(alphabet)

// Token gives n random characters of [A-Za-z0-9] from the system's generator,
// each worth 5.95 bits: 24 of them are 142 bits, 32 are 190.
func Token(n int) string {
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails: crypto/rand ends the process instead
		for _, b := range buf {
			if int(b) < fair && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// NewID gives an identifier for a row: 32 characters of [A-Za-z0-9].
func NewID() string { return Token(32) }

// HashToken gives the SHA-256 of a token, which is what is stored of it. A
// plain hash is enough because tokens are random: there is nothing to guess.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
