package checkout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// Store keeps the purchases that we began.
type Store struct{ DB *pgxpool.Pool }

const columns = `id, plan_key, url, status, payment_status, expires_at, created_at`

func one(rows pgx.Rows) (Checkout, error) {
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Checkout])
	if errors.Is(err, pgx.ErrNoRows) {
		return Checkout{}, ErrNotFound
	}
	if err != nil {
		return Checkout{}, fmt.Errorf("find checkout: %w", err)
	}
	return found, nil
}

// Last gives the newest checkout of a person, or ErrNotFound.
func (s *Store) Last(ctx context.Context, userID string) (Checkout, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT `+columns+` FROM billing.checkouts WHERE user_id = $1 ORDER BY created_at DESC, id LIMIT 1`, userID)
	return one(rows)
}

// Find gives a checkout of this person, or ErrNotFound.
func (s *Store) Find(ctx context.Context, userID, id string) (Checkout, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM billing.checkouts WHERE id = $1 AND user_id = $2`, id, userID)
	return one(rows)
}

// Add keeps a new checkout. Two requests that began one purchase come with one id.
func (s *Store) Add(ctx context.Context, userID, customer string, c Checkout) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO billing.checkouts (id, user_id, customer_id, plan_key, url, status, payment_status, expires_at, created_at)
		VALUES (@id, @user, @customer, @plan, @url, @status, @payment, @expires, @now) ON CONFLICT (id) DO NOTHING`,
		pgx.NamedArgs{"id": c.ID, "user": userID, "customer": customer, "plan": c.PlanKey, "url": c.URL, "status": c.Status,
			"payment": c.PaymentStatus, "expires": c.ExpiresAt, "now": c.CreatedAt})
	if err != nil {
		return fmt.Errorf("keep checkout: %w", err)
	}
	return nil
}

// Asking notes that Stripe is asked for a checkout now, and tells whether it may
// be: of many who poll at once the row's lock lets one through.
func (s *Store) Asking(ctx context.Context, id string, now time.Time, every time.Duration) (bool, error) {
	tag, err := s.DB.Exec(ctx, `
		UPDATE billing.checkouts SET asked_at = $2 WHERE id = $1 AND (asked_at IS NULL OR asked_at <= $3)`, id, now, now.Add(-every))
	if err != nil {
		return false, fmt.Errorf("note a question: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Subscribed tells whether a person has a live subscription.
func (s *Store) Subscribed(ctx context.Context, userID string) (bool, error) {
	var subscribed bool
	err := s.DB.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM billing.customers c JOIN billing.subscriptions s ON s.customer_id = c.id
			WHERE c.user_id = $1 AND NOT c.deleted AND s.status = ANY($2))`, userID, stripe.Live).Scan(&subscribed)
	if err != nil {
		return false, fmt.Errorf("look for a subscription: %w", err)
	}
	return subscribed, nil
}
