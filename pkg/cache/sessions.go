package cache

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// MaxSessionTTL is the longest that a cached session is believed: with every
// other safeguard failing, an ended session is over after this time (SES-06).
const MaxSessionTTL = 60 * time.Second

// ended is the version of a revoked entry: the highest number that Lua's
// floating point holds exactly, above every real version.
const ended = 1<<53 - 1

//go:embed sessions.lua
var sessionsSource string

var sessionsScript = redis.NewScript(sessionsSource)

// Sessions caches what a session token stands for, under the token's hash. It
// saves a query, nothing more: a miss, a broken entry and a lost Redis all mean
// "ask the database". T is written as JSON.
type Sessions[T any] struct {
	rdb    redis.UniversalClient
	prefix string
	health *Health
	now    func() time.Time
	log    *slog.Logger
	near   near[T]

	// What could not be ended in Redis is refused here until the entry there is
	// over by itself.
	mu      sync.RWMutex
	pending map[string]time.Time
}

// NewSessions takes a client that may be nil (no Redis: every Get is a miss) and
// a prefix for its keys.
func NewSessions[T any](rdb redis.UniversalClient, prefix string, log *slog.Logger) *Sessions[T] {
	return &Sessions[T]{
		rdb: rdb, prefix: prefix + ":session:", health: NewHealth("sessions", log), log: log,
		now: time.Now, pending: map[string]time.Time{},
	}
}

// Watch keeps what is asked for often in this process too, for up to 2 s at a time,
// and hears from the others what is over, until ctx ends. Without it every Get
// asks Redis. What Get gives is then shared: nobody may change what it points to.
func (s *Sessions[T]) Watch(ctx context.Context) {
	if s.rdb != nil {
		s.near.listen(ctx, s.rdb, s.prefix+"over", s.log)
	}
}

// Get gives the cached value. False without an error is a miss; an error says
// that Redis is away, which is to be treated as a miss too.
func (s *Sessions[T]) Get(ctx context.Context, tokenHash []byte) (value T, ok bool, err error) {
	if s.rdb == nil {
		return value, false, nil
	}
	key := s.key(tokenHash)
	if s.refused(key) {
		return value, false, nil
	}
	value, epoch, ok := s.near.get(tokenHash, s.now())
	if ok {
		return value, true, nil
	}
	var raw []byte
	err = s.health.Do(ctx, func(ctx context.Context) (err error) {
		raw, err = s.rdb.Get(ctx, key).Bytes()
		return err
	})
	switch {
	case errors.Is(err, redis.Nil):
		return value, false, nil
	case err != nil:
		return value, false, fmt.Errorf("cached session: %w", err)
	}
	_, body, _ := bytes.Cut(raw, []byte{'|'})
	if len(body) == 0 || json.Unmarshal(body, &value) != nil {
		var none T
		return none, false, nil //nolint:nilerr // an entry that cannot be read is a miss
	}
	s.near.put(tokenHash, value, epoch, s.now())
	return value, true, nil
}

// Fill keeps a value that was read from the database at this version, for at
// most MaxSessionTTL and a little less at random, so that entries made together
// do not end together. It never takes the place of a newer version or of an
// ended session.
func (s *Sessions[T]) Fill(ctx context.Context, tokenHash []byte, value T, version int64) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("cache session: %w", err)
	}
	s.near.drop(tokenHash)
	ttl := MaxSessionTTL - rand.N(MaxSessionTTL/4)
	return s.write(ctx, tokenHash, version, body, ttl)
}

// Outdate drops cached values older than this version, after the row changed:
// the next Get asks the database. Newer ones stay.
func (s *Sessions[T]) Outdate(ctx context.Context, version int64, tokenHashes ...[]byte) error {
	var failed error
	for _, hash := range tokenHashes {
		failed = cmp.Or(failed, s.drop(ctx, hash, version))
	}
	return failed
}

// Delete ends cached sessions whose rows are gone, and keeps a late fill out.
// When Redis cannot be told, this process refuses the entries by itself and the
// error says that others may believe them up to MaxSessionTTL longer.
func (s *Sessions[T]) Delete(ctx context.Context, tokenHashes ...[]byte) error {
	return s.Outdate(ctx, ended, tokenHashes...)
}

func (s *Sessions[T]) drop(ctx context.Context, tokenHash []byte, version int64) error {
	s.near.drop(tokenHash)
	err := s.write(ctx, tokenHash, version, nil, MaxSessionTTL)
	s.near.drop(tokenHash) // what was read between the two
	if err != nil {
		s.refuse(s.key(tokenHash))
	}
	return err
}

func (s *Sessions[T]) write(ctx context.Context, tokenHash []byte, version int64, body []byte, ttl time.Duration) error {
	if s.rdb == nil {
		return nil
	}
	err := s.health.Do(ctx, func(ctx context.Context) error {
		return sessionsScript.Run(ctx, s.rdb, []string{s.key(tokenHash)},
			strconv.FormatInt(version, 10), body, ttl.Milliseconds(), s.prefix+"over", tokenHash).Err()
	})
	if err != nil {
		return fmt.Errorf("cache session: %w", err)
	}
	return nil
}

// Up tells whether Redis answered the last question; true without Redis.
func (s *Sessions[T]) Up() bool { return s.rdb == nil || s.health.Up() }

func (s *Sessions[T]) key(tokenHash []byte) string {
	buf := make([]byte, 0, len(s.prefix)+2*len(tokenHash))
	buf = append(buf, s.prefix...)
	return string(hex.AppendEncode(buf, tokenHash))
}

func (s *Sessions[T]) refused(key string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.pending) == 0 {
		return false
	}
	until, found := s.pending[key]
	return found && s.now().Before(until)
}

// refuse notes an entry, and forgets those that are over.
func (s *Sessions[T]) refuse(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for k, until := range s.pending {
		if !now.Before(until) {
			delete(s.pending, k)
		}
	}
	s.pending[key] = now.Add(MaxSessionTTL)
}
