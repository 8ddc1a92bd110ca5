// Package apikey owns keys with which programs act as their owner: making and
// ending them, and deciding whether a use is one too many.
//
// A key is stored as its hash. Each use is one UPDATE that counts and decides at
// once, so that parallel uses cannot outrun a limit.
package apikey

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/token"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrNoSession    = problem.New(http.StatusUnauthorized, "UNAUTHORIZED_SESSION", "Unauthorized or invalid session")
	ErrInvalid      = problem.New(http.StatusUnauthorized, "INVALID_API_KEY", "Invalid API key.")
	ErrShort        = problem.New(http.StatusForbidden, "INVALID_API_KEY", "Invalid API key.")
	ErrDisabled     = problem.New(http.StatusUnauthorized, "KEY_DISABLED", "API Key is disabled")
	ErrExpired      = problem.New(http.StatusUnauthorized, "KEY_EXPIRED", "API Key has expired")
	ErrLacks        = problem.New(http.StatusForbidden, "KEY_LACKS_PERMISSION", "API Key does not have the permissions")
	ErrUsedUp       = problem.New(http.StatusTooManyRequests, "USAGE_EXCEEDED", "API Key has reached its usage limit")
	ErrUnknown      = problem.New(http.StatusNotFound, "KEY_NOT_FOUND", "API Key not found")
	ErrNoOwner      = problem.New(http.StatusNotFound, "USER_NOT_FOUND", "User not found")
	ErrServerOnly   = problem.New(http.StatusBadRequest, "SERVER_ONLY_PROPERTY", "The property you're trying to set can only be set from the server auth instance only.")
	ErrPrefixLength = problem.New(http.StatusBadRequest, "INVALID_PREFIX_LENGTH", "The prefix length is either too large or too small.")
	ErrNameLength   = problem.New(http.StatusBadRequest, "INVALID_NAME_LENGTH", "The name length is either too large or too small.")
	ErrTooSoon      = problem.New(http.StatusBadRequest, "EXPIRES_IN_IS_TOO_SMALL", "The expiresIn is smaller than the predefined minimum value.")
	ErrTooLate      = problem.New(http.StatusBadRequest, "EXPIRES_IN_IS_TOO_LARGE", "The expiresIn is larger than the predefined maximum value.")
	ErrNoMetadata   = problem.New(http.StatusBadRequest, "METADATA_DISABLED", "Metadata is disabled.")
	ErrMetadata     = problem.New(http.StatusBadRequest, "INVALID_METADATA_TYPE", "metadata must be an object or undefined")
	ErrNothing      = problem.New(http.StatusBadRequest, "NO_VALUES_TO_UPDATE", "No values to update.")
	ErrTooManyKeys  = problem.New(http.StatusBadRequest, "TOO_MANY_API_KEYS", "There are too many API keys: delete one first")
)

const (
	letters      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	secretLength = 64 // letters: 364 bits
	startLength  = 6  // of the key are shown
	longestKey   = 512
)

// Rules are the limits of keys.
type Rules struct {
	Limit    cache.Rate    // of uses, for keys that name none
	Shortest time.Duration // life, where one is named
	Longest  time.Duration
	Prefix   string // of keys that name none
	Metadata bool   // whether owners may keep data with a key
	Most     int    // keys of one person
}

// Keys makes keys and decides about their use.
type Keys struct {
	DB       database.Beginner
	Store    Store
	Sessions *session.Registry
	Issuer   *token.Issuer
	Services security.ServiceTokens
	Audit    *audit.Log
	Limits   *limit.Limits
	Rules    Rules
	Now      func() time.Time
}

