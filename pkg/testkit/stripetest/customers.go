package stripetest

func (s *Server) customerRoutes(api func(string, handler)) {
	api("POST /v1/customers", s.createCustomer)
	api("GET /v1/customers", s.listCustomers)
	api("GET /v1/customers/{id}", func(c *call) (any, error) { return s.find("customer", c.id()) })
	api("POST /v1/customers/{id}", s.updateCustomer)
	api("DELETE /v1/customers/{id}", s.deleteCustomer)
}

func (s *Server) createCustomer(c *call) (any, error) {
	if err := c.only("email", "name", "metadata"); err != nil {
		return nil, err
	}
	return s.putCustomer(c.str("email"), c.str("name"), c.metadata()), nil
}

func (s *Server) putCustomer(email, name string, metadata object) object {
	return s.put(object{
		"id": newID("cus_")[:18], "object": "customer", "address": nil, "balance": int64(0), "created": s.now(),
		"currency": nil, "default_source": nil, "delinquent": false, "description": nil, "discount": nil,
		"email": nullable(email), "invoice_prefix": newID("")[:8], "livemode": s.options.Livemode, "metadata": metadata,
		"name": nullable(name), "phone": nil, "preferred_locales": []any{}, "shipping": nil, "tax_exempt": "none",
	}, "customer.created")
}

func (s *Server) listCustomers(c *call) (any, error) {
	if err := c.only("email", "created", "limit", "starting_after", "ending_before"); err != nil {
		return nil, err
	}
	return c.page(s.all("customer", func(o object) bool {
		return c.created(o) && c.matches(o, "email") && !o.flag("deleted")
	}))
}

func (s *Server) updateCustomer(c *call) (any, error) {
	if err := c.only("email", "name", "metadata"); err != nil {
		return nil, err
	}
	if _, err := s.live(c.id()); err != nil {
		return nil, err
	}
	return s.change(c.id(), "customer.updated", func(o object) {
		for _, name := range []string{"email", "name"} {
			if c.has(name) {
				o[name] = nullable(c.str(name))
			}
		}
		mergeMetadata(o, c.params)
	}), nil
}

// deleteCustomer ends the customer's subscriptions with it, as Stripe does. The
// event carries the whole object, the answer only that it is gone.
func (s *Server) deleteCustomer(c *call) (any, error) {
	customer, err := s.live(c.id())
	if err != nil {
		return nil, err
	}
	for _, sub := range s.all("subscription", func(o object) bool { return o.str("customer") == c.id() && !ended(o) }) {
		s.endSubscription(sub.str("id"))
	}
	s.emit("customer.deleted", customer, nil)
	gone := object{"id": c.id(), "object": "customer", "deleted": true}
	s.state.Objects[c.id()] = gone
	return gone, nil
}

// live gives a customer that is not deleted.
func (s *Server) live(id string) (object, error) {
	o, err := s.find("customer", id)
	if err == nil && o.flag("deleted") {
		err = missing("customer", id)
	}
	return o, err
}

// mergeMetadata sets the pairs that are given; an empty value removes one.
func mergeMetadata(o object, p params) {
	if !p.has("metadata") {
		return
	}
	merged := clone(o.child("metadata"))
	for k, v := range p.metadata() {
		if v == "" {
			delete(merged, k)
		} else {
			merged[k] = v
		}
	}
	o["metadata"] = merged
}
