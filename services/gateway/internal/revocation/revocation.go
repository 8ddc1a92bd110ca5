// Package revocation owns what the gateway knows about tokens that ended before
// their time. It is filled from the revocation feed and asked on every request.
package revocation

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
)

// keep is how long an entry without an end of its own is kept: longer than any
// access token lives.
const keep = 20 * time.Minute

const sweepEvery = time.Minute

// userEnd ends all tokens of a user that were issued up to at.
type userEnd struct {
	at    time.Time
	until time.Time
	seen  time.Time // when this process learned it
}

// Set holds the revocations in force. The zero Set is not usable; see NewSet.
type Set struct {
	now   func() time.Time
	epoch atomic.Uint64

	mu       sync.RWMutex
	sessions map[string]time.Time // session → when the entry may go
	users    map[string]userEnd
	swept    time.Time
}

// NewSet makes an empty set.
func NewSet(now func() time.Time) *Set {
	return &Set{now: now, sessions: map[string]time.Time{}, users: map[string]userEnd{}, swept: now()}
}

// Epoch changes with every revocation: what was not refused in this epoch needs
// no look into the set before the next one.
func (s *Set) Epoch() uint64 { return s.epoch.Load() }

// Apply takes in one revocation of the feed.
func (s *Set) Apply(r cache.Revocation) {
	now := s.now()
	until := r.Until
	if until.IsZero() || until.After(now.Add(24*time.Hour)) {
		until = now.Add(keep)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.SessionID != "":
		s.sessions[r.SessionID] = until
	case r.UserID != "":
		if old := s.users[r.UserID]; old.at.After(r.At) {
			r.At = old.at
		}
		s.users[r.UserID] = userEnd{at: r.At, until: until, seen: now}
	}
	if now.Sub(s.swept) > sweepEvery {
		s.sweep(now)
	}
	// Last: who reads the new epoch finds the entry.
	s.epoch.Add(1)
}

func (s *Set) sweep(now time.Time) {
	s.swept = now
	for id, until := range s.sessions {
		if now.After(until) {
			delete(s.sessions, id)
		}
	}
	for id, end := range s.users {
		if now.After(end.until) {
			delete(s.users, id)
		}
	}
}

// Refuses tells whether a token was ended. asked is when auth was asked for it,
// the zero time when the client brought it: a revocation of all a user's sessions
// that was known by then has been minded by auth already. Without that a session
// begun in the very second of the revocation would be refused, since a token's
// time of issue has whole seconds.
func (s *Set) Refuses(c security.Claims, asked time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, ended := s.sessions[c.SessionID]; ended {
		return true
	}
	end, ended := s.users[c.Subject]
	if !ended || c.IssuedAt.After(end.at) {
		return false
	}
	return asked.IsZero() || end.seen.After(asked)
}
