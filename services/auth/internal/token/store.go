package token

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

// Row is one signing key as it is stored.
type Row struct {
	ID         string
	Alg        string
	Crv        string
	PublicKey  string
	PrivateKey string
	Status     string // next, active, retired
	CreatedAt  time.Time
	// ActivatedAt and RetiredAt are when it began and ceased to sign.
	ActivatedAt *time.Time
	RetiredAt   *time.Time
}

// Store keeps signing keys. DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// All returns every key that is to be published, the newest first.
func (s Store) All(ctx context.Context) ([]Row, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT id, alg, coalesce(crv, '') AS crv, public_key, private_key, status, created_at, activated_at, retired_at
		FROM better_auth.jwks
		ORDER BY created_at DESC, id`)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByName[Row])
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	return got, nil
}

// Insert keeps a key, unless there is one in its place (active or next): of two
// replicas that make one at the same time, one's is kept. It tells whether this one is.
func (s Store) Insert(ctx context.Context, row Row) (kept bool, err error) {
	tag, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.jwks (id, alg, crv, public_key, private_key, status, created_at, activated_at)
		VALUES (@id, @alg, @crv, @public_key, @private_key, @status, @created_at,
		        CASE WHEN @status = 'active' THEN @created_at::timestamptz END)
		ON CONFLICT DO NOTHING`,
		pgx.NamedArgs{
			"id": row.ID, "alg": row.Alg, "crv": row.Crv, "public_key": row.PublicKey, "private_key": row.PrivateKey,
			"status": row.Status, "created_at": row.CreatedAt,
		})
	if err != nil {
		return false, fmt.Errorf("insert signing key: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Promote lets the next key sign when it was made before a moment, and tells
// whether there was one. The row lock settles which of two replicas does it.
func (s Store) Promote(ctx context.Context, madeBefore, now time.Time) (bool, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT id FROM better_auth.jwks
		WHERE status = 'next' AND created_at <= $1
		FOR UPDATE`, madeBefore)
	next, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(next) == 0 {
		return false, wrap(err, "find the next signing key")
	}
	_, err = s.DB.Exec(ctx, `UPDATE better_auth.jwks SET status = 'retired', retired_at = $1 WHERE status = 'active'`, now)
	if err != nil {
		return false, wrap(err, "retire signing key")
	}
	_, err = s.DB.Exec(ctx, `UPDATE better_auth.jwks SET status = 'active', activated_at = $2 WHERE id = $1`, next[0], now)
	return true, wrap(err, "activate signing key")
}

// ActiveSince tells whether the active key signs since a moment or longer.
func (s Store) ActiveSince(ctx context.Context, moment time.Time) (old bool, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM better_auth.jwks WHERE status = 'active' AND activated_at <= $1)`, moment).Scan(&old)
	return old, wrap(err, "age of signing key")
}

// ActiveOther tells whether the active key is of another algorithm.
func (s Store) ActiveOther(ctx context.Context, alg string) (other bool, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM better_auth.jwks WHERE status = 'active' AND alg <> $1)`, alg).Scan(&other)
	return other, wrap(err, "algorithm of signing key")
}

// Forget deletes keys that were replaced before a moment.
func (s Store) Forget(ctx context.Context, retiredBefore time.Time) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM better_auth.jwks WHERE status = 'retired' AND retired_at < $1`, retiredBefore)
	return wrap(err, "forget signing keys")
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
