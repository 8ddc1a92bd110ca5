// Package revocation owns what the gateway knows about tokens that ended before
// their time. It is filled from the revocation feed and asked on every request.
//
// Nothing here is taken back while the process runs: a store that was flushed,
// restarted or paused un-revokes nobody.
package revocation

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
)

const (
	// keep is how long an entry is kept at most: longer than any access token
	// lives, a foreign issuer's included.
	keep = 70 * time.Minute
	// maxEntries bounds the memory, about 40 MiB. Beyond it the oldest entries go
	// first, which are the nearest to their end, and the log says so.
	maxEntries = 200_000
	warnEvery  = time.Minute
)

// userEnd ends all tokens of a user that were issued up to at.
type userEnd struct {
	at    time.Time
	seen  time.Time // when this process learned it
	until time.Time // when the entry may go
}

// entry is one of the set's, of a session or else of a user.
type entry struct {
	session, user string
	until         time.Time
}

// Set holds the revocations in force. The zero Set is not usable; see NewSet.
type Set struct {
	now   func() time.Time
	log   *slog.Logger
	epoch atomic.Uint64

	mu       sync.RWMutex
	sessions map[string]time.Time // session → when the entry may go
	users    map[string]userEnd
	queue    []entry // in order of arrival; about that of their ends
	limit    int
	warned   time.Time
	watches  watches
}

// NewSet makes an empty set.
func NewSet(now func() time.Time, log *slog.Logger) *Set {
	return &Set{
		now: now, log: log, limit: maxEntries,
		sessions: map[string]time.Time{}, users: map[string]userEnd{}, watches: newWatches(),
	}
}

// Epoch changes with every revocation: what was not refused in this epoch needs
// no look into the set before the next one.
func (s *Set) Epoch() uint64 { return s.epoch.Load() }

// Apply takes in one revocation of the feed; the same one twice is as good as once.
func (s *Set) Apply(r cache.Revocation) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.SessionID != "":
		s.endSession(r, now)
	case r.UserID != "":
		s.endUser(r, now)
	}
	s.sweep(now)
	// Last: who reads the new epoch finds the entry.
	s.epoch.Add(1)
}

func (s *Set) endSession(r cache.Revocation, now time.Time) {
	left := keep
	if !r.Until.IsZero() {
		left = min(keep, r.Until.Sub(now))
	}
	until := now.Add(left) // by now's monotonic reading: a wall clock that jumps sweeps nothing
	s.watches.endSession(r.SessionID)
	if until.After(s.sessions[r.SessionID]) {
		s.sessions[r.SessionID] = until
		s.queue = append(s.queue, entry{session: r.SessionID, until: until})
	}
}

func (s *Set) endUser(r cache.Revocation, now time.Time) {
	end, known := s.users[r.UserID]
	if known && !r.At.After(end.at) {
		return
	}
	end = userEnd{at: r.At, seen: now, until: now.Add(keep)} // others' tokens of this user may live longer than auth's
	s.users[r.UserID] = end
	s.queue = append(s.queue, entry{user: r.UserID, until: end.until})
	s.watches.endUser(r.UserID, end.at)
}

// sweep lets go what can refuse nothing any more, and the oldest of too many.
func (s *Set) sweep(now time.Time) {
	gone := 0
	for _, e := range s.queue {
		tooMany := len(s.queue)-gone > s.limit
		if !tooMany && !now.After(e.until) {
			break
		}
		if !now.After(e.until) && now.Sub(s.warned) > warnEvery {
			s.warned = now
			s.log.Error("too many revocations at once: the oldest are forgotten, their tokens live until they end", "kept", s.limit)
		}
		s.drop(e)
		gone++
	}
	s.queue = s.queue[gone:]
}

// drop forgets an entry, unless a later one of the same session or user holds on.
func (s *Set) drop(e entry) {
	switch {
	case e.session != "" && !s.sessions[e.session].After(e.until):
		delete(s.sessions, e.session)
	case e.user != "" && !s.users[e.user].until.After(e.until):
		delete(s.users, e.user)
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
	return s.refuses(c, asked)
}

func (s *Set) refuses(c security.Claims, asked time.Time) bool {
	if _, ended := s.sessions[c.SessionID]; ended {
		return true
	}
	end, ended := s.users[c.Subject]
	if !ended || c.IssuedAt.After(end.at) {
		return false
	}
	return asked.IsZero() || end.seen.After(asked)
}

// Watch gives a channel that is closed when the token's session or user is ended,
// at once where that has happened already. The same channel serves all tokens of a
// session. It is also closed to make room, when tens of thousands of other sessions
// were watched since: its answer then breaks off and its client comes again.
func (s *Set) Watch(c security.Claims, asked time.Time) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuses(c, asked) {
		return closed
	}
	return s.watches.add(c)
}
