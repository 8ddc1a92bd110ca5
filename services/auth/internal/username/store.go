package username

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// Store finds people by their names.
type Store struct {
	DB database.Querier
}

// ByName returns the person with this name and the password's hash, which is nil
// for one who has none, or user.ErrNone.
func (s Store) ByName(ctx context.Context, name string) (user.User, *string, error) {
	var u user.User
	var hash *string
	err := s.DB.QueryRow(ctx, `
		SELECT `+user.Columns+`, a.password
		FROM better_auth.users u
		LEFT JOIN better_auth.accounts a ON a.user_id = u.id AND a.provider_id = 'credential'
		WHERE u.username = $1`, name).Scan(append(u.Fields(), &hash)...)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return user.User{}, nil, user.ErrNone
	case err != nil:
		return user.User{}, nil, fmt.Errorf("account by user name: %w", err)
	}
	return u, hash, nil
}
