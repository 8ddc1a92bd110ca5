package twofactor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// Store keeps second factors. DB is a pool, or the transaction that a step is
// part of.
type Store struct {
	DB database.Querier
}

// Factor is one person's row.
type Factor struct {
	UserID string
	// Secret is the authenticator's, sealed; "" for none.
	Secret string
	// BackupCodes are those that are left, sealed; "" for none.
	BackupCodes string
	// Verified: the authenticator gave a right code, so it counts.
	Verified bool
	LastStep int64
	// Failures are the wrong codes since the last right one or the last lock.
	Failures int
	// WrongAt are the moments of the latest wrong codes, the oldest first.
	WrongAt     []time.Time
	LockedUntil *time.Time
}

const columns = `user_id, secret, backup_codes, verified, last_step, failures, wrong_at, locked_until`

// Find returns a person's factor; one who has none has the zero Factor.
func (s Store) Find(ctx context.Context, userID string) (Factor, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.two_factors WHERE user_id = $1`, userID)
	return one(rows, userID)
}

// Hold is Find, and keeps everybody else from the row until the transaction ends.
func (s Store) Hold(ctx context.Context, userID string) (Factor, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.two_factors WHERE user_id = $1 FOR UPDATE`, userID)
	return one(rows, userID)
}

func one(rows pgx.Rows, userID string) (Factor, error) {
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Factor])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Factor{UserID: userID}, nil
	case err != nil:
		return Factor{}, fmt.Errorf("second factor of user: %w", err)
	}
	return f, nil
}

// Ensure makes the row of a person who takes mailed codes only, where it is missing.
func (s Store) Ensure(ctx context.Context, userID string, now time.Time) error {
	// The conflict is with the row that exists, or with a parallel sign-in.
	_, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.two_factors (id, user_id, secret, backup_codes, created_at, updated_at)
		VALUES ($1, $2, '', '', $3, $3)
		ON CONFLICT (user_id) DO NOTHING`, security.NewID(), userID, now)
	if err != nil {
		return fmt.Errorf("ensure second factor: %w", err)
	}
	return nil
}

// Enrol keeps a new authenticator that has yet to give a right code, and new
// backup codes, and tells whether it did: one that counts is not replaced. What
// was counted stays, so that enrolling again is no way around a lock.
func (s Store) Enrol(ctx context.Context, userID, secret, codes string, now time.Time) (bool, error) {
	tag, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.two_factors AS t (id, user_id, secret, backup_codes, created_at, updated_at)
		VALUES (@id, @user_id, @secret, @codes, @now, @now)
		ON CONFLICT (user_id) DO UPDATE
		SET secret = EXCLUDED.secret, backup_codes = EXCLUDED.backup_codes, last_step = 0, updated_at = EXCLUDED.updated_at
		WHERE NOT t.verified`,
		pgx.NamedArgs{"id": security.NewID(), "user_id": userID, "secret": secret, "codes": codes, "now": now})
	if err != nil {
		return false, fmt.Errorf("enrol second factor: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Step moves the last time step on and tells whether it moved: a code of the
// same step, or an earlier one, was used before (MFA-03).
func (s Store) Step(ctx context.Context, userID string, step int64, now time.Time) (bool, error) {
	tag, err := s.DB.Exec(ctx, `
		UPDATE better_auth.two_factors SET last_step = $2, updated_at = $3
		WHERE user_id = $1 AND last_step < $2`, userID, step, now)
	if err != nil {
		return false, fmt.Errorf("move time step: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Verify makes an authenticator count.
func (s Store) Verify(ctx context.Context, userID string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `UPDATE better_auth.two_factors SET verified = true, updated_at = $2 WHERE user_id = $1`, userID, now)
	if err != nil {
		return fmt.Errorf("verify second factor: %w", err)
	}
	return nil
}

// SwapCodes replaces backup codes that still are the old ones, and tells whether
// they were.
func (s Store) SwapCodes(ctx context.Context, userID, old, fresh string, now time.Time) (bool, error) {
	tag, err := s.DB.Exec(ctx, `
		UPDATE better_auth.two_factors SET backup_codes = $3, updated_at = $4
		WHERE user_id = $1 AND backup_codes = $2`, userID, old, fresh, now)
	if err != nil {
		return false, fmt.Errorf("swap backup codes: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Count keeps the counts of wrong codes.
func (s Store) Count(ctx context.Context, f Factor, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE better_auth.two_factors
		SET failures = @failures, wrong_at = @wrong_at, locked_until = @locked_until, updated_at = @now
		WHERE user_id = @user_id`,
		pgx.NamedArgs{"user_id": f.UserID, "failures": f.Failures, "wrong_at": f.WrongAt, "locked_until": f.LockedUntil, "now": now})
	if err != nil {
		return fmt.Errorf("count wrong codes: %w", err)
	}
	return nil
}

// Delete forgets a person's second factor.
func (s Store) Delete(ctx context.Context, userID string) error {
	if _, err := s.DB.Exec(ctx, `DELETE FROM better_auth.two_factors WHERE user_id = $1`, userID); err != nil {
		return fmt.Errorf("delete second factor: %w", err)
	}
	return nil
}

// Abandon forgets an authenticator that has not given a right code yet, also not
// while it was waited for.
func (s Store) Abandon(ctx context.Context, userID string) error {
	if _, err := s.DB.Exec(ctx, `DELETE FROM better_auth.two_factors WHERE user_id = $1 AND NOT verified`, userID); err != nil {
		return fmt.Errorf("abandon second factor: %w", err)
	}
	return nil
}

// Switch makes signing in ask for a second factor, or no longer, and gives the
// person as it is now.
func (s Store) Switch(ctx context.Context, userID string, on bool, now time.Time) (user.User, error) {
	var u user.User
	err := s.DB.QueryRow(ctx, `
		UPDATE better_auth.users u
		SET two_factor_enabled = $2, version = version + 1, updated_at = $3
		WHERE id = $1
		RETURNING `+user.Columns, userID, on, now).Scan(u.Fields()...)
	if err != nil {
		return user.User{}, fmt.Errorf("switch second factor: %w", err)
	}
	return u, nil
}

// Mark names the password that a person has now, "" for none, and keeps it from
// being changed until the transaction ends: a reset at the same moment either
// sees the session that begins, or ends what the mark belongs to.
func (s Store) Mark(ctx context.Context, userID string) (string, error) {
	var hash *string
	err := s.DB.QueryRow(ctx, `
		SELECT password FROM better_auth.accounts
		WHERE user_id = $1 AND provider_id = 'credential'
		FOR SHARE`, userID).Scan(&hash)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && hash == nil:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("mark of password: %w", err)
	}
	sum := sha256.Sum256([]byte(*hash))
	return hex.EncodeToString(sum[:]), nil
}
