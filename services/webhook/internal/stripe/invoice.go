package stripe

import "time"

// Invoice is a bill.
type Invoice struct {
	ID              string
	CustomerID      string
	SubscriptionID  string
	PaymentID       string
	Number          string
	Status          string
	Currency        string
	AmountDue       int64
	AmountPaid      int64
	AmountRemaining int64
	AttemptCount    int64
	NextAttempt     *time.Time
	HostedURL       string
	PDFURL          string
	CreatedAt       *time.Time
}

// Key is the id.
func (i Invoice) Key() string { return i.ID }

// Terminal is true once it is paid or void; one that was given up may still be either.
func (i Invoice) Terminal() bool { return i.Status == "paid" || i.Status == "void" }

// Progress is the number of attempts to collect it.
func (i Invoice) Progress() int64 { return i.AttemptCount }

type wireInvoice struct {
	ID              text  `json:"id"`
	Customer        ref   `json:"customer"`
	Subscription    ref   `json:"subscription"` // moved to parent in 2025-03-31
	PaymentIntent   ref   `json:"payment_intent"`
	Number          text  `json:"number"`
	Status          text  `json:"status"`
	Currency        text  `json:"currency"`
	AmountDue       int64 `json:"amount_due"`
	AmountPaid      int64 `json:"amount_paid"`
	AmountRemaining int64 `json:"amount_remaining"`
	AttemptCount    int64 `json:"attempt_count"`
	NextAttempt     int64 `json:"next_payment_attempt"`
	HostedURL       text  `json:"hosted_invoice_url"`
	PDFURL          text  `json:"invoice_pdf"`
	Created         int64 `json:"created"`
	Parent          struct {
		Details struct {
			Subscription ref `json:"subscription"`
		} `json:"subscription_details"`
	} `json:"parent"`
	Payments struct {
		Data []struct {
			Payment struct {
				PaymentIntent ref `json:"payment_intent"`
			} `json:"payment"`
		} `json:"data"`
	} `json:"payments"`
}

func decodeInvoice(raw []byte) (Facts, error) {
	w, err := read[wireInvoice](raw)
	if err != nil {
		return nil, err
	}
	payment := w.PaymentIntent
	for _, p := range w.Payments.Data {
		payment = first(payment, p.Payment.PaymentIntent)
	}
	i := Invoice{
		ID: string(w.ID), CustomerID: string(w.Customer), SubscriptionID: string(first(w.Subscription, w.Parent.Details.Subscription)),
		PaymentID: string(payment), Number: string(w.Number), Status: string(w.Status), Currency: string(w.Currency), AmountDue: w.AmountDue,
		AmountPaid: w.AmountPaid, AmountRemaining: w.AmountRemaining, AttemptCount: w.AttemptCount, NextAttempt: moment(w.NextAttempt),
		HostedURL: string(w.HostedURL), PDFURL: string(w.PDFURL), CreatedAt: moment(w.Created),
	}
	return i, need(KindInvoice, map[string]bool{
		"id": i.ID != "", "status": i.Status != "", "currency": i.Currency != "", "created": i.CreatedAt != nil,
	})
}

// InvoicePayment says which payment paid which invoice. Newer API versions have
// it instead of the members that name each other.
type InvoicePayment struct {
	ID        string
	InvoiceID string
	PaymentID string
	Status    string
}

// Key is the id.
func (p InvoicePayment) Key() string { return p.ID }

// Terminal is never.
func (InvoicePayment) Terminal() bool { return false }

// Progress is not known of it.
func (InvoicePayment) Progress() int64 { return 0 }

func decodeInvoicePayment(raw []byte) (Facts, error) {
	w, err := read[struct {
		ID      text `json:"id"`
		Invoice ref  `json:"invoice"`
		Status  text `json:"status"`
		Payment struct {
			PaymentIntent ref `json:"payment_intent"`
		} `json:"payment"`
	}](raw)
	if err != nil {
		return nil, err
	}
	p := InvoicePayment{ID: string(w.ID), InvoiceID: string(w.Invoice), PaymentID: string(w.Payment.PaymentIntent), Status: string(w.Status)}
	return p, need(KindInvoicePayment, map[string]bool{"id": p.ID != "", "invoice": p.InvoiceID != ""})
}
