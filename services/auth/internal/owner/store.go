package owner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// Store changes accounts. DB is the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// prove marks an address as proven; user.ErrNone when it was before, or is not that
// person's. Of two proofs at once the second one waits here.
func (s Store) prove(ctx context.Context, id, email string, now time.Time) (user.User, error) {
	var u user.User
	err := s.DB.QueryRow(ctx, `
		UPDATE better_auth.users u
		SET email_verified = true, version = version + 1, updated_at = $3
		WHERE id = $1 AND email = $2 AND NOT email_verified
		RETURNING `+user.Columns, id, email, now).Scan(u.Fields()...)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return user.User{}, user.ErrNone
	case err != nil:
		return user.User{}, fmt.Errorf("prove owner: %w", err)
	}
	return u, nil
}

// strip takes away every way in but the mail. The passwords go first: a sign-in
// that runs holds its row, so that its session is there when sessions are ended. A
// second factor is no way in: one that is on goes on being asked for.
func (s Store) strip(ctx context.Context, userID string) error {
	if err := s.remove(ctx, userID, "accounts"); err != nil {
		return err
	}
	return s.stripOthers(ctx, userID)
}

// doubt takes away every way in but the mail and the password, which counts no
// more until it is confirmed. It goes first, as in strip.
func (s Store) doubt(ctx context.Context, userID string) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE better_auth.accounts SET doubted = true WHERE user_id = $1 AND provider_id = 'credential'`, userID)
	if err != nil {
		return fmt.Errorf("doubt password: %w", err)
	}
	if err := s.Unlink(ctx, userID); err != nil {
		return err
	}
	return s.stripOthers(ctx, userID)
}

// stripOthers takes away what is neither a password nor an account at a provider, and
// a second factor that was begun and is not on.
func (s Store) stripOthers(ctx context.Context, userID string) error {
	_, err := s.DB.Exec(ctx, `
		DELETE FROM better_auth.two_factors f USING better_auth.users u
		WHERE f.user_id = $1 AND u.id = f.user_id AND NOT u.two_factor_enabled`, userID)
	if err != nil {
		return fmt.Errorf("drop second factor: %w", err)
	}
	return s.remove(ctx, userID, "passkeys", "api_keys", "verification_tokens", "one_time")
}

// Unlink takes away the accounts at providers.
func (s Store) Unlink(ctx context.Context, userID string) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM better_auth.accounts WHERE user_id = $1 AND provider_id <> 'credential'`, userID)
	if err != nil {
		return fmt.Errorf("drop links to providers: %w", err)
	}
	return nil
}

func (s Store) remove(ctx context.Context, userID string, tables ...string) error {
	for _, table := range tables {
		if _, err := s.DB.Exec(ctx, `DELETE FROM better_auth.`+table+` WHERE user_id = $1`, userID); err != nil {
			return fmt.Errorf("strip account of %s: %w", table, err)
		}
	}
	return nil
}
