package security

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"sync"
)

// ServiceTokens are the bearer secrets that services show each other. The first
// one is sent, all are accepted, so that a rotation needs no common moment.
type ServiceTokens struct {
	set func() tokenSet // nil: there are none
}

type tokenSet struct {
	current string
	hashes  [][sha256.Size]byte
}

// NewServiceTokens takes the list as configured; empty entries are left out, so
// that an unset secret can never be matched by an empty header.
func NewServiceTokens(tokens []string) ServiceTokens {
	s := newTokenSet(tokens)
	return ServiceTokens{func() tokenSet { return s }}
}

// FollowServiceTokens asks for the list each time: it may change while the process
// runs.
func FollowServiceTokens(list func() []string) ServiceTokens {
	var mu sync.Mutex
	var known []string
	var s tokenSet
	return ServiceTokens{func() tokenSet {
		mu.Lock()
		defer mu.Unlock()
		if now := list(); !slices.Equal(now, known) {
			known, s = now, newTokenSet(now)
		}
		return s
	}}
}

func newTokenSet(tokens []string) (s tokenSet) {
	for _, t := range tokens {
		if t == "" {
			continue
		}
		if s.current == "" {
			s.current = t
		}
		s.hashes = append(s.hashes, sha256.Sum256([]byte(t)))
	}
	return s
}

// Current is the token to send to other services; empty when there is none.
func (s ServiceTokens) Current() string { return s.all().current }

func (s ServiceTokens) all() tokenSet {
	if s.set == nil {
		return tokenSet{}
	}
	return s.set()
}

// Check tells whether an Authorization header carries one of the tokens. Every
// token is compared through its hash: the time taken tells neither which one
// was close nor how long it is.
func (s ServiceTokens) Check(header string) bool {
	token, ok := BearerToken(header)
	if !ok {
		return false
	}
	got, hashes := sha256.Sum256([]byte(token)), s.all().hashes
	found := 0
	for i := range hashes {
		found |= subtle.ConstantTimeCompare(got[:], hashes[i][:])
	}
	return found == 1
}

// BearerToken takes the token out of an Authorization header (RFC 6750 §2.1;
// the scheme's name is case-insensitive). False when it holds anything else.
func BearerToken(header string) (string, bool) {
	const scheme = "bearer "
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	token := strings.Trim(header[len(scheme):], " ")
	return token, token != "" && !strings.ContainsAny(token, " \t,")
}
