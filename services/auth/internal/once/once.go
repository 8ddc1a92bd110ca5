// Package once owns secrets that work once: codes, challenges, states and the
// tokens of links. The table holds the hash of a secret and, sealed, what belongs
// to it; reading the table lets nobody in. Whatever ends a secret is one
// statement, so that of parallel uses one succeeds.
package once

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// ErrNone says that there is no such secret: unknown, over, or used. ErrOver is
// an ErrNone for one that was not swept away yet.
var (
	ErrNone = errors.New("no such secret")
	ErrOver = fmt.Errorf("%w any more", ErrNone)
)

// Secrets keeps secrets of every purpose.
type Secrets struct {
	Ring security.Keyring
	Now  func() time.Time
}

// Entry is a secret that is kept.
type Entry struct {
	// Purpose names the kind of secret, such as "magic-link".
	Purpose string
	// Key is the secret itself, or, where the secret is too short to be found by
	// its hash, what it belongs to, such as an address.
	Key string
	// UserID is whose it is; "" where that is not known yet. It goes with the person.
	UserID string
	// Value belongs to the secret and is kept sealed; it must be fit for JSON.
	Value any
	Life  time.Duration
}

// Kept is what is known of a secret.
type Kept struct {
	UserID    string
	Tries     int // wrong ones so far
	ExpiresAt time.Time
	value     []byte
}

// Read gives back the value.
func (k Kept) Read(into any) error {
	if err := json.Unmarshal(k.value, into); err != nil {
		return fmt.Errorf("read one-time value: %w", err)
	}
	return nil
}

// Put keeps a secret; an older one of the same purpose and key is replaced.
func (s Secrets) Put(ctx context.Context, db database.Querier, e Entry) error {
	text, err := json.Marshal(e.Value)
	if err != nil {
		return fmt.Errorf("keep %s: %w", e.Purpose, err)
	}
	sealed, err := s.Ring.Encrypt(text)
	if err != nil {
		return fmt.Errorf("keep %s: %w", e.Purpose, err)
	}
	now := wire.Moment(s.Now())
	_, err = db.Exec(ctx, `
		INSERT INTO better_auth.one_time (purpose, key_hash, user_id, value, created_at, expires_at)
		VALUES ($1, $2, nullif($3, ''), $4, $5, $6)
		ON CONFLICT (purpose, key_hash) DO UPDATE
		SET user_id = EXCLUDED.user_id, value = EXCLUDED.value, tries = 0,
		    created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at`,
		e.Purpose, security.HashToken(e.Key), e.UserID, sealed, now, now.Add(e.Life))
	if err != nil {
		return fmt.Errorf("keep %s: %w", e.Purpose, err)
	}
	return nil
}

// Take spends a secret: of parallel calls one gets it, the others ErrNone.
func (s Secrets) Take(ctx context.Context, db database.Querier, purpose, key string) (Kept, error) {
	return s.one(db.QueryRow(ctx, `
		DELETE FROM better_auth.one_time
		WHERE purpose = $1 AND key_hash = $2
		RETURNING coalesce(user_id, ''), value, tries, expires_at`, purpose, security.HashToken(key)), purpose)
}

// Peek looks at a secret without spending it.
func (s Secrets) Peek(ctx context.Context, db database.Querier, purpose, key string) (Kept, error) {
	return s.one(db.QueryRow(ctx, `
		SELECT coalesce(user_id, ''), value, tries, expires_at
		FROM better_auth.one_time
		WHERE purpose = $1 AND key_hash = $2`, purpose, security.HashToken(key)), purpose)
}

// Try charges one try and gives the secret with the count that includes it, so
// that parallel guesses cannot outrun the limit. With more than most tries
// before this one the secret is ErrNone, though it is still there.
func (s Secrets) Try(ctx context.Context, db database.Querier, purpose, key string, most int) (Kept, error) {
	return s.one(db.QueryRow(ctx, `
		UPDATE better_auth.one_time SET tries = tries + 1
		WHERE purpose = $1 AND key_hash = $2 AND tries < $3
		RETURNING coalesce(user_id, ''), value, tries, expires_at`, purpose, security.HashToken(key), most), purpose)
}

// Spare gives a try back: it was right, and the secret is not spent by it.
func (s Secrets) Spare(ctx context.Context, db database.Querier, purpose, key string) error {
	_, err := db.Exec(ctx, `
		UPDATE better_auth.one_time SET tries = tries - 1
		WHERE purpose = $1 AND key_hash = $2 AND tries > 0`, purpose, security.HashToken(key))
	if err != nil {
		return fmt.Errorf("spare %s: %w", purpose, err)
	}
	return nil
}

// Rename keeps a secret, where there is one, under another key.
func (s Secrets) Rename(ctx context.Context, db database.Querier, purpose, from, to string) error {
	if _, err := db.Exec(ctx, `UPDATE better_auth.one_time SET key_hash = $3 WHERE purpose = $1 AND key_hash = $2`,
		purpose, security.HashToken(from), security.HashToken(to)); err != nil {
		return fmt.Errorf("rename %s: %w", purpose, err)
	}
	return nil
}

// ForgetUser ends all secrets of a purpose that belong to a person.
func (s Secrets) ForgetUser(ctx context.Context, db database.Querier, purpose, userID string) error {
	if _, err := db.Exec(ctx, `DELETE FROM better_auth.one_time WHERE purpose = $1 AND user_id = $2`, purpose, userID); err != nil {
		return fmt.Errorf("forget %s: %w", purpose, err)
	}
	return nil
}

// late is how long a secret stays after its end: who comes late is told so.
const late = time.Hour

// Sweep deletes up to limit secrets that are over. The end is asked twice: one that
// was replaced since it was found is a new one under the same key.
func Sweep(ctx context.Context, db database.Querier, now time.Time, limit int) (int64, error) {
	tag, err := db.Exec(ctx, `
		DELETE FROM better_auth.one_time
		WHERE (purpose, key_hash) IN (SELECT purpose, key_hash FROM better_auth.one_time WHERE expires_at < $1 LIMIT $2)
		  AND expires_at < $1`, now.Add(-late), limit)
	if err != nil {
		return 0, fmt.Errorf("sweep one-time secrets: %w", err)
	}
	return tag.RowsAffected(), nil
}

func (s Secrets) one(row pgx.Row, purpose string) (Kept, error) {
	var k Kept
	var sealed string
	switch err := row.Scan(&k.UserID, &sealed, &k.Tries, &k.ExpiresAt); {
	case errors.Is(err, pgx.ErrNoRows):
		return Kept{}, ErrNone
	case err != nil:
		return Kept{}, fmt.Errorf("%s: %w", purpose, err)
	}
	if !s.Now().Before(k.ExpiresAt) {
		return Kept{}, ErrOver
	}
	var err error
	if k.value, err = s.Ring.Decrypt(sealed); err != nil {
		return Kept{}, fmt.Errorf("%s: %w", purpose, err)
	}
	return k, nil
}