// Key is one row, without the secret.
type Key struct {
	ID               string
	UserID           string
	ConfigID         string
	Name             *string
	Start            *string
	Prefix           *string
	Enabled          bool
	RateLimitEnabled bool
	RateLimitWindow  int64 // milliseconds
	RateLimitMax     int64
	RequestCount     int64
	WindowFrom       *time.Time
	Remaining        *int64
	RefillInterval   *int64 // milliseconds
	RefillAmount     *int64
	LastRefillAt     *time.Time
	LastRequestAt    *time.Time
	ExpiresAt        *time.Time
	Permissions      json.RawMessage // actions by resource, null for none
	Metadata         json.RawMessage
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// secret makes what comes after the prefix. Bytes beyond a multiple of the
// alphabet are left out, so that no letter is favoured.
func secret() string {
	const fair = 256 - 256%len(letters)
	out := make([]byte, 0, secretLength)
	var drawn [2 * secretLength]byte
	for len(out) < secretLength {
		_, _ = rand.Read(drawn[:]) // it never fails
		for _, b := range drawn {
			if int(b) < fair && len(out) < secretLength {
				out = append(out, letters[int(b)%len(letters)])
			}
		}
	}
	return string(out)
}

// create keeps a new key and gives its text, which nobody sees again.
func (k *Keys) create(ctx context.Context, c *wire.Call, key Key, by *session.Live) (Key, string, error) {
	now := wire.Moment(k.Now())
	text := secret()
	if key.Prefix != nil {
		text = *key.Prefix + text
	}
	start := text[:startLength]
	key.ID, key.ConfigID, key.Start, key.Enabled, key.CreatedAt, key.UpdatedAt = security.NewID(), "default", &start, true, now, now
	if key.RateLimitWindow == 0 {
		key.RateLimitEnabled, key.RateLimitWindow, key.RateLimitMax = true, k.Rules.Limit.Per.Milliseconds(), int64(k.Rules.Limit.Requests)
	}
	err := database.InTx(ctx, k.DB, func(tx pgx.Tx) error {
		if err := (Store{DB: tx}).Insert(ctx, key, security.HashToken(text), k.Rules.Most); err != nil {
			return err
		}
		return k.Audit.Record(ctx, tx, c, record(audit.KeyMade, key, by))
	})
	return key, text, err
}

// update changes a key of a person; somebody else's is not found. A key that is
// switched off takes its access tokens with it.
func (k *Keys) update(ctx context.Context, c *wire.Call, owner, id string, change Change, by *session.Live) (key Key, err error) {
	err = database.InTx(ctx, k.DB, func(tx pgx.Tx) (err error) {
		if key, err = (Store{DB: tx}).Update(ctx, owner, id, change, wire.Moment(k.Now())); err != nil {
			return err
		}
		return k.Audit.Record(ctx, tx, c, record(audit.KeyChanged, key, by))
	})
	if err != nil || key.Enabled {
		return key, err
	}
	return key, k.Sessions.Announce(ctx, []session.Ended{session.OfAPIKey(key.ID, key.UserID)}, "API key switched off")
}

// remove ends a key for good.
func (k *Keys) remove(ctx context.Context, c *wire.Call, owner, id string, by *session.Live) error {
	var key Key
	err := database.InTx(ctx, k.DB, func(tx pgx.Tx) (err error) {
		if key, err = (Store{DB: tx}).Delete(ctx, owner, id); err != nil {
			return err
		}
		return k.Audit.Record(ctx, tx, c, record(audit.KeyRemoved, key, by))
	})
	if err != nil {
		return err
	}
	return k.Sessions.Announce(ctx, []session.Ended{session.OfAPIKey(key.ID, key.UserID)}, "API key deleted")
}

func record(kind audit.Kind, key Key, by *session.Live) audit.Event {
	e := audit.Event{Kind: kind, UserID: key.UserID, Details: map[string]string{"key": key.ID}}
	if by == nil {
		e.ActorID = "service"
	} else {
		e.SessionID = by.ID
	}
	return e
}

// use charges one use of a key that allows everything asked for, and gives its
// owner; otherwise it says why not. c is the request that shows the key; nil where
// another service asks.
func (k *Keys) use(ctx context.Context, c *wire.Call, text string, asked map[string][]string) (Key, user.User, error) {
	if len(text) > longestKey || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Key{}, user.User{}, ErrInvalid
	}
	now := wire.Moment(k.Now())
	hash := security.HashToken(text)
	key, owner, err := k.Store.Use(ctx, hash, asked, now)
	if errors.Is(err, errRefused) {
		return Key{}, user.User{}, k.refuse(ctx, c, hash, asked, now)
	}
	return key, owner, err
}

