package security

import (
	"context"
	"crypto"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Key is a public key of a key set, bound to its one algorithm.
type Key struct {
	Public crypto.PublicKey
	gone   atomic.Bool
}

// Gone tells whether the key has left its set: what it signed is void at once.
func (k *Key) Gone() bool { return k.gone.Load() }

// KeySource finds the public key that a token names. It answers ErrKeysUnavailable
// when it has no keys at all and ErrTokenInvalid when it has none with this id
// for this algorithm: a key is bound to its algorithm.
type KeySource interface {
	Key(ctx context.Context, kid, alg string) (*Key, error)
}

// Verifier checks access tokens: signature by a key of the token's own issuer,
// audience, lifetime, kind. Safe for concurrent use.
type Verifier struct {
	issuers []*issuer
	now     func() time.Time
}

// issuer is somebody whose tokens are believed, under these names.
type issuer struct {
	names     []string
	audiences []string
	keys      KeySource
	foreign   bool // not the product's own: it may say who, never what that person may do
}

// NewVerifier accepts tokens of the product's own issuer, which may have several
// names, for these audiences (any of them), and those of the others.
func NewVerifier(keys KeySource, issuers, audiences []string, now func() time.Time, others ...*ForeignIssuer) *Verifier {
	v := &Verifier{now: now, issuers: []*issuer{{names: issuers, audiences: audiences, keys: keys}}}
	for _, o := range others {
		v.issuers = append(v.issuers, &issuer{names: []string{o.Name}, audiences: []string{o.audience}, keys: o.keys, foreign: true})
	}
	return v
}

// admit applies the issuer's own rules to what its token says.
func (i *issuer) admit(c Claims) (Claims, error) {
	if !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(i.audiences, a) }) {
		return Claims{}, refuse("another audience")
	}
	if i.foreign {
		return adopt(c)
	}
	switch {
	case !opaqueID(c.Subject) || strings.HasPrefix(c.Subject, foreignPrefix):
		return Claims{}, refuse("no subject of ours")
	case !opaqueID(c.SessionID): // without it a sign-out could not reach the token
		return Claims{}, refuse("no session")
	}
	return c, nil
}

// opaqueID holds what an id may be: 1 to 64 visible ASCII characters.
func opaqueID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return len(id) > 0 && len(id) <= 64
}
