package user

import (
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/problem"
)

// ErrUsernameTaken refuses a user name that somebody else has.
var ErrUsernameTaken = problem.New(http.StatusBadRequest, "USERNAME_IS_ALREADY_TAKEN", "Username is already taken. Please try another.")

// What no two people have, by the names of the constraints.
const (
	emailKey    = "users_email_key"
	usernameKey = "users_username_key"
)

// EmailTaken tells whether a statement failed because somebody else has the address.
func EmailTaken(err error) bool { return taken(err, emailKey) }

// UsernameTaken tells whether it failed because somebody else has the user name.
func UsernameTaken(err error) bool { return taken(err, usernameKey) }

func taken(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == constraint
}
