package stripe

import (
	"encoding/json"
	"time"
)

// Session is a checkout: a page of Stripe's on which one thing is bought.
type Session struct {
	ID             string
	CustomerID     string
	Status         string
	PaymentStatus  string
	SubscriptionID string
	URL            string
	ExpiresAt      *time.Time

	// Subscription is there when it was asked for and bought; not a fact of the session.
	Subscription *Subscription `json:"-"`
}

// Key is the id.
func (s Session) Key() string { return s.ID }

// Terminal is true once it is paid or over.
func (s Session) Terminal() bool {
	return s.Status == SessionExpired || s.Status == SessionComplete && s.PaymentStatus != "unpaid"
}

// Progress is not known of sessions.
func (Session) Progress() int64 { return 0 }

func decodeSession(raw []byte) (Facts, error) {
	w, err := read[struct {
		ID            text            `json:"id"`
		Customer      ref             `json:"customer"`
		Status        text            `json:"status"`
		PaymentStatus text            `json:"payment_status"`
		Subscription  json.RawMessage `json:"subscription"`
		URL           text            `json:"url"`
		ExpiresAt     int64           `json:"expires_at"`
	}](raw)
	if err != nil {
		return nil, err
	}
	s := Session{
		ID: string(w.ID), CustomerID: string(w.Customer), Status: string(w.Status), PaymentStatus: string(w.PaymentStatus),
		URL: string(w.URL), ExpiresAt: moment(w.ExpiresAt),
	}
	if err := s.addSubscription(w.Subscription); err != nil {
		return nil, err
	}
	return s, need(KindSession, map[string]bool{"id": s.ID != "", "status": s.Status != "", "payment_status": s.PaymentStatus != ""})
}

// addSubscription reads what was bought: an id, or the whole of it when it was
// asked for.
func (s *Session) addSubscription(raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	id, err := read[ref](raw)
	if err != nil {
		return err
	}
	s.SubscriptionID = string(id)
	if raw[0] != '{' {
		return nil
	}
	facts, err := decodeSubscription(raw)
	if err != nil {
		return err
	}
	subscription, ok := facts.(Subscription)
	if ok {
		s.Subscription = &subscription
	}
	return nil
}
