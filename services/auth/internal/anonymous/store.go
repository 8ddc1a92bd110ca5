package anonymous

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// Store finds people without an address.
type Store struct {
	DB database.Querier
}

// settled is how long after it was made a person is looked at, so that one whose
// session is being written is not taken for one without.
const settled = time.Hour

// Gone lists up to limit of them who have no session any more.
func (s Store) Gone(ctx context.Context, now time.Time, limit int) ([]user.User, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT `+user.Columns+`
		FROM better_auth.users u
		WHERE u.is_anonymous AND u.created_at < $2
		  AND NOT EXISTS (SELECT FROM better_auth.sessions s WHERE s.user_id = u.id AND s.expires_at > $1)
		ORDER BY u.created_at
		LIMIT $3`, now, now.Add(-settled), limit)
	got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (user.User, error) {
		var u user.User
		return u, row.Scan(u.Fields()...)
	})
	if err != nil {
		return nil, fmt.Errorf("anonymous people without a session: %w", err)
	}
	return got, nil
}
