package user

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// What no two people have, by the names of the constraints.
const (
	emailKey    = "users_email_key"
	usernameKey = "users_username_key"
)

// EmailTaken tells whether a statement failed because somebody else has the address.
func EmailTaken(err error) bool { return taken(err, emailKey) }

// UsernameTaken tells whether a statement failed because somebody else has the name.
func UsernameTaken(err error) bool { return taken(err, usernameKey) }

func taken(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == constraint
}
