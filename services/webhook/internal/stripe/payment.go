package stripe

import "time"

// Payment is a payment intent: one thing to be paid, with any number of attempts.
type Payment struct {
	ID             string
	CustomerID     string
	InvoiceID      string
	Status         string
	Amount         int64
	AmountReceived int64
	Currency       string
	Description    string
	FailureCode    string
	CreatedAt      *time.Time
}

// Key is the id.
func (p Payment) Key() string { return p.ID }

// Terminal is true once it has succeeded or was given up.
func (p Payment) Terminal() bool { return p.Status == "succeeded" || p.Status == "canceled" }

// Progress is what has been received.
func (p Payment) Progress() int64 { return p.AmountReceived }

func decodePayment(raw []byte) (Facts, error) {
	w, err := read[struct {
		ID             text  `json:"id"`
		Customer       ref   `json:"customer"`
		Invoice        ref   `json:"invoice"` // gone in 2025-03-31: see InvoicePayment
		Status         text  `json:"status"`
		Amount         int64 `json:"amount"`
		AmountReceived int64 `json:"amount_received"`
		Currency       text  `json:"currency"`
		Description    text  `json:"description"`
		Created        int64 `json:"created"`
		Error          *struct {
			Code text `json:"code"`
		} `json:"last_payment_error"`
	}](raw)
	if err != nil {
		return nil, err
	}
	p := Payment{
		ID: string(w.ID), CustomerID: string(w.Customer), InvoiceID: string(w.Invoice), Status: string(w.Status), Amount: w.Amount,
		AmountReceived: w.AmountReceived, Currency: string(w.Currency), Description: string(w.Description), CreatedAt: moment(w.Created),
	}
	if w.Error != nil {
		p.FailureCode = string(first(w.Error.Code, "failed"))
	}
	return p, need(KindPayment, map[string]bool{
		"id": p.ID != "", "status": p.Status != "", "currency": p.Currency != "", "created": p.CreatedAt != nil,
	})
}

// Charge is one attempt to collect a payment, and what is given back of it.
type Charge struct {
	ID             string
	PaymentID      string
	CustomerID     string
	Status         string
	Amount         int64
	AmountRefunded int64
	Disputed       bool
	Currency       string
	ReceiptURL     string
	FailureCode    string
	CreatedAt      *time.Time
}

// Key is the id.
func (c Charge) Key() string { return c.ID }

// Terminal is never: money may be given back later.
func (Charge) Terminal() bool { return false }

// Progress is what was given back.
func (c Charge) Progress() int64 { return c.AmountRefunded }

func decodeCharge(raw []byte) (Facts, error) {
	w, err := read[struct {
		ID             text  `json:"id"`
		PaymentIntent  ref   `json:"payment_intent"`
		Customer       ref   `json:"customer"`
		Status         text  `json:"status"`
		Amount         int64 `json:"amount"`
		AmountRefunded int64 `json:"amount_refunded"`
		Disputed       bool  `json:"disputed"`
		Currency       text  `json:"currency"`
		ReceiptURL     text  `json:"receipt_url"`
		FailureCode    text  `json:"failure_code"`
		Created        int64 `json:"created"`
	}](raw)
	if err != nil {
		return nil, err
	}
	c := Charge{
		ID: string(w.ID), PaymentID: string(w.PaymentIntent), CustomerID: string(w.Customer), Status: string(w.Status), Amount: w.Amount,
		AmountRefunded: w.AmountRefunded, Disputed: w.Disputed, Currency: string(w.Currency), ReceiptURL: string(w.ReceiptURL),
		FailureCode: string(w.FailureCode), CreatedAt: moment(w.Created),
	}
	return c, need(KindCharge, map[string]bool{
		"id": c.ID != "", "status": c.Status != "", "currency": c.Currency != "", "created": c.CreatedAt != nil,
	})
}

// Dispute is a charge that its payer takes back through the bank.
type Dispute struct {
	ID        string
	ChargeID  string
	PaymentID string
	Status    string
	Reason    string
	Amount    int64
	Currency  string
	DueBy     *time.Time
	CreatedAt *time.Time
}

// Key is the id.
func (d Dispute) Key() string { return d.ID }

// Terminal is true once it is won or lost.
func (d Dispute) Terminal() bool { return d.Status == "won" || d.Status == "lost" }

// Progress is not known of disputes.
func (Dispute) Progress() int64 { return 0 }

func decodeDispute(raw []byte) (Facts, error) {
	w, err := read[struct {
		ID            text  `json:"id"`
		Charge        ref   `json:"charge"`
		PaymentIntent ref   `json:"payment_intent"`
		Status        text  `json:"status"`
		Reason        text  `json:"reason"`
		Amount        int64 `json:"amount"`
		Currency      text  `json:"currency"`
		Created       int64 `json:"created"`
		Evidence      struct {
			DueBy int64 `json:"due_by"`
		} `json:"evidence_details"`
	}](raw)
	if err != nil {
		return nil, err
	}
	d := Dispute{
		ID: string(w.ID), ChargeID: string(w.Charge), PaymentID: string(w.PaymentIntent), Status: string(w.Status), Reason: string(w.Reason),
		Amount: w.Amount, Currency: string(w.Currency), DueBy: moment(w.Evidence.DueBy), CreatedAt: moment(w.Created),
	}
	return d, need(KindDispute, map[string]bool{
		"id": d.ID != "", "charge": d.ChargeID != "", "status": d.Status != "", "currency": d.Currency != "", "created": d.CreatedAt != nil,
	})
}
