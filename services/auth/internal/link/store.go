package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// errNone says that the person has no such account.
var errNone = errors.New("no such account")

// Store keeps accounts. DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// Account is one way of signing in: with a provider, or, for the provider
// "credential", with a password.
type Account struct {
	ID         string
	UserID     string
	ProviderID string
	AccountID  string // the subject
	Sealed
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Owner returns the person who has an account with a provider, or user.ErrNone.
// The lock makes an unlinking at the same moment come before or after the sign-in.
func (s Store) Owner(ctx context.Context, providerID, subject string) (user.User, error) {
	return s.one(ctx, "owner of account", `
		SELECT `+user.Columns+`
		FROM better_auth.accounts a
		JOIN better_auth.users u ON u.id = a.user_id
		WHERE a.provider_id = $1 AND a.account_id = $2
		FOR UPDATE OF a`, providerID, subject)
}

// ByEmail returns the person with an address, or user.ErrNone, and keeps the
// address as it is until the transaction ends.
func (s Store) ByEmail(ctx context.Context, email string) (user.User, error) {
	return s.one(ctx, "person by address", `
		SELECT `+user.Columns+`
		FROM better_auth.users u
		WHERE u.email = $1
		FOR SHARE`, email)
}

// InSession returns the person of a session that goes on, or user.ErrNone, and
// keeps the session until the transaction ends.
func (s Store) InSession(ctx context.Context, w Wish, now time.Time) (user.User, error) {
	return s.one(ctx, "person in session", `
		SELECT `+user.Columns+`
		FROM better_auth.sessions s
		JOIN better_auth.users u ON u.id = s.user_id
		WHERE s.id = $1 AND s.user_id = $2 AND s.expires_at > $3
		FOR SHARE`, w.SessionID, w.UserID, now)
}

func (s Store) one(ctx context.Context, what, query string, args ...any) (user.User, error) {
	var u user.User
	err := s.DB.QueryRow(ctx, query, args...).Scan(u.Fields()...)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return user.User{}, user.ErrNone
	case err != nil:
		return user.User{}, fmt.Errorf("%s: %w", what, err)
	}
	return u, nil
}

// Put writes an account, and tells whether it is this person's. One that exists
// gets the new tokens and keeps the old ones where there is no new one; another
// person's stays as it is.
func (s Store) Put(ctx context.Context, a Account) (ours bool, err error) {
	tag, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.accounts AS old
		       (id, user_id, provider_id, account_id, access_token, refresh_token, id_token,
		        access_token_expires_at, refresh_token_expires_at, scope, created_at, updated_at)
		VALUES (@id, @user_id, @provider_id, @account_id, @access_token, @refresh_token, @id_token,
		        @access_expires, @refresh_expires, @scope, @now, @now)
		ON CONFLICT (provider_id, account_id) DO UPDATE
		SET access_token = coalesce(EXCLUDED.access_token, old.access_token),
		    refresh_token = coalesce(EXCLUDED.refresh_token, old.refresh_token),
		    id_token = coalesce(EXCLUDED.id_token, old.id_token),
		    access_token_expires_at = CASE WHEN EXCLUDED.access_token IS NULL THEN old.access_token_expires_at ELSE EXCLUDED.access_token_expires_at END,
		    refresh_token_expires_at = CASE WHEN EXCLUDED.refresh_token IS NULL THEN old.refresh_token_expires_at ELSE EXCLUDED.refresh_token_expires_at END,
		    scope = coalesce(EXCLUDED.scope, old.scope),
		    updated_at = EXCLUDED.updated_at
		WHERE old.user_id = EXCLUDED.user_id`,
		pgx.NamedArgs{
			"id": a.ID, "user_id": a.UserID, "provider_id": a.ProviderID, "account_id": a.AccountID,
			"access_token": a.AccessToken, "refresh_token": a.RefreshToken, "id_token": a.IDToken,
			"access_expires": a.AccessTokenExpiresAt, "refresh_expires": a.RefreshTokenExpiresAt, "scope": a.Scope, "now": a.UpdatedAt,
		})
	if err != nil {
		return false, fmt.Errorf("put account: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Renew replaces the tokens of an account.
func (s Store) Renew(ctx context.Context, id string, t Sealed, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE better_auth.accounts
		SET access_token = @access_token, refresh_token = @refresh_token, id_token = @id_token,
		    access_token_expires_at = @access_expires, refresh_token_expires_at = @refresh_expires, scope = @scope, updated_at = @now
		WHERE id = @id`,
		pgx.NamedArgs{
			"id": id, "access_token": t.AccessToken, "refresh_token": t.RefreshToken, "id_token": t.IDToken,
			"access_expires": t.AccessTokenExpiresAt, "refresh_expires": t.RefreshTokenExpiresAt, "scope": t.Scope, "now": now,
		})
	if err != nil {
		return fmt.Errorf("renew tokens: %w", err)
	}
	return nil
}

const columns = `id, user_id, provider_id, account_id, access_token, refresh_token, id_token,
	access_token_expires_at, refresh_token_expires_at, scope, created_at, updated_at`

// All lists a person's accounts, the oldest first.
func (s Store) All(ctx context.Context, userID string) ([]Account, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT `+columns+`
		FROM better_auth.accounts
		WHERE user_id = $1
		ORDER BY created_at, id`, userID)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByName[Account])
	if err != nil {
		return nil, fmt.Errorf("accounts of user: %w", err)
	}
	return got, nil
}

// OfUser returns one account of a person, or errNone: somebody else's too.
func (s Store) OfUser(ctx context.Context, userID, id string) (Account, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT `+columns+`
		FROM better_auth.accounts
		WHERE id = $1 AND user_id = $2`, id, userID)
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Account])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Account{}, errNone
	case err != nil:
		return Account{}, fmt.Errorf("account: %w", err)
	}
	return got, nil
}

// Ways counts a person's accounts, and those beside one that sign in: a password,
// or a provider that is served.
func (s Store) Ways(ctx context.Context, userID, beside string, served []string) (all, others int, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE id <> $2 AND (password IS NOT NULL OR provider_id = ANY($3)))
		FROM better_auth.accounts
		WHERE user_id = $1`, userID, beside, served).Scan(&all, &others)
	if err != nil {
		return 0, 0, fmt.Errorf("ways to sign in: %w", err)
	}
	return all, others, nil
}

// Delete takes an account from a person and gives its provider, or errNone.
func (s Store) Delete(ctx context.Context, userID, id string) (providerID string, err error) {
	err = s.DB.QueryRow(ctx, `
		DELETE FROM better_auth.accounts
		WHERE id = $1 AND user_id = $2
		RETURNING provider_id`, id, userID).Scan(&providerID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", errNone
	case err != nil:
		return "", fmt.Errorf("delete account: %w", err)
	}
	return providerID, nil
}
