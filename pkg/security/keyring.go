package security

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// MinSecretBytes is the least length of a secret that we make ourselves.
const MinSecretBytes = 32

// ErrUndecryptable says that no key of the ring opens a ciphertext.
var ErrUndecryptable = errors.New("no key opens this ciphertext")

// Keyring signs and encrypts with its first secret and verifies and decrypts
// with all of them, so that a secret is replaced by putting a new one in front.
// The formats are those of a better-auth server with the same secret.
type Keyring struct {
	keys []*key
}

// key is one secret in the two forms in which it is used.
type key struct {
	macs    sync.Pool // of hash.Hash, keyed with the secret
	sealing [sha256.Size]byte
}

// NewKeyring makes a ring of these secrets; the first one signs. It refuses an
// empty ring and secrets of fewer than MinSecretBytes bytes.
func NewKeyring(secrets []string) (Keyring, error) {
	if len(secrets) == 0 {
		return Keyring{}, errors.New("a keyring needs at least one secret")
	}
	ring := Keyring{keys: make([]*key, 0, len(secrets))}
	for i, secret := range secrets {
		if len(secret) < MinSecretBytes {
			return Keyring{}, fmt.Errorf("secret %d of the keyring has %d bytes, at least %d are needed", i+1, len(secret), MinSecretBytes)
		}
		k := &key{sealing: sha256.Sum256([]byte(secret))}
		k.macs.New = func() any { return hmac.New(sha256.New, []byte(secret)) }
		ring.keys = append(ring.keys, k)
	}
	return ring, nil
}

// mac appends the HMAC-SHA256 of message to dst. The keyed state is pooled:
// keying it anew costs more than hashing a token.
func (k *key) mac(dst []byte, message string) []byte {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	_, _ = h.Write([]byte(message))
	return h.Sum(dst)
}

// MAC gives the HMAC-SHA256 of message under the first secret.
func (r Keyring) MAC(message string) []byte {
	return r.keys[0].mac(nil, message)
}

// Sign gives value + "." + base64(HMAC-SHA256(first secret, value)), the form
// of better-auth's cookies before percent-encoding.
func (r Keyring) Sign(value string) string {
	var sum [sha256.Size]byte
	return value + "." + base64.StdEncoding.EncodeToString(r.keys[0].mac(sum[:0], value))
}

// signatureLen is the length of a padded base64 SHA-256.
const signatureLen = 44

// Verify gives the value of a signed text, whether it was signed with an older
// secret (so that it should be signed anew), and whether it verifies at all.
// It does no I/O: a forgery is refused before anything is looked up.
func (r Keyring) Verify(signed string) (value string, stale, ok bool) {
	dot := len(signed) - signatureLen - 1
	if dot < 1 || signed[dot] != '.' {
		return "", false, false
	}
	var sent [sha256.Size + 1]byte // the decoder may touch one byte more than it gives
	n, err := base64.StdEncoding.Strict().Decode(sent[:], []byte(signed[dot+1:]))
	if err != nil || n != sha256.Size {
		return "", false, false
	}
	value = signed[:dot]
	var sum [sha256.Size]byte
	for i, k := range r.keys {
		if hmac.Equal(k.mac(sum[:0], value), sent[:sha256.Size]) {
			return value, i > 0, true
		}
	}
	return "", false, false
}

// Encrypt seals plaintext with XChaCha20-Poly1305 under SHA-256(first secret)
// and gives lower-case hex of nonce, ciphertext and tag.
func (r Keyring) Encrypt(plaintext []byte) (string, error) {
	aead, err := chacha20poly1305.NewX(r.keys[0].sealing[:])
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	sealed := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plaintext)+aead.Overhead())
	_, _ = rand.Read(sealed)
	return hex.EncodeToString(aead.Seal(sealed, sealed, plaintext, nil)), nil
}

// Decrypt opens what Encrypt or a better-auth server sealed, also in its
// versioned envelope "$ba$<version>$<hex>". Every secret of the ring is tried:
// the tag tells which one fits, the version is not needed.
func (r Keyring) Decrypt(text string) ([]byte, error) {
	plaintext, _, err := r.Open(text)
	return plaintext, err
}

// Open is Decrypt, and tells whether the text was sealed with an older secret, so
// that it should be sealed anew.
func (r Keyring) Open(text string) (plaintext []byte, stale bool, err error) {
	if rest, ok := strings.CutPrefix(text, "$ba$"); ok {
		_, text, _ = strings.Cut(rest, "$")
	}
	sealed, err := hex.DecodeString(text)
	if err != nil || len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, false, ErrUndecryptable
	}
	for i, k := range r.keys {
		aead, err := chacha20poly1305.NewX(k.sealing[:])
		if err != nil {
			return nil, false, fmt.Errorf("decrypt: %w", err)
		}
		nonce, ciphertext := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
		if plaintext, err := aead.Open(nil, nonce, ciphertext, nil); err == nil {
			return plaintext, i > 0, nil
		}
	}
	return nil, false, ErrUndecryptable
}

// jwtHeader is the encoded {"alg":"HS256"}, the only header that is made or accepted.
const jwtHeader = "eyJhbGciOiJIUzI1NiJ9"

// SignJWT gives an HS256 token with these claims, for links in mails. Such a
// token is never an access token: those are signed by Signer with another kind
// of key.
func (r Keyring) SignJWT(claims map[string]any) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	signed := jwtHeader + "." + base64.RawURLEncoding.EncodeToString(body)
	return signed + "." + base64.RawURLEncoding.EncodeToString(r.MAC(signed)), nil
}

// maxMailToken bounds the work for a token from outside.
const maxMailToken = 4096

// VerifyJWT gives the claims of an HS256 token signed with any secret of the
// ring. It fails with ErrTokenInvalid, or with ErrTokenExpired when the token
// verifies but its exp (which must be there) is not after now.
func (r Keyring) VerifyJWT(token string, now time.Time) (map[string]any, error) {
	dot := strings.LastIndexByte(token, '.')
	if len(token) > maxMailToken || dot < 0 || !strings.HasPrefix(token, jwtHeader+".") {
		return nil, ErrTokenInvalid
	}
	sent, err := base64.RawURLEncoding.Strict().DecodeString(token[dot+1:])
	if err != nil || !r.signed(token[:dot], sent) || dot <= len(jwtHeader) {
		return nil, ErrTokenInvalid
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(token[len(jwtHeader)+1 : dot])
	if err != nil {
		return nil, ErrTokenInvalid
	}
	var claims map[string]any
	if err := json.Unmarshal(body, &claims); err != nil {
		return nil, ErrTokenInvalid
	}
	exp, ok := claims["exp"].(float64)
	if !ok {
		return nil, ErrTokenInvalid
	}
	if !now.Before(time.Unix(int64(exp), 0)) {
		return nil, ErrTokenExpired
	}
	return claims, nil
}

func (r Keyring) signed(message string, mac []byte) bool {
	for _, k := range r.keys {
		if hmac.Equal(k.mac(nil, message), mac) {
			return true
		}
	}
	return false
}
