package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

// ErrNone says that there is no such person. It is an answer to us, not to
// clients: each feature says what may be known from outside.
var ErrNone = errors.New("no such user")

// ErrTaken says that an address is somebody's.
var ErrTaken = errors.New("address is taken")

// Store keeps people. DB is a pool, or the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

const columns = `id, name, email, email_verified, image, role, banned, ban_reason, ban_expires_at,
	two_factor_enabled, username, display_username, is_anonymous, extra, version, created_at, updated_at`

// Columns lists a person's columns for a query that reads more than people; u is
// the name that the query gives the table. Scan them into Fields.
const Columns = `u.id, u.name, u.email, u.email_verified, u.image, u.role, u.banned, u.ban_reason, u.ban_expires_at,
	u.two_factor_enabled, u.username, u.display_username, u.is_anonymous, u.extra, u.version, u.created_at, u.updated_at`

// Fields are where the values of Columns go.
func (u *User) Fields() []any {
	return []any{
		&u.ID, &u.Name, &u.Email, &u.EmailVerified, &u.Image, &u.Role, &u.Banned, &u.BanReason, &u.BanExpiresAt,
		&u.TwoFactorEnabled, &u.Username, &u.DisplayUsername, &u.IsAnonymous, &u.Extra, &u.Version, &u.CreatedAt, &u.UpdatedAt,
	}
}

// ByID returns the person with this id, or ErrNone.
func (s Store) ByID(ctx context.Context, id string) (User, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.users WHERE id = $1`, id)
	return one(rows, "user by id")
}

// ByEmail returns the person with this address, or ErrNone.
func (s Store) ByEmail(ctx context.Context, email string) (User, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.users WHERE email = $1`, email)
	return one(rows, "user by address")
}

// Insert keeps a new person, and tells whether the address was free. The unique
// index decides between parallel sign-ups: all but one find a row.
func (s Store) Insert(ctx context.Context, u User) (inserted bool, err error) {
	tag, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.users
		       (id, name, email, email_verified, image, role, username, display_username, is_anonymous, extra, version, created_at, updated_at)
		VALUES (@id, @name, @email, @email_verified, @image, @role, @username, @display_username, @is_anonymous, @extra, @version, @created_at, @updated_at)
		ON CONFLICT (email) DO NOTHING`,
		pgx.NamedArgs{
			"id": u.ID, "name": u.Name, "email": u.Email, "email_verified": u.EmailVerified, "image": u.Image,
			"role": u.Role, "username": u.Username, "display_username": u.DisplayUsername, "is_anonymous": u.IsAnonymous, "extra": u.Extra,
			"version": u.Version, "created_at": u.CreatedAt, "updated_at": u.UpdatedAt,
		})
	if UsernameTaken(err) {
		return false, ErrUsernameTaken
	} else if err != nil {
		return false, fmt.Errorf("insert user: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Verify marks an address as proven and returns the person; ErrNone when the
// address is not that person's (any more) or was proven before. Two uses of one
// link come one after the other here, so that only the first signs in.
func (s Store) Verify(ctx context.Context, id, email string, now time.Time) (User, error) {
	rows, _ := s.DB.Query(ctx, `
		UPDATE better_auth.users
		SET email_verified = true, version = version + 1, updated_at = $3
		WHERE id = $1 AND email = $2 AND NOT email_verified
		RETURNING `+columns, id, email, now)
	return one(rows, "verify user")
}

// Move gives a person a proven address in place of the old one: ErrTaken when it
// is somebody's, ErrNone when the old one is not the person's (any more). The
// unique index decides between two who want it. Who was anonymous is known from
// here on.
func (s Store) Move(ctx context.Context, id, old, email string, now time.Time) (User, error) {
	rows, _ := s.DB.Query(ctx, `
		UPDATE better_auth.users
		SET email = $3, email_verified = true, is_anonymous = false, version = version + 1, updated_at = $4
		WHERE id = $1 AND email = $2
		RETURNING `+columns, id, old, email, now)
	u, err := one(rows, "change address")
	if EmailTaken(err) {
		return User{}, ErrTaken
	}
	return u, err
}

// LiftBan takes a ban away whose time is over (contract §14.1).
func (s Store) LiftBan(ctx context.Context, id string, now time.Time) (User, error) {
	rows, _ := s.DB.Query(ctx, `
		UPDATE better_auth.users
		SET banned = false, ban_reason = NULL, ban_expires_at = NULL, version = version + 1, updated_at = $2
		WHERE id = $1
		RETURNING `+columns, id, now)
	return one(rows, "lift ban")
}

// Change is what the owner of a profile may change. Nil leaves a member as it is.
type Change struct {
	Name     *string
	SetImage bool
	Image    *string // with SetImage: the new picture, nil for none
	Username *string // lower case
	Display  *string // the user name as it was typed
	// Extra holds the members of USER_FIELDS that change, as a JSON object.
	Extra json.RawMessage
}

// Empty tells that nothing is to change.
func (c Change) Empty() bool {
	return c.Name == nil && !c.SetImage && c.Username == nil && c.Display == nil && c.Extra == nil
}

// Names tells which members change, without their values.
func (c Change) Names() string {
	var names []string
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"name", c.Name != nil}, {"image", c.SetImage}, {"username", c.Username != nil || c.Display != nil}, {"fields", c.Extra != nil},
	} {
		if m.set {
			names = append(names, m.name)
		}
	}
	return strings.Join(names, " ")
}

// Update writes a change and returns the person as it is now, or ErrNone.
func (s Store) Update(ctx context.Context, id string, c Change, now time.Time) (User, error) {
	rows, _ := s.DB.Query(ctx, `
		UPDATE better_auth.users
		SET name = coalesce(@name, name),
		    image = CASE WHEN @set_image::boolean THEN @image ELSE image END,
		    username = coalesce(@username, username),
		    display_username = coalesce(@display, display_username),
		    extra = extra || coalesce(@extra::jsonb, '{}'),
		    version = version + 1,
		    updated_at = @now
		WHERE id = @id
		RETURNING `+columns,
		pgx.NamedArgs{"id": id, "name": c.Name, "set_image": c.SetImage, "image": c.Image, "username": c.Username, "display": c.Display, "extra": c.Extra, "now": now})
	u, err := one(rows, "update user")
	if UsernameTaken(err) {
		return User{}, ErrUsernameTaken
	}
	return u, err
}

// Lock keeps a person from being changed, and from getting sessions, until the
// transaction ends; ErrNone when there is no such person.
func (s Store) Lock(ctx context.Context, id string) error {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM better_auth.users WHERE id = $1 FOR UPDATE`, id)
	_, err := one(rows, "lock user")
	return err
}

// Delete removes a person with everything that belongs to them here; ErrNone
// when that was done before.
func (s Store) Delete(ctx context.Context, id string) error {
	tag, err := s.DB.Exec(ctx, `DELETE FROM better_auth.users WHERE id = $1`, id)
	switch {
	case err != nil:
		return fmt.Errorf("delete user: %w", err)
	case tag.RowsAffected() == 0:
		return ErrNone
	}
	return nil
}

func one(rows pgx.Rows, what string) (User, error) {
	u, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[User])
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return User{}, ErrNone
	case err != nil:
		return User{}, fmt.Errorf("%s: %w", what, err)
	}
	return u, nil
}
