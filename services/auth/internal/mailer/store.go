package mailer

import (
	"context"
	"fmt"
	"time"

	"github.com/codex-platform/codex/pkg/database"
)

// Store keeps the ledger of letters.
type Store struct {
	DB database.Querier
}

// Note enters a letter and tells whether it is new. The primary key decides
// between two transactions with the same cause: one of them finds it there.
func (s Store) Note(ctx context.Context, kind, objectID, cause string, now time.Time) (fresh bool, err error) {
	tag, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.mail_ledger (kind, object_id, cause, created_at)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (kind, object_id, cause) DO NOTHING`, kind, objectID, cause, now)
	if err != nil {
		return false, fmt.Errorf("note letter: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Sent tells whether a letter was handed over.
func (s Store) Sent(ctx context.Context, kind, objectID, cause string) (sent bool, err error) {
	err = s.DB.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT FROM better_auth.mail_ledger
			WHERE kind = $1 AND object_id = $2 AND cause = $3 AND sent_at IS NOT NULL)`, kind, objectID, cause).Scan(&sent)
	if err != nil {
		return false, fmt.Errorf("look up letter: %w", err)
	}
	return sent, nil
}

// MarkSent enters that a letter was handed over.
func (s Store) MarkSent(ctx context.Context, kind, objectID, cause string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE better_auth.mail_ledger SET sent_at = $4
		WHERE kind = $1 AND object_id = $2 AND cause = $3`, kind, objectID, cause, now)
	if err != nil {
		return fmt.Errorf("mark letter: %w", err)
	}
	return nil
}

// Sweep forgets up to limit letters that were decided on before a moment.
func (s Store) Sweep(ctx context.Context, before time.Time, limit int) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		DELETE FROM better_auth.mail_ledger
		WHERE (kind, object_id, cause) IN (
			SELECT kind, object_id, cause FROM better_auth.mail_ledger WHERE created_at < $1 LIMIT $2)`, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep letters: %w", err)
	}
	return tag.RowsAffected(), nil
}
