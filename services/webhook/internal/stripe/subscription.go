package stripe

import "time"

// Subscription is a plan that somebody pays for, again and again.
type Subscription struct {
	ID                string
	CustomerID        string
	Status            string
	PeriodStart       *time.Time
	PeriodEnd         *time.Time
	CancelAt          *time.Time
	CancelAtPeriodEnd bool
	CanceledAt        *time.Time
	EndedAt           *time.Time
	TrialEnd          *time.Time
	LatestInvoiceID   string
	Currency          string
	CreatedAt         *time.Time
	Items             []Item
}

// Item is one price in a subscription.
type Item struct {
	ID       string
	Price    Price
	Quantity int64
}

// Key is the id.
func (s Subscription) Key() string { return s.ID }

// Terminal is true once it has ended.
func (s Subscription) Terminal() bool { return s.Status == StatusCanceled || s.Status == StatusExpired }

// Progress is not known of subscriptions.
func (Subscription) Progress() int64 { return 0 }

type wireSubscription struct {
	ID                text  `json:"id"`
	Customer          ref   `json:"customer"`
	Status            text  `json:"status"`
	PeriodStart       int64 `json:"current_period_start"` // moved to the items in 2025-03-31
	PeriodEnd         int64 `json:"current_period_end"`
	CancelAt          int64 `json:"cancel_at"`
	CancelAtPeriodEnd bool  `json:"cancel_at_period_end"`
	CanceledAt        int64 `json:"canceled_at"`
	EndedAt           int64 `json:"ended_at"`
	TrialEnd          int64 `json:"trial_end"`
	LatestInvoice     ref   `json:"latest_invoice"`
	Currency          text  `json:"currency"`
	Created           int64 `json:"created"`
	Items             struct {
		Data []wireItem `json:"data"`
	} `json:"items"`
}

type wireItem struct {
	ID          text      `json:"id"`
	Price       wirePrice `json:"price"`
	Quantity    *int64    `json:"quantity"`
	PeriodStart int64     `json:"current_period_start"`
	PeriodEnd   int64     `json:"current_period_end"`
}

func decodeSubscription(raw []byte) (Facts, error) {
	w, err := read[wireSubscription](raw)
	if err != nil {
		return nil, err
	}
	s := Subscription{
		ID: string(w.ID), CustomerID: string(w.Customer), Status: string(w.Status), CancelAt: moment(w.CancelAt),
		CancelAtPeriodEnd: w.CancelAtPeriodEnd, CanceledAt: moment(w.CanceledAt), EndedAt: moment(w.EndedAt),
		TrialEnd: moment(w.TrialEnd), LatestInvoiceID: string(w.LatestInvoice), Currency: string(w.Currency), CreatedAt: moment(w.Created),
	}
	start, end, priced := s.addItems(w)
	s.PeriodStart, s.PeriodEnd = moment(first(w.PeriodStart, start)), moment(first(w.PeriodEnd, end))
	return s, need(KindSubscription, map[string]bool{
		"id": s.ID != "", "customer": s.CustomerID != "", "status": s.Status != "", "created": s.CreatedAt != nil,
		"current_period_end": s.PeriodEnd != nil, "items.price": priced,
	})
}

// addItems takes the items over and gives the earliest start and the latest end
// of their periods, and whether each of them names its price.
func (s *Subscription) addItems(w wireSubscription) (start, end int64, priced bool) {
	priced = len(w.Items.Data) > 0
	for _, item := range w.Items.Data {
		quantity := int64(1)
		if item.Quantity != nil {
			quantity = *item.Quantity
		}
		s.Items = append(s.Items, Item{ID: string(item.ID), Price: item.Price.price(), Quantity: quantity})
		priced = priced && item.ID != "" && item.Price.ID != "" && item.Price.Currency != ""
		end = max(end, item.PeriodEnd)
		if start == 0 || item.PeriodStart < start {
			start = item.PeriodStart
		}
	}
	return start, end, priced
}
