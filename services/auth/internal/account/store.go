package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/user"
)

// Store keeps the password side of accounts: the rows of the provider
// "credential". DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// ByEmail returns the person with this address and the password's hash, which is
// nil for one who has none, or user.ErrNone.
func (s Store) ByEmail(ctx context.Context, email string) (user.User, *string, error) {
	var u user.User
	var hash *string
	err := s.DB.QueryRow(ctx, `
		SELECT `+user.Columns+`, a.password
		FROM better_auth.users u
		LEFT JOIN better_auth.accounts a ON a.user_id = u.id AND a.provider_id = 'credential'
		WHERE u.email = $1`, email).Scan(append(u.Fields(), &hash)...)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return user.User{}, nil, user.ErrNone
	case err != nil:
		return user.User{}, nil, fmt.Errorf("account by address: %w", err)
	}
	return u, hash, nil
}

// Password returns the hash of a person's password, nil for one who has none.
func (s Store) Password(ctx context.Context, userID string) (*string, error) {
	var hash *string
	err := s.DB.QueryRow(ctx, `
		SELECT password FROM better_auth.accounts
		WHERE user_id = $1 AND provider_id = 'credential'`, userID).Scan(&hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("password of user: %w", err)
	}
	return hash, nil
}

// Insert gives a new person a password.
func (s Store) Insert(ctx context.Context, userID, hash string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.accounts (id, user_id, provider_id, account_id, password, created_at, updated_at)
		VALUES ($1, $2, 'credential', $2, $3, $4, $4)`, security.NewID(), userID, hash, now)
	if err != nil {
		return fmt.Errorf("insert account: %w", err)
	}
	return nil
}

// Set replaces a password whatever it was, or gives one to a person without.
// Wrong passwords that were counted until then are forgotten.
func (s Store) Set(ctx context.Context, userID, hash string, now time.Time) error {
	// The conflict is with the account that exists, or with a parallel reset.
	_, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.accounts (id, user_id, provider_id, account_id, password, created_at, updated_at)
		VALUES ($1, $2, 'credential', $2, $3, $4, $4)
		ON CONFLICT (provider_id, account_id) DO UPDATE
		SET password = EXCLUDED.password, doubted = false, updated_at = EXCLUDED.updated_at`, security.NewID(), userID, hash, now)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return limit.Store{DB: s.DB}.ClearOf(ctx, userID)
}

// Swap replaces a password that still is the old one, and tells whether it was.
func (s Store) Swap(ctx context.Context, userID, old, hash string, now time.Time) (bool, error) {
	tag, err := s.DB.Exec(ctx, `
		UPDATE better_auth.accounts SET password = $3, updated_at = $4
		WHERE user_id = $1 AND provider_id = 'credential' AND password = $2`, userID, old, hash, now)
	if err != nil {
		return false, fmt.Errorf("swap password: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Hold keeps a password from being changed until the transaction ends, and
// refuses one that is not this one any more or is doubted. The lock is shared:
// sign-ins do not wait for each other, a reset waits for them.
func (s Store) Hold(ctx context.Context, userID, hash string) error {
	var doubted bool
	err := s.DB.QueryRow(ctx, `
		SELECT doubted FROM better_auth.accounts
		WHERE user_id = $1 AND provider_id = 'credential' AND password = $2
		FOR SHARE`, userID, hash).Scan(&doubted)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrCredentials
	case err != nil:
		return fmt.Errorf("hold password: %w", err)
	case doubted:
		return errDoubted
	}
	return nil
}

// Doubted tells whether a person's password waits to be confirmed.
func (s Store) Doubted(ctx context.Context, userID string) (doubted bool, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM better_auth.accounts WHERE user_id = $1 AND doubted)`, userID).Scan(&doubted)
	if err != nil {
		return false, fmt.Errorf("doubt of password: %w", err)
	}
	return doubted, nil
}

// Trust confirms a doubted password, and tells whether there was one.
func (s Store) Trust(ctx context.Context, userID string, now time.Time) (bool, error) {
	tag, err := s.DB.Exec(ctx, `
		UPDATE better_auth.accounts SET doubted = false, updated_at = $2 WHERE user_id = $1 AND doubted`, userID, now)
	if err != nil {
		return false, fmt.Errorf("trust password: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// ForgetResets makes reset links and codes that were mailed before worthless (AUTH-10).
func (s Store) ForgetResets(ctx context.Context, userID string) error {
	_, err := s.DB.Exec(ctx, `
		WITH links AS (DELETE FROM better_auth.verification_tokens WHERE user_id = $1 AND purpose = 'reset-password')
		DELETE FROM better_auth.one_time WHERE user_id = $1 AND purpose = 'forget-password-otp'`, userID)
	if err != nil {
		return fmt.Errorf("forget reset tokens: %w", err)
	}
	return nil
}
