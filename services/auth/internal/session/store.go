package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// errNone says that there is no such session.
var errNone = errors.New("no such session")

// Store keeps sessions. DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// Insert keeps a new session.
func (s Store) Insert(ctx context.Context, x Session) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.sessions
		       (id, user_id, token_hash, handle, remember, ip_address, user_agent, version, created_at, updated_at, expires_at,
		        impersonated_by, impersonation_reason, extra)
		VALUES (@id, @user_id, @token_hash, @handle, @remember, @ip_address, @user_agent, @version, @created_at, @updated_at, @expires_at,
		        @impersonated_by, @impersonation_reason, coalesce(@extra::jsonb, '{}'))`,
		pgx.NamedArgs{
			"id": x.ID, "user_id": x.UserID, "token_hash": x.TokenHash, "handle": x.Handle, "remember": x.Remember,
			"ip_address": x.IPAddress, "user_agent": x.UserAgent, "version": x.Version,
			"created_at": x.CreatedAt, "updated_at": x.UpdatedAt, "expires_at": x.ExpiresAt,
			"impersonated_by": x.ImpersonatedBy, "impersonation_reason": x.ImpersonationReason, "extra": x.Extra,
		})
	if err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// ByToken returns the session with this token hash and its person, or errNone.
// This is the query behind every cache miss: one index look-up on each side.
func (s Store) ByToken(ctx context.Context, hash []byte) (*Live, error) {
	l := &Live{Session: Session{TokenHash: hash}}
	err := s.DB.QueryRow(ctx, `
		SELECT s.id, s.user_id, s.handle, s.remember, s.ip_address, s.user_agent,
		       s.version, s.created_at, s.updated_at, s.expires_at, s.impersonated_by, s.impersonation_reason, s.extra, `+user.Columns+`
		FROM better_auth.sessions s
		JOIN better_auth.users u ON u.id = s.user_id
		WHERE s.token_hash = $1`, hash).Scan(append([]any{
		&l.ID, &l.UserID, &l.Handle, &l.Remember, &l.IPAddress, &l.UserAgent,
		&l.Session.Version, &l.Session.CreatedAt, &l.Session.UpdatedAt, &l.ExpiresAt, &l.ImpersonatedBy, &l.ImpersonationReason, &l.Session.Extra,
	}, l.User.Fields()...)...)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, errNone
	case err != nil:
		return nil, fmt.Errorf("session by token: %w", err)
	}
	return l, nil
}

// Extend moves a session's end, unless another request did so already or the
// session is gone; then it returns errNone.
func (s Store) Extend(ctx context.Context, id string, until, now time.Time) (version int64, err error) {
	err = s.DB.QueryRow(ctx, `
		UPDATE better_auth.sessions
		SET expires_at = $2, updated_at = $3, version = version + 1
		WHERE id = $1 AND expires_at < $2
		RETURNING version`, id, until, now).Scan(&version)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, errNone
	case err != nil:
		return 0, fmt.Errorf("extend session: %w", err)
	}
	return version, nil
}

// Write changes the members of SESSION_FIELDS and returns all of them; errNone when
// the session is gone.
func (s Store) Write(ctx context.Context, id string, extra json.RawMessage, now time.Time) (all json.RawMessage, version int64, err error) {
	err = s.DB.QueryRow(ctx, `
		UPDATE better_auth.sessions
		SET extra = extra || $2::jsonb, updated_at = $3, version = version + 1
		WHERE id = $1
		RETURNING extra, version`, id, extra, now).Scan(&all, &version)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, 0, errNone
	case err != nil:
		return nil, 0, fmt.Errorf("write session's fields: %w", err)
	}
	return all, version, nil
}

// OfUser lists a person's sessions that are not over, the newest first.
func (s Store) OfUser(ctx context.Context, userID string, now time.Time) ([]Session, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT id, user_id, token_hash, handle, remember, ip_address, user_agent, version, created_at, updated_at, expires_at,
		       impersonated_by, impersonation_reason, extra
		FROM better_auth.sessions
		WHERE user_id = $1 AND expires_at > $2
		ORDER BY created_at DESC, id`, userID, now)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByName[Session])
	if err != nil {
		return nil, fmt.Errorf("sessions of user: %w", err)
	}
	return got, nil
}

// Ended names a session whose row is gone.
type Ended struct {
	ID        string `json:"id"`
	UserID    string `json:"user_id"`
	TokenHash []byte `json:"token_hash"`
}

// DeleteByToken ends the session with this token hash.
func (s Store) DeleteByToken(ctx context.Context, hash []byte) ([]Ended, error) {
	rows, _ := s.DB.Query(ctx, `
		DELETE FROM better_auth.sessions
		WHERE token_hash = $1
		RETURNING id, user_id, token_hash`, hash)
	return ended(rows)
}

// DeleteOfUser ends a person's sessions and those in which the person acts as
// somebody else; the one with the id in except stays.
func (s Store) DeleteOfUser(ctx context.Context, userID, except string) ([]Ended, error) {
	rows, _ := s.DB.Query(ctx, `
		DELETE FROM better_auth.sessions
		WHERE (user_id = $1 OR impersonated_by = $1) AND id <> $2
		RETURNING id, user_id, token_hash`, userID, except)
	return ended(rows)
}

// DeleteBegunBy ends the sessions in which a person acts as somebody else.
func (s Store) DeleteBegunBy(ctx context.Context, userID string) ([]Ended, error) {
	rows, _ := s.DB.Query(ctx, `
		DELETE FROM better_auth.sessions
		WHERE impersonated_by = $1
		RETURNING id, user_id, token_hash`, userID)
	return ended(rows)
}

// DeleteNamed ends one of a person's sessions, named by its handle or, by
// clients that kept it, by its token. Somebody else's is not found.
func (s Store) DeleteNamed(ctx context.Context, userID, handle string, hash []byte) ([]Ended, error) {
	rows, _ := s.DB.Query(ctx, `
		DELETE FROM better_auth.sessions
		WHERE user_id = $1 AND (handle = $2 OR token_hash = $3)
		RETURNING id, user_id, token_hash`, userID, handle, hash)
	return ended(rows)
}

func ended(rows pgx.Rows) ([]Ended, error) {
	got, err := pgx.CollectRows(rows, pgx.RowToStructByName[Ended])
	if err != nil {
		return nil, fmt.Errorf("delete sessions: %w", err)
	}
	return got, nil
}

// versioned is a cached session and the version that it has by now.
type versioned struct {
	TokenHash []byte
	Version   int64
}

// versions lists the sessions of a person with their versions.
func (s Store) versions(ctx context.Context, userID string) ([]versioned, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT s.token_hash, s.version + u.version AS version
		FROM better_auth.sessions s
		JOIN better_auth.users u ON u.id = s.user_id
		WHERE s.user_id = $1`, userID)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByName[versioned])
	if err != nil {
		return nil, fmt.Errorf("versions of sessions: %w", err)
	}
	return got, nil
}

// Sweep deletes up to limit sessions that are over.
func (s Store) Sweep(ctx context.Context, now time.Time, limit int) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		DELETE FROM better_auth.sessions
		WHERE id IN (SELECT id FROM better_auth.sessions WHERE expires_at < $1 LIMIT $2)`, now, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	return tag.RowsAffected(), nil
}
