package stripe

// Price is what something costs.
type Price struct {
	ID        string
	ProductID string
	LookupKey string
	Currency  string
	Amount    int64  // in the smallest unit of the currency
	Interval  string // day, week, month or year; empty: paid once
	Count     int64  // of intervals in a period
	Active    bool
}

// Key is the id.
func (p Price) Key() string { return p.ID }

// Terminal is never: a price can be sold again.
func (Price) Terminal() bool { return false }

// Progress is not known of prices.
func (Price) Progress() int64 { return 0 }

// wirePrice is a price in any object, or only its id.
type wirePrice struct {
	ID         text   `json:"id"`
	Product    ref    `json:"product"`
	LookupKey  text   `json:"lookup_key"`
	Currency   text   `json:"currency"`
	UnitAmount *int64 `json:"unit_amount"`
	Active     bool   `json:"active"`
	Recurring  *struct {
		Interval text  `json:"interval"`
		Count    int64 `json:"interval_count"`
	} `json:"recurring"`
}

func (w wirePrice) price() Price {
	p := Price{ID: string(w.ID), ProductID: string(w.Product), LookupKey: string(w.LookupKey), Currency: string(w.Currency), Count: 1, Active: w.Active}
	if w.UnitAmount != nil {
		p.Amount = *w.UnitAmount
	}
	if w.Recurring != nil {
		p.Interval, p.Count = string(w.Recurring.Interval), max(w.Recurring.Count, 1)
	}
	return p
}

func decodePrice(raw []byte, deleted bool) (Facts, error) {
	w, err := read[wirePrice](raw)
	if err != nil {
		return nil, err
	}
	p := w.price()
	p.Active = p.Active && !deleted
	return p, need(KindPrice, map[string]bool{"id": p.ID != "", "currency": p.Currency != ""})
}
