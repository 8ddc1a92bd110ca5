package projection

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/webhook/internal/plan"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// write puts the facts into their tables, in one round trip.
func write(ctx context.Context, tx pgx.Tx, catalogue plan.Catalogue, all []stripe.Facts) error {
	b := &pgx.Batch{}
	queuePrices(b, catalogue, all)
	for _, f := range all {
		switch f := f.(type) {
		case stripe.Customer:
			queueCustomer(b, f)
		case stripe.Price:
			queuePrice(b, catalogue, f)
		case stripe.Subscription:
			queueSubscription(b, f)
		case stripe.Invoice:
			queueInvoice(b, f)
		case stripe.InvoicePayment:
			queueInvoicePayment(b, f)
		case stripe.Payment:
			queuePayment(b, f)
		case stripe.Charge:
			queueCharge(b, f)
		case stripe.Dispute:
			queueDispute(b, f)
		case stripe.Session:
			queueSession(b, f)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write the state of %d objects: %w", len(all), err)
	}
	return nil
}

// queueCustomer leaves user_id alone: it is the checkout's to write (WH-07).
func queueCustomer(b *pgx.Batch, c stripe.Customer) {
	b.Queue(`
		INSERT INTO billing.customers (id, currency, delinquent, deleted) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET currency = excluded.currency, delinquent = excluded.delinquent, deleted = excluded.deleted, updated_at = now()`,
		c.ID, c.Currency, c.Delinquent, c.Deleted)
}

// queuePrices makes the prices known that subscriptions name. A price that is
// known already is newer than what a subscription remembers of it.
func queuePrices(b *pgx.Batch, catalogue plan.Catalogue, all []stripe.Facts) {
	prices := map[string]stripe.Price{}
	for _, f := range all {
		if s, ok := f.(stripe.Subscription); ok {
			for _, item := range s.Items {
				prices[item.Price.ID] = item.Price
			}
		}
	}
	for _, id := range sortedKeys(prices) {
		p := prices[id]
		b.Queue(`
			INSERT INTO billing.prices (id, product_id, lookup_key, plan_key, currency, unit_amount, recurring, recurring_count, active)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`,
			p.ID, p.ProductID, p.LookupKey, catalogue.KeyOf(p.LookupKey), p.Currency, p.Amount, p.Interval, p.Count, p.Active)
	}
}

// queuePrice keeps the plan that a price was sold as when its lookup key has moved
// on to a newer price: those who bought it keep what they bought.
func queuePrice(b *pgx.Batch, catalogue plan.Catalogue, p stripe.Price) {
	b.Queue(`
		INSERT INTO billing.prices AS old (id, product_id, lookup_key, plan_key, currency, unit_amount, recurring, recurring_count, active)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET product_id = excluded.product_id, lookup_key = excluded.lookup_key,
			plan_key = CASE WHEN excluded.plan_key <> '' THEN excluded.plan_key ELSE old.plan_key END, currency = excluded.currency,
			unit_amount = excluded.unit_amount, recurring = excluded.recurring, recurring_count = excluded.recurring_count, active = excluded.active`,
		p.ID, p.ProductID, p.LookupKey, catalogue.KeyOf(p.LookupKey), p.Currency, p.Amount, p.Interval, p.Count, p.Active)
}

// queueSubscription replaces the items with their subscription: its guard is
// locked, so nobody else writes them.
func queueSubscription(b *pgx.Batch, s stripe.Subscription) {
	b.Queue(`
		INSERT INTO billing.subscriptions (id, customer_id, status, current_period_start, current_period_end, cancel_at, cancel_at_period_end,
			canceled_at, ended_at, trial_end, latest_invoice_id, currency, created_at)
		VALUES (@id, @customer, @status, @start, @end, @cancel_at, @cancels, @canceled_at, @ended_at, @trial_end, @invoice, @currency, @created)
		ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id, status = excluded.status,
			current_period_start = excluded.current_period_start, current_period_end = excluded.current_period_end, cancel_at = excluded.cancel_at,
			cancel_at_period_end = excluded.cancel_at_period_end, canceled_at = excluded.canceled_at, ended_at = excluded.ended_at,
			trial_end = excluded.trial_end, latest_invoice_id = excluded.latest_invoice_id, currency = excluded.currency`,
		pgx.NamedArgs{"id": s.ID, "customer": s.CustomerID, "status": s.Status, "start": s.PeriodStart, "end": s.PeriodEnd, "cancel_at": s.CancelAt,
			"cancels": s.CancelAtPeriodEnd, "canceled_at": s.CanceledAt, "ended_at": s.EndedAt, "trial_end": s.TrialEnd,
			"invoice": s.LatestInvoiceID, "currency": s.Currency, "created": s.CreatedAt})
	items := slices.SortedFunc(slices.Values(s.Items), func(a, b stripe.Item) int { return cmp.Compare(a.ID, b.ID) })
	var ids, prices []string
	var quantities []int64
	for _, item := range items {
		ids, prices, quantities = append(ids, item.ID), append(prices, item.Price.ID), append(quantities, item.Quantity)
	}
	b.Queue(`DELETE FROM billing.subscription_items WHERE subscription_id = $1 AND id <> ALL($2)`, s.ID, ids)
	b.Queue(`
		INSERT INTO billing.subscription_items (id, subscription_id, price_id, quantity, position)
		SELECT id, $1, price, quantity, position FROM unnest($2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS i (id, price, quantity, position)
		ON CONFLICT (id) DO UPDATE SET subscription_id = excluded.subscription_id, price_id = excluded.price_id,
			quantity = excluded.quantity, position = excluded.position`, s.ID, ids, prices, quantities)
}

func queueInvoice(b *pgx.Batch, i stripe.Invoice) {
	b.Queue(`
		INSERT INTO billing.invoices (id, customer_id, subscription_id, payment_id, number, status, currency, amount_due, amount_paid, amount_remaining,
			attempt_count, next_payment_attempt, hosted_url, pdf_url, created_at)
		VALUES (@id, @customer, @subscription, @payment, @number, @status, @currency, @due, @paid, @remaining, @attempts, @next, @hosted, @pdf, @created)
		ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id, subscription_id = excluded.subscription_id, payment_id = excluded.payment_id,
			number = excluded.number, status = excluded.status, currency = excluded.currency, amount_due = excluded.amount_due,
			amount_paid = excluded.amount_paid, amount_remaining = excluded.amount_remaining, attempt_count = excluded.attempt_count,
			next_payment_attempt = excluded.next_payment_attempt, hosted_url = excluded.hosted_url, pdf_url = excluded.pdf_url`,
		pgx.NamedArgs{"id": i.ID, "customer": i.CustomerID, "subscription": i.SubscriptionID, "payment": i.PaymentID, "number": i.Number,
			"status": i.Status, "currency": i.Currency, "due": i.AmountDue, "paid": i.AmountPaid, "remaining": i.AmountRemaining,
			"attempts": i.AttemptCount, "next": i.NextAttempt, "hosted": i.HostedURL, "pdf": i.PDFURL, "created": i.CreatedAt})
}

func queueInvoicePayment(b *pgx.Batch, p stripe.InvoicePayment) {
	b.Queue(`
		INSERT INTO billing.invoice_payments (id, invoice_id, payment_id, status) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET invoice_id = excluded.invoice_id, payment_id = excluded.payment_id, status = excluded.status`,
		p.ID, p.InvoiceID, p.PaymentID, p.Status)
}

func queuePayment(b *pgx.Batch, p stripe.Payment) {
	b.Queue(`
		INSERT INTO billing.payments (id, customer_id, invoice_id, status, amount, amount_received, currency, description, failure_code, created_at)
		VALUES (@id, @customer, @invoice, @status, @amount, @received, @currency, @description, @failure, @created)
		ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id, invoice_id = excluded.invoice_id, status = excluded.status,
			amount = excluded.amount, amount_received = excluded.amount_received, currency = excluded.currency,
			description = excluded.description, failure_code = excluded.failure_code`,
		pgx.NamedArgs{"id": p.ID, "customer": p.CustomerID, "invoice": p.InvoiceID, "status": p.Status, "amount": p.Amount,
			"received": p.AmountReceived, "currency": p.Currency, "description": p.Description, "failure": p.FailureCode, "created": p.CreatedAt})
}

func queueCharge(b *pgx.Batch, c stripe.Charge) {
	b.Queue(`
		INSERT INTO billing.charges (id, payment_id, customer_id, status, amount, amount_refunded, disputed, currency, receipt_url, failure_code, created_at)
		VALUES (@id, @payment, @customer, @status, @amount, @refunded, @disputed, @currency, @receipt, @failure, @created)
		ON CONFLICT (id) DO UPDATE SET payment_id = excluded.payment_id, customer_id = excluded.customer_id, status = excluded.status,
			amount = excluded.amount, amount_refunded = excluded.amount_refunded, disputed = excluded.disputed, currency = excluded.currency,
			receipt_url = excluded.receipt_url, failure_code = excluded.failure_code`,
		pgx.NamedArgs{"id": c.ID, "payment": c.PaymentID, "customer": c.CustomerID, "status": c.Status, "amount": c.Amount,
			"refunded": c.AmountRefunded, "disputed": c.Disputed, "currency": c.Currency, "receipt": c.ReceiptURL, "failure": c.FailureCode,
			"created": c.CreatedAt})
}

func queueDispute(b *pgx.Batch, d stripe.Dispute) {
	b.Queue(`
		INSERT INTO billing.disputes (id, charge_id, payment_id, status, reason, amount, currency, due_by, created_at)
		VALUES (@id, @charge, @payment, @status, @reason, @amount, @currency, @due, @created)
		ON CONFLICT (id) DO UPDATE SET charge_id = excluded.charge_id, payment_id = excluded.payment_id, status = excluded.status,
			reason = excluded.reason, amount = excluded.amount, currency = excluded.currency, due_by = excluded.due_by`,
		pgx.NamedArgs{"id": d.ID, "charge": d.ChargeID, "payment": d.PaymentID, "status": d.Status, "reason": d.Reason, "amount": d.Amount,
			"currency": d.Currency, "due": d.DueBy, "created": d.CreatedAt})
}

// queueSession changes the checkouts that we began; others are none of ours.
func queueSession(b *pgx.Batch, s stripe.Session) {
	b.Queue(`UPDATE billing.checkouts SET status = $2, payment_status = $3 WHERE id = $1`, s.ID, s.Status, s.PaymentStatus)
}
