package apikey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// errRefused says that a use was not charged; why says the reason.
var errRefused = errors.New("API key refused")

// Store keeps keys. DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

const columns = `k.id, k.user_id, k.config_id, k.name, k.start, k.prefix, k.enabled, k.rate_limit_enabled, k.rate_limit_window_ms, k.rate_limit_max,
	k.request_count, k.window_from, k.remaining, k.refill_interval_ms, k.refill_amount, k.last_refill_at, k.last_request_at, k.expires_at,
	k.permissions, k.metadata, k.created_at, k.updated_at`

func (k *Key) fields() []any {
	return []any{
		&k.ID, &k.UserID, &k.ConfigID, &k.Name, &k.Start, &k.Prefix, &k.Enabled, &k.RateLimitEnabled, &k.RateLimitWindow, &k.RateLimitMax,
		&k.RequestCount, &k.WindowFrom, &k.Remaining, &k.RefillInterval, &k.RefillAmount, &k.LastRefillAt, &k.LastRequestAt, &k.ExpiresAt,
		&k.Permissions, &k.Metadata, &k.CreatedAt, &k.UpdatedAt,
	}
}

// Insert keeps a new key of somebody who has fewer than most. The owner's row is
// locked: of parallel ones none goes beyond the limit.
func (s Store) Insert(ctx context.Context, k Key, hash []byte, most int) error {
	var have int
	err := s.DB.QueryRow(ctx, `
		WITH owner AS (SELECT id FROM better_auth.users WHERE id = $1 FOR NO KEY UPDATE)
		SELECT (SELECT count(*) FROM better_auth.api_keys WHERE user_id = owner.id) FROM owner`, k.UserID).Scan(&have)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNoOwner
	case err != nil:
		return fmt.Errorf("count API keys: %w", err)
	case have >= most:
		return ErrTooManyKeys
	}
	_, err = s.DB.Exec(ctx, `
		INSERT INTO better_auth.api_keys
		       (id, user_id, config_id, name, start, prefix, key_hash, enabled, rate_limit_enabled, rate_limit_window_ms, rate_limit_max,
		        remaining, refill_interval_ms, refill_amount, expires_at, permissions, metadata, created_at, updated_at)
		VALUES (@id, @user_id, @config_id, @name, @start, @prefix, @hash, @enabled, @rate_limit_enabled, @window, @max,
		        @remaining, @refill_interval, @refill_amount, @expires_at, @permissions::jsonb, @metadata::jsonb, @now, @now)`,
		pgx.NamedArgs{
			"id": k.ID, "user_id": k.UserID, "config_id": k.ConfigID, "name": k.Name, "start": k.Start, "prefix": k.Prefix, "hash": hash,
			"enabled": k.Enabled, "rate_limit_enabled": k.RateLimitEnabled, "window": k.RateLimitWindow, "max": k.RateLimitMax,
			"remaining": k.Remaining, "refill_interval": k.RefillInterval, "refill_amount": k.RefillAmount, "expires_at": k.ExpiresAt,
			"permissions": object(k.Permissions), "metadata": object(k.Metadata), "now": k.CreatedAt,
		})
	if err != nil {
		return fmt.Errorf("insert API key: %w", err)
	}
	return nil
}

// object is what a jsonb column gets: nil for none.
func object(raw json.RawMessage) *string {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	text := string(raw)
	return &text
}

// windowOver and refillDue are the conditions of Use, at @now.
const (
	windowOver = `(k.window_from IS NULL OR k.window_from + k.rate_limit_window_ms * interval '1 millisecond' <= @now)`
	refillDue  = `(k.refill_amount > 0 AND coalesce(k.last_refill_at, k.created_at) + k.refill_interval_ms * interval '1 millisecond' <= @now)`
)

