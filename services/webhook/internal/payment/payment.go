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

// Facts are what a payment's status follows from.
type Facts struct {
	Intent      string // the status of Stripe's payment intent
	FailureCode string // of the last attempt
	Amount      int64
	Refunded    int64
	Disputed    bool
}

// Status gives a payment the one word that its payer cares about.
func (f Facts) Status() string {
	switch {
	case f.Disputed:
		return "disputed"
	case f.Refunded > 0 && f.Refunded >= f.Amount:
		return "refunded"
	case f.Refunded > 0:
		return "partially_refunded"
	}
	switch f.Intent {
	case "succeeded", "processing", "canceled":
		return f.Intent
	case "requires_action", "requires_confirmation":
		return "action_required"
	}
	if f.FailureCode != "" {
		return "failed"
	}
	return "pending"
}
