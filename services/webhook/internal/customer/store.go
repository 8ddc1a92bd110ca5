package customer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
)

// ErrNone means that a person has no customer yet.
var ErrNone = errors.New("no customer")

// Store keeps the bindings.
type Store struct {
	DB    *pgxpool.Pool
	Plans *plan.Store
}

// Of gives the customer of a person, or ErrNone.
func (s *Store) Of(ctx context.Context, userID string) (string, error) {
	var id string
	err := s.DB.QueryRow(ctx, `SELECT id FROM billing.customers WHERE user_id = $1 AND NOT deleted`, userID).Scan(&id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", ErrNone
	case err != nil:
		return "", fmt.Errorf("customer of a person: %w", err)
	}
	return id, nil
}

// LastDeleted gives the customer that a person had last and that was deleted at
// Stripe; empty when there was none. Stripe must not give it back as the answer to
// the call that made it.
func (s *Store) LastDeleted(ctx context.Context, userID string) (string, error) {
	var id string
	err := s.DB.QueryRow(ctx, `
		SELECT id FROM billing.customers WHERE user_id = $1 AND deleted ORDER BY created_at DESC, id LIMIT 1`, userID).Scan(&id)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("deleted customer of a person: %w", err)
	}
	return id, nil
}

// Bind makes a customer of Stripe's this person's, and gives the one that is in
// force afterwards: two checkouts at once may come here with two. An event may have
// made the row before; it never has an owner then.
func (s *Store) Bind(ctx context.Context, userID, id string) (string, error) {
	bound := ""
	err := database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		// The lock lets one of two purchases of a person bind; the other then finds
		// what the first has bound.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('billing.customer ' || $1, 0))`, userID); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `SELECT id FROM billing.customers WHERE user_id = $1 AND NOT deleted`, userID).Scan(&bound)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		bound = id
		tag, err := tx.Exec(ctx, `
			INSERT INTO billing.customers AS c (id, user_id) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, updated_at = now() WHERE c.user_id IS NULL`, id, userID)
		if err == nil && tag.RowsAffected() == 0 {
			err = errors.New("the customer is somebody else's")
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("bind a customer: %w", err)
	}
	return bound, nil
}

// Unlink takes a deleted person out of the billing state: nothing leads from the
// customer to the person any more. What was paid stays, as the law wants it.
func (s *Store) Unlink(ctx context.Context, userID string) error {
	err := database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE billing.customers SET user_id = NULL, updated_at = now() WHERE user_id = $1`, userID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM billing.checkouts WHERE user_id = $1`, userID); err != nil {
			return err
		}
		return s.Plans.Forget(ctx, tx, userID)
	})
	if err != nil {
		return fmt.Errorf("unlink a person: %w", err)
	}
	return nil
}