// Use charges one use and gives the key with its owner, or errRefused. The
// statement decides and counts in one: PostgreSQL looks at the row again when
// another use changed it meanwhile.
func (s Store) Use(ctx context.Context, hash []byte, asked map[string][]string, now time.Time) (k Key, u user.User, err error) {
	wanted, err := wants(asked)
	if err != nil {
		return k, u, err
	}
	err = s.DB.QueryRow(ctx, `
		UPDATE better_auth.api_keys k
		SET request_count   = CASE WHEN `+windowOver+` THEN 1 ELSE k.request_count + 1 END,
		    window_from     = CASE WHEN `+windowOver+` THEN @now ELSE k.window_from END,
		    remaining       = CASE WHEN k.remaining IS NULL THEN NULL WHEN `+refillDue+` THEN k.refill_amount - 1 ELSE k.remaining - 1 END,
		    last_refill_at  = CASE WHEN k.remaining IS NOT NULL AND `+refillDue+` THEN @now ELSE k.last_refill_at END,
		    last_request_at = @now
		FROM better_auth.users u
		WHERE k.key_hash = @hash AND u.id = k.user_id
		  AND k.enabled
		  AND (k.expires_at IS NULL OR k.expires_at > @now)
		  AND NOT (u.banned AND (u.ban_expires_at IS NULL OR u.ban_expires_at > @now))
		  AND (NOT k.rate_limit_enabled OR `+windowOver+` OR k.request_count < k.rate_limit_max)
		  AND (k.remaining IS NULL OR k.remaining > 0 OR `+refillDue+`)
		  AND coalesce(k.permissions, '{}') @> @wanted::jsonb
		RETURNING `+columns+`, `+user.Columns,
		pgx.NamedArgs{"hash": hash, "now": now, "wanted": wanted}).Scan(append(k.fields(), u.Fields()...)...)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return k, u, errRefused
	case err != nil:
		return k, u, fmt.Errorf("use API key: %w", err)
	}
	return k, u, nil
}

// wants writes permissions as the column holds them.
func wants(asked map[string][]string) (string, error) {
	if len(asked) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return "", fmt.Errorf("permissions of API key: %w", err)
	}
	return string(text), nil
}

// ByHash returns a key with its owner, and whether it allows what is asked for; or
// ErrUnknown.
func (s Store) ByHash(ctx context.Context, hash []byte, asked map[string][]string) (k Key, u user.User, allows bool, err error) {
	wanted, err := wants(asked)
	if err != nil {
		return k, u, false, err
	}
	err = s.DB.QueryRow(ctx, `
		SELECT coalesce(k.permissions, '{}') @> $2::jsonb, `+columns+`, `+user.Columns+`
		FROM better_auth.api_keys k
		JOIN better_auth.users u ON u.id = k.user_id
		WHERE k.key_hash = $1`, hash, wanted).Scan(append(append([]any{&allows}, k.fields()...), u.Fields()...)...)
	return k, u, allows, known(err, "API key by hash")
}

// Get returns a key of a person; somebody else's is ErrUnknown.
func (s Store) Get(ctx context.Context, owner, id string) (k Key, err error) {
	err = s.DB.QueryRow(ctx, `SELECT `+columns+` FROM better_auth.api_keys k WHERE k.user_id = $1 AND k.id = $2`, owner, id).Scan(k.fields()...)
	return k, known(err, "get API key")
}

// sorts are the columns that a list can be sorted by.
var sorts = map[string]string{
	"": "k.created_at", "createdAt": "k.created_at", "updatedAt": "k.updated_at", "name": "k.name", "expiresAt": "k.expires_at",
	"lastRequest": "k.last_request_at", "id": "k.id",
}

// Page says which keys are listed.
type Page struct {
	sort          string // of sorts
	descending    bool
	limit, offset int
}

