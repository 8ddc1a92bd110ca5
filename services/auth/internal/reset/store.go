package reset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

// Store keeps the hashes of reset tokens. DB is a pool, or the transaction that
// a step is part of.
type Store struct {
	DB database.Querier
}

// Issue keeps a token. It takes the place of the person's older one: of two
// links that are asked for at the same time the later one works.
func (s Store) Issue(ctx context.Context, userID string, hash []byte, now, until time.Time) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.verification_tokens (token_hash, purpose, user_id, created_at, expires_at)
		VALUES ($1, 'reset-password', $2, $3, $4)
		ON CONFLICT (purpose, user_id) DO UPDATE
		SET token_hash = EXCLUDED.token_hash, created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at`,
		hash, userID, now, until)
	if err != nil {
		return fmt.Errorf("issue reset token: %w", err)
	}
	return nil
}

// Peek returns whose a token is, or ErrToken, and leaves it as it is.
func (s Store) Peek(ctx context.Context, hash []byte, now time.Time) (userID string, err error) {
	return whose(s.DB.QueryRow(ctx, `
		SELECT user_id FROM better_auth.verification_tokens
		WHERE token_hash = $1 AND purpose = 'reset-password' AND expires_at > $2`, hash, now))
}

// Spend deletes a token and returns whose it was, or ErrToken.
func (s Store) Spend(ctx context.Context, hash []byte, now time.Time) (userID string, err error) {
	return whose(s.DB.QueryRow(ctx, `
		DELETE FROM better_auth.verification_tokens
		WHERE token_hash = $1 AND purpose = 'reset-password' AND expires_at > $2
		RETURNING user_id`, hash, now))
}

func whose(row pgx.Row) (userID string, err error) {
	err = row.Scan(&userID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", ErrToken
	case err != nil:
		return "", fmt.Errorf("reset token: %w", err)
	}
	return userID, nil
}

// Sweep deletes up to limit tokens that are over.
func (s Store) Sweep(ctx context.Context, now time.Time, limit int) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		DELETE FROM better_auth.verification_tokens
		WHERE token_hash IN (SELECT token_hash FROM better_auth.verification_tokens WHERE expires_at < $1 LIMIT $2)`, now, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep tokens: %w", err)
	}
	return tag.RowsAffected(), nil
}
