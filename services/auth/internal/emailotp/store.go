package emailotp

import (
	"context"
	"fmt"
	"time"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// Store changes addresses. DB is the transaction that a step is part of.
type Store struct {
	DB database.Querier
}

// move gives a person a proven address in place of the old one. The unique index
// decides between two who want it. Who was anonymous is known from here on.
func (s Store) move(ctx context.Context, id, old, email string, now time.Time) error {
	tag, err := s.DB.Exec(ctx, `
		UPDATE better_auth.users
		SET email = $3, email_verified = true, is_anonymous = false, version = version + 1, updated_at = $4
		WHERE id = $1 AND email = $2`, id, old, email, now)
	switch {
	case user.EmailTaken(err):
		return ErrTaken
	case err != nil:
		return fmt.Errorf("change address: %w", err)
	case tag.RowsAffected() == 0:
		return errMovedAway
	}
	return nil
}