// List returns a page of a person's keys, and how many there are.
func (s Store) List(ctx context.Context, owner string, p Page) (keys []Key, total int64, err error) {
	if err := s.DB.QueryRow(ctx, `SELECT count(*) FROM better_auth.api_keys WHERE user_id = $1`, owner).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count API keys: %w", err)
	}
	direction := " ASC"
	if p.descending {
		direction = " DESC"
	}
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.api_keys k WHERE k.user_id = $1 ORDER BY `+
		sorts[p.sort]+direction+`, k.id`+direction+` LIMIT `+strconv.Itoa(p.limit)+` OFFSET `+strconv.Itoa(p.offset), owner)
	keys, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k Key, err error) { return k, row.Scan(k.fields()...) })
	if err != nil {
		return nil, 0, fmt.Errorf("list API keys: %w", err)
	}
	return keys, total, nil
}

// Change is what changes of a key. Nil leaves a member as it is.
type Change struct {
	Name        *string
	Enabled     *bool
	SetExpires  bool
	ExpiresAt   *time.Time // with SetExpires: nil for never
	SetMetadata bool
	Metadata    json.RawMessage

	// What only services set.
	SetPermissions bool
	Permissions    json.RawMessage
	Limits         *KeyLimits
}

// KeyLimits are how often a key may be used.
type KeyLimits struct {
	RateLimitEnabled bool   `json:"rate_limit_enabled"`
	RateLimitWindow  int64  `json:"rate_limit_window_ms" minimum:"1000" maximum:"31536000000"`
	RateLimitMax     int64  `json:"rate_limit_max" minimum:"1"`
	Remaining        *int64 `json:"remaining,omitempty" minimum:"0" doc:"Uses that are left; without it there is no end"`
	RefillInterval   *int64 `json:"refill_interval_ms,omitempty" minimum:"1000" maximum:"31536000000"`
	RefillAmount     *int64 `json:"refill_amount,omitempty" minimum:"1"`
}

// Update writes a change to a key. An empty owner stands for whoever it is.
func (s Store) Update(ctx context.Context, owner, id string, c Change, now time.Time) (k Key, err error) {
	l := KeyLimits{}
	if c.Limits != nil {
		l = *c.Limits
	}
	err = s.DB.QueryRow(ctx, `
		UPDATE better_auth.api_keys k
		SET name = coalesce(@name, name),
		    enabled = coalesce(@enabled, enabled),
		    expires_at = CASE WHEN @set_expires::boolean THEN @expires_at ELSE expires_at END,
		    metadata = CASE WHEN @set_metadata::boolean THEN @metadata::jsonb ELSE metadata END,
		    permissions = CASE WHEN @set_permissions::boolean THEN @permissions::jsonb ELSE permissions END,
		    rate_limit_enabled = CASE WHEN @set_limits::boolean THEN @rate_limit_enabled ELSE rate_limit_enabled END,
		    rate_limit_window_ms = CASE WHEN @set_limits::boolean THEN @window ELSE rate_limit_window_ms END,
		    rate_limit_max = CASE WHEN @set_limits::boolean THEN @max ELSE rate_limit_max END,
		    remaining = CASE WHEN @set_limits::boolean THEN @remaining ELSE remaining END,
		    refill_interval_ms = CASE WHEN @set_limits::boolean THEN @refill_interval ELSE refill_interval_ms END,
		    refill_amount = CASE WHEN @set_limits::boolean THEN @refill_amount ELSE refill_amount END,
		    updated_at = @now
		WHERE id = @id AND (user_id = @owner OR @owner = '')
		RETURNING `+columns,
		pgx.NamedArgs{
			"id": id, "owner": owner, "name": c.Name, "enabled": c.Enabled, "set_expires": c.SetExpires, "expires_at": c.ExpiresAt,
			"set_metadata": c.SetMetadata, "metadata": object(c.Metadata), "set_permissions": c.SetPermissions, "permissions": object(c.Permissions),
			"set_limits": c.Limits != nil, "rate_limit_enabled": l.RateLimitEnabled, "window": l.RateLimitWindow, "max": l.RateLimitMax,
			"remaining": l.Remaining, "refill_interval": l.RefillInterval, "refill_amount": l.RefillAmount, "now": now,
		}).Scan(k.fields()...)
	return k, known(err, "update API key")
}

// Delete ends a key of a person and gives what it was.
func (s Store) Delete(ctx context.Context, owner, id string) (k Key, err error) {
	err = s.DB.QueryRow(ctx, `
		DELETE FROM better_auth.api_keys k
		WHERE id = $2 AND (user_id = $1 OR $1 = '')
		RETURNING `+columns, owner, id).Scan(k.fields()...)
	return k, known(err, "delete API key")
}

// Sweep deletes up to limit keys that were over before a moment.
func (s Store) Sweep(ctx context.Context, before time.Time, limit int) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		DELETE FROM better_auth.api_keys
		WHERE id IN (SELECT id FROM better_auth.api_keys WHERE expires_at < $1 LIMIT $2)`, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep API keys: %w", err)
	}
	return tag.RowsAffected(), nil
}

func known(err error, what string) error {
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrUnknown
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
