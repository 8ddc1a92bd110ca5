package subscription

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
)

// Subscription is one subscription as its holder sees it.
type Subscription struct {
	ID                 string     `json:"id"`
	Plan               string     `json:"plan" doc:"The key of the plan; empty for what is no plan"`
	Status             string     `json:"status" doc:"As Stripe names it: active, trialing, past_due, unpaid, canceled, …"`
	CurrentPeriodStart *time.Time `json:"current_period_start" nullable:"true"`
	CurrentPeriodEnd   *time.Time `json:"current_period_end" nullable:"true"`
	CancelAtPeriodEnd  bool       `json:"cancel_at_period_end"`
	Amount             int64      `json:"amount" doc:"For one period, in the smallest unit of the currency"`
	Currency           string     `json:"currency"`
	Interval           string     `json:"interval"`
}

// Store reads subscriptions.
type Store struct {
	DB        *pgxpool.Pool
	Catalogue plan.Catalogue
}

// place is where a page ends.
type place struct {
	CreatedAt time.Time `json:"c"`
	ID        string    `json:"i"`
}

// row is a subscription with what its plan and its place follow from.
type row struct {
	Subscription
	LookupKey, PlanKey string
	CreatedAt          time.Time
}

// Of gives one page of a person's subscriptions, newest first, and the cursor of
// the next one.
func (s *Store) Of(ctx context.Context, userID string, limit int, after validation.Cursor) ([]Subscription, *validation.Cursor, error) {
	var from place
	if after != "" {
		var err error
		if from, err = validation.DecodeCursor[place](after); err != nil {
			return nil, nil, problem.Invalid.WithFields(problem.Field{Pointer: "query/cursor", Detail: "is not a cursor of this list"})
		}
	}
	rows, _ := s.DB.Query(ctx, `
		SELECT s.id, s.status, s.current_period_start, s.current_period_end, s.cancel_at_period_end, s.currency, s.created_at,
			coalesce(i.amount, 0)::bigint, coalesce(i.recurring, ''), coalesce(i.lookup_key, ''), coalesce(i.plan_key, '')
		FROM billing.customers c
		JOIN billing.subscriptions s ON s.customer_id = c.id
		LEFT JOIN LATERAL (
			SELECT sum(p.unit_amount * i.quantity) AS amount, min(p.recurring) AS recurring,
				(array_agg(p.lookup_key ORDER BY i.position))[1] AS lookup_key, (array_agg(p.plan_key ORDER BY i.position))[1] AS plan_key
			FROM billing.subscription_items i JOIN billing.prices p ON p.id = i.price_id
			WHERE i.subscription_id = s.id) i ON true
		WHERE c.user_id = $1 AND ($2 OR (s.created_at, s.id) < ($3, $4))
		ORDER BY s.created_at DESC, s.id DESC LIMIT $5`, userID, after == "", from.CreatedAt, from.ID, limit+1)
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (x row, err error) {
		err = r.Scan(&x.ID, &x.Status, &x.CurrentPeriodStart, &x.CurrentPeriodEnd, &x.CancelAtPeriodEnd, &x.Currency, &x.CreatedAt,
			&x.Amount, &x.Interval, &x.LookupKey, &x.PlanKey)
		return x, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list subscriptions: %w", err)
	}
	return s.page(found, limit)
}

func (s *Store) page(found []row, limit int) ([]Subscription, *validation.Cursor, error) {
	items := make([]Subscription, 0, len(found))
	for _, r := range found[:min(limit, len(found))] {
		r.Plan = s.Catalogue.KeyOf(r.LookupKey)
		if r.Plan == "" {
			r.Plan = r.PlanKey
		}
		items = append(items, r.Subscription)
	}
	if len(found) <= limit {
		return items, nil, nil
	}
	last := found[limit-1]
	next, err := validation.EncodeCursor(place{last.CreatedAt, last.ID})
	return items, &next, err
}
