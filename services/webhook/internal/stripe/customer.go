package stripe

// Customer is who pays. What people tell Stripe of themselves (name, address,
// mail) stays there.
type Customer struct {
	ID         string
	Currency   string
	Delinquent bool
	Deleted    bool
}

// Key is the id.
func (c Customer) Key() string { return c.ID }

// Terminal is true once it is deleted.
func (c Customer) Terminal() bool { return c.Deleted }

// Progress is not known of customers.
func (Customer) Progress() int64 { return 0 }

func decodeCustomer(raw []byte, deleted bool) (Facts, error) {
	w, err := read[struct {
		ID         text `json:"id"`
		Currency   text `json:"currency"`
		Delinquent bool `json:"delinquent"`
		Deleted    bool `json:"deleted"`
	}](raw)
	if err != nil {
		return nil, err
	}
	c := Customer{ID: string(w.ID), Currency: string(w.Currency), Delinquent: w.Delinquent, Deleted: deleted || w.Deleted}
	return c, need(KindCustomer, map[string]bool{"id": c.ID != ""})
}
