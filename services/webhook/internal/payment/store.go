package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"
)

// Store reads payments.
type Store struct{ DB *pgxpool.Pool }

// place is where a page ends.
type place struct {
	CreatedAt time.Time `json:"c"`
	ID        string    `json:"i"`
}

// Of gives one page of a person's payments, newest first, and the cursor of the
// next one. Which invoice a payment is for stands in the payment, in the invoice
// or between them, as the API version had it.
func (s *Store) Of(ctx context.Context, userID string, limit int, after validation.Cursor) ([]Payment, *validation.Cursor, error) {
	var from place
	if after != "" {
		var err error
		if from, err = validation.DecodeCursor[place](after); err != nil {
			return nil, nil, problem.Invalid.WithFields(problem.Field{Pointer: "query/cursor", Detail: "is not a cursor of this list"})
		}
	}
	rows, _ := s.DB.Query(ctx, `
		SELECT p.id, p.amount, p.currency, p.description, p.created_at, p.status, p.failure_code, ch.refunded, ch.disputed,
			coalesce(nullif(inv.hosted_url, ''), nullif(ch.receipt, ''))
		FROM billing.customers c
		JOIN billing.payments p ON p.customer_id = c.id
		CROSS JOIN LATERAL (
			SELECT coalesce(sum(amount_refunded), 0)::bigint AS refunded, coalesce(bool_or(disputed), false) AS disputed, max(receipt_url) AS receipt
			FROM billing.charges WHERE payment_id = p.id) ch
		LEFT JOIN LATERAL (
			SELECT hosted_url FROM billing.invoices i
			WHERE i.id = nullif(p.invoice_id, '') OR i.payment_id = p.id
				OR i.id IN (SELECT invoice_id FROM billing.invoice_payments WHERE payment_id = p.id)
			ORDER BY i.created_at DESC LIMIT 1) inv ON true
		WHERE c.user_id = $1 AND ($2 OR (p.created_at, p.id) < ($3, $4))
		ORDER BY p.created_at DESC, p.id DESC LIMIT $5`, userID, after == "", from.CreatedAt, from.ID, limit+1)
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p Payment, err error) {
		var f Facts
		err = r.Scan(&p.ID, &p.Amount, &p.Currency, &p.Description, &p.CreatedAt, &f.Intent, &f.FailureCode, &f.Refunded, &f.Disputed, &p.InvoiceURL)
		f.Amount, p.AmountRefunded = p.Amount, f.Refunded
		p.Status = f.Status()
		return p, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list payments: %w", err)
	}
	return page(found, limit)
}

func page(found []Payment, limit int) ([]Payment, *validation.Cursor, error) {
	if len(found) <= limit {
		return found, nil, nil
	}
	last := found[limit-1]
	next, err := validation.EncodeCursor(place{last.CreatedAt, last.ID})
	return found[:limit], &next, err
}
