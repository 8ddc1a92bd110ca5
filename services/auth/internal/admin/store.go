package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// Store reads and changes people. DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// Hold returns a person and keeps others from changing it, and from beginning
// sessions for it, until the transaction ends; or ErrNoUser.
func (s Store) Hold(ctx context.Context, id string) (user.User, error) {
	return s.get(ctx, id, "FOR UPDATE")
}

// Get returns a person, or ErrNoUser.
func (s Store) Get(ctx context.Context, id string) (user.User, error) { return s.get(ctx, id, "") }

func (s Store) get(ctx context.Context, id, lock string) (user.User, error) {
	if _, err := validation.ParseUserID(id); err != nil {
		return user.User{}, ErrNoUser // it names nobody, and may not be text for a database
	}
	return one(s.DB.QueryRow(ctx, `SELECT `+user.Columns+` FROM better_auth.users u WHERE u.id = $1 `+lock, id), "get user")
}

// Update writes a change and returns the person as it is now. The unique index
// decides whether an address is free.
func (s Store) Update(ctx context.Context, id string, c Change, now time.Time) (user.User, error) {
	extra, err := json.Marshal(c.Extra)
	if err != nil {
		return user.User{}, fmt.Errorf("write fields: %w", err)
	}
	if c.Extra == nil {
		extra = []byte("{}")
	}
	return one(s.DB.QueryRow(ctx, `
		UPDATE better_auth.users u
		SET name = coalesce(@name, name),
		    image = CASE WHEN @set_image::boolean THEN @image ELSE image END,
		    email = coalesce(@email, email),
		    email_verified = coalesce(@email_verified, email_verified),
		    role = coalesce(@role, role),
		    username = coalesce(@username, username),
		    display_username = coalesce(@display, display_username),
		    extra = extra || @extra::jsonb,
		    version = version + 1,
		    updated_at = @now
		WHERE id = @id
		RETURNING `+user.Columns,
		pgx.NamedArgs{
			"id": id, "name": c.Name, "set_image": c.SetImage, "image": c.Image, "email": c.Email, "email_verified": c.EmailVerified,
			"role": c.Role, "username": c.Username, "display": c.Display, "extra": string(extra), "now": now,
		}), "update user")
}

// Ban keeps a person out until a moment, for good when it is nil.
func (s Store) Ban(ctx context.Context, id, reason string, until *time.Time, now time.Time) (user.User, error) {
	return one(s.DB.QueryRow(ctx, `
		UPDATE better_auth.users u
		SET banned = true, ban_reason = $2, ban_expires_at = $3, version = version + 1, updated_at = $4
		WHERE id = $1
		RETURNING `+user.Columns, id, reason, until, now), "ban user")
}

// Unban lets a person in again.
func (s Store) Unban(ctx context.Context, id string, now time.Time) (user.User, error) {
	return one(s.DB.QueryRow(ctx, `
		UPDATE better_auth.users u
		SET banned = false, ban_reason = NULL, ban_expires_at = NULL, version = version + 1, updated_at = $2
		WHERE id = $1
		RETURNING `+user.Columns, id, now), "unban user")
}

// SessionOwner returns whose session a handle or the hash of a token names; "" for
// nobody's.
func (s Store) SessionOwner(ctx context.Context, handle string, hash []byte) (userID string, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT user_id FROM better_auth.sessions
		WHERE handle = $1 OR token_hash = $2`, handle, hash).Scan(&userID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("owner of session: %w", err)
	}
	return userID, nil
}

// ByAddress returns the id of the person with this address, or ErrNoUser.
func (s Store) ByAddress(ctx context.Context, email string) (id string, err error) {
	err = s.DB.QueryRow(ctx, `SELECT id FROM better_auth.users WHERE email = $1`, email).Scan(&id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", ErrNoUser
	case err != nil:
		return "", fmt.Errorf("user by address: %w", err)
	}
	return id, nil
}

// List returns one page of people, and how many there are on all pages.
func (s Store) List(ctx context.Context, q Query) (people []user.User, total int64, err error) {
	where, args := q.where()
	if err := s.DB.QueryRow(ctx, `SELECT count(*) FROM better_auth.users u`+where, args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("count users: %w", err)
	}
	order, args := q.order(args)
	rows, _ := s.DB.Query(ctx, `SELECT `+user.Columns+` FROM better_auth.users u`+where+order, args...)
	people, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u user.User, err error) {
		return u, row.Scan(u.Fields()...)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	return people, total, nil
}

func one(row pgx.Row, what string) (user.User, error) {
	var u user.User
	var taken *pgconn.PgError
	switch err := row.Scan(u.Fields()...); {
	case errors.Is(err, pgx.ErrNoRows):
		return user.User{}, ErrNoUser
	case errors.As(err, &taken) && taken.ConstraintName == "users_email_key":
		return user.User{}, ErrExists
	case user.UsernameTaken(err):
		return user.User{}, user.ErrUsernameTaken
	case err != nil:
		return user.User{}, fmt.Errorf("%s: %w", what, err)
	}
	return u, nil
}