// refuse says why a use is refused, and records it for the owner of a key that is over
// or allows less. That one has to wait is no such thing, and a key that nobody has is
// nobody's.
func (k *Keys) refuse(ctx context.Context, c *wire.Call, hash []byte, asked map[string][]string, now time.Time) error {
	key, owner, allows, err := k.Store.ByHash(ctx, hash, asked)
	switch {
	case errors.Is(err, ErrUnknown):
		return ErrInvalid
	case err != nil:
		return err
	}
	refusal := key.over(owner, allows, now)
	if refusal == nil {
		return key.spent(now)
	}
	if k.Limits.MayRecordKey(ctx, key.ID) {
		e := audit.Event{Kind: audit.KeyRefused, UserID: key.UserID, Failed: true, Details: map[string]string{"key": key.ID, "reason": refusal.Code}}
		if err := k.Audit.Record(ctx, k.Store.DB, c, e); err != nil {
			return err
		}
	}
	return refusal
}

// over gives the lasting reason against a key; nil for none.
func (k Key) over(owner user.User, allows bool, now time.Time) *problem.Problem {
	switch {
	case !k.Enabled:
		return ErrDisabled
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		return ErrExpired
	case owner.Barred(now):
		return wire.ErrBanned
	case !allows:
		return ErrLacks
	}
	return nil
}

// spent says which of a key's limits is reached, and until when.
func (k Key) spent(now time.Time) error {
	if k.Remaining != nil && *k.Remaining <= 0 && !k.refillDue(now) {
		return ErrUsedUp.WithRetryAfter(k.untilRefill(now))
	}
	return wire.ErrKeySpent.WithRetryAfter(k.untilWindow(now))
}

// mostWait is the longest time to wait that is told: a day.
const mostWait = 24 * time.Hour

// untilWindow gives when uses are counted anew.
func (k Key) untilWindow(now time.Time) time.Duration {
	if k.WindowFrom == nil {
		return time.Second
	}
	return wait(k.WindowFrom.Add(milliseconds(k.RateLimitWindow)), now)
}

// untilRefill gives when there are uses again; a day stands for never.
func (k Key) untilRefill(now time.Time) time.Duration {
	if k.RefillInterval == nil || k.RefillAmount == nil {
		return mostWait
	}
	return wait(k.lastRefill().Add(milliseconds(*k.RefillInterval)), now)
}

func (k Key) refillDue(now time.Time) bool {
	return k.RefillInterval != nil && k.RefillAmount != nil && !now.Before(k.lastRefill().Add(milliseconds(*k.RefillInterval)))
}

func (k Key) lastRefill() time.Time {
	if k.LastRefillAt == nil {
		return k.CreatedAt
	}
	return *k.LastRefillAt
}

func wait(until, now time.Time) time.Duration {
	return min(max(until.Sub(now), time.Millisecond), mostWait)
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// keyLife is what is shown as the end of the session of a key without one.
const keyLife = 7 * 24 * time.Hour

// Session is session.Registry's Key: what a key in a header stands for.
func (k *Keys) Session(ctx context.Context, c *wire.Call) (*session.Live, error) {
	text := c.Header(session.KeyHeader)
	if len(text) < secretLength {
		return nil, ErrShort
	}
	key, owner, err := k.use(ctx, c, text, nil)
	if err != nil {
		return nil, err
	}
	until := k.Now().Add(keyLife)
	if key.ExpiresAt != nil {
		until = *key.ExpiresAt
	}
	return k.Sessions.OfKey(owner, key.ID, text, c, wire.Moment(until)), nil
}
