package stripetest

func (s *Server) subscriptionRoutes(api func(string, handler)) {
	api("GET /v1/subscriptions", s.listSubscriptions)
	api("GET /v1/subscriptions/{id}", func(c *call) (any, error) { return s.find("subscription", c.id()) })
	api("POST /v1/subscriptions/{id}", s.updateSubscription)
	api("DELETE /v1/subscriptions/{id}", s.cancelSubscription)
}

func ended(sub object) bool {
	return sub.str("status") == "canceled" || sub.str("status") == "incomplete_expired"
}

// subscribe makes the subscription of a paid session, its first invoice and payment.
func (s *Server) subscribe(session object) {
	sub := s.put(s.newSubscription(session), "customer.subscription.created")
	id := sub.str("id")
	s.invoice(sub, "subscription_create", false)
	s.change(id, "customer.subscription.updated", func(o object) { o["status"] = "active" })
	session["subscription"], session["invoice"] = id, sub.str("latest_invoice")
}

func (s *Server) newSubscription(session object) object {
	id := newID("sub_1")
	start := s.now()
	var items []object
	interval := ""
	for _, v := range session.child("_line_items").list("data") {
		line := asObject(v)
		interval = line.child("price").child("recurring").str("interval")
		items = append(items, object{
			"id": newID("si_")[:17], "object": "subscription_item", "created": start, "metadata": object{},
			"price": clone(line.child("price")), "quantity": line.num("quantity"), "subscription": id, "tax_rates": []any{},
		})
	}
	return object{
		"id": id, "object": "subscription", "billing_cycle_anchor": start, "cancel_at": nil, "cancel_at_period_end": false,
		"canceled_at": nil, "collection_method": "charge_automatically", "created": start, "currency": session.str("currency"),
		"current_period_end": addInterval(start, interval), "current_period_start": start, "customer": session.str("customer"),
		"default_payment_method": nil, "description": nil, "ended_at": nil,
		"items": listOf("/v1/subscription_items?subscription="+id, items, false), "latest_invoice": nil,
		"livemode": s.options.Livemode, "metadata": clone(session.child("_subscription_metadata")), "pause_collection": nil,
		"pending_update": nil, "start_date": start, "status": "incomplete", "trial_end": nil, "trial_start": nil,
	}
}

func (s *Server) listSubscriptions(c *call) (any, error) {
	err := c.only("customer", "price", "status", "created", "limit", "starting_after", "ending_before")
	if err != nil {
		return nil, err
	}
	return c.page(s.all("subscription", func(o object) bool {
		status := c.str("status")
		return c.created(o) && c.matches(o, "customer") &&
			(status == "all" || status == "" && o.str("status") != "canceled" || status == o.str("status"))
	}))
}

func (s *Server) updateSubscription(c *call) (any, error) {
	if err := c.only("cancel_at_period_end", "metadata"); err != nil {
		return nil, err
	}
	sub, err := s.find("subscription", c.id())
	if err != nil {
		return nil, err
	}
	if ended(sub) {
		return nil, &apiError{status: 400, message: "A canceled subscription can only update its cancellation_details and metadata."}
	}
	return s.change(c.id(), "customer.subscription.updated", func(o object) {
		if c.has("cancel_at_period_end") {
			s.setCancel(o, c.flag("cancel_at_period_end"))
		}
		mergeMetadata(o, c.params)
	}), nil
}

// setCancel plans, or takes back, the end of a subscription with its period.
func (s *Server) setCancel(o object, on bool) {
	o["cancel_at_period_end"] = on
	o["cancel_at"], o["canceled_at"] = nil, nil
	if on {
		o["cancel_at"], o["canceled_at"] = o.num("current_period_end"), s.now()
	}
}

// CancelAtPeriodEnd plans the end of a subscription, or takes that back, as its
// holder does in the portal. It tells whether there is such a subscription.
func (s *Server) CancelAtPeriodEnd(id string, on bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.keep()
	sub, err := s.find("subscription", id)
	if err != nil || ended(sub) {
		return false
	}
	s.change(id, "customer.subscription.updated", func(o object) { s.setCancel(o, on) })
	return true
}

func (s *Server) cancelSubscription(c *call) (any, error) {
	if err := c.only("invoice_now", "prorate"); err != nil {
		return nil, err
	}
	sub, err := s.find("subscription", c.id())
	if err != nil {
		return nil, err
	}
	if ended(sub) {
		return nil, missing("subscription", c.id())
	}
	return s.endSubscription(c.id()), nil
}

func (s *Server) endSubscription(id string) object {
	o := s.change(id, "", func(o object) {
		o["status"], o["ended_at"] = "canceled", s.now()
		if o["canceled_at"] == nil {
			o["canceled_at"] = s.now()
		}
	})
	s.emit("customer.subscription.deleted", o, nil)
	return o
}

// Renew ends the current period of a subscription: one that was to be canceled is
// canceled, any other is billed for the next period. A declined payment leaves it
// past due. It tells whether there is such a subscription.
func (s *Server) Renew(id string, declined bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.keep()
	sub, err := s.find("subscription", id)
	if err != nil || ended(sub) {
		return false
	}
	if sub.flag("cancel_at_period_end") {
		s.endSubscription(id)
		return true
	}
	s.change(id, "customer.subscription.updated", func(o object) {
		start := o.num("current_period_end")
		interval := asObject(o.child("items").list("data")[0]).child("price").child("recurring").str("interval")
		o["current_period_start"], o["current_period_end"] = start, addInterval(start, interval)
	})
	s.invoice(sub, "subscription_cycle", declined)
	status := "active"
	if declined {
		status = "past_due"
	}
	s.change(id, "customer.subscription.updated", func(o object) { o["status"] = status })
	return true
}
