package payment

import "time"

// Payment is one payment as its payer sees it.
type Payment struct {
	ID             string    `json:"id"`
	Amount         int64     `json:"amount" doc:"In the smallest unit of the currency"`
	AmountRefunded int64     `json:"amount_refunded"`
	Currency       string    `json:"currency"`
	Status         string    `json:"status" enum:"pending,processing,action_required,succeeded,failed,canceled,partially_refunded,refunded,disputed"`
	Description    string    `json:"description"`
	InvoiceURL     *string   `json:"invoice_url" nullable:"true" doc:"Where to read the bill or the receipt"`
	CreatedAt      time.Time `json:"created_at"`
}

// facts are what a payment's status follows from.
type facts struct {
	status      string // of the payment intent
	failureCode string
	amount      int64
	refunded    int64
	disputed    bool
}

// statusOf gives a payment the one word that its payer cares about.
func statusOf(f facts) string {
	switch {
	case f.disputed:
		return "disputed"
	case f.refunded > 0 && f.refunded >= f.amount:
		return "refunded"
	case f.refunded > 0:
		return "partially_refunded"
	}
	switch f.status {
	case "succeeded", "processing", "canceled":
		return f.status
	case "requires_action", "requires_confirmation":
		return "action_required"
	}
	if f.failureCode != "" {
		return "failed"
	}
	return "pending"
}
