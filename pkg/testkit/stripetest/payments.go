package stripetest

import "net/http"

func (s *Server) paymentRoutes(api func(string, handler)) {
	for kind, path := range map[string]string{
		"invoice": "invoices", "payment_intent": "payment_intents", "charge": "charges", "dispute": "disputes", "refund": "refunds",
	} {
		api("GET /v1/"+path, func(c *call) (any, error) { return s.listOwned(c, kind) })
		api("GET /v1/"+path+"/{id}", func(c *call) (any, error) { return s.find(kind, c.id()) })
	}
	s.mux.HandleFunc("GET /invoice/{id}", s.invoicePage)
}

func (s *Server) listOwned(c *call, kind string) (any, error) {
	err := c.only("customer", "subscription", "status", "payment_intent", "charge", "created", "limit", "starting_after", "ending_before")
	if err != nil {
		return nil, err
	}
	return c.page(s.all(kind, func(o object) bool {
		return c.created(o) && c.matches(o, "customer", "subscription", "status", "payment_intent", "charge")
	}))
}

// invoice bills the current period of a subscription and tries to collect it.
func (s *Server) invoice(sub object, reason string, declined bool) object {
	id := newID("in_1")
	inv := s.put(s.newInvoice(id, sub, reason), "invoice.created")
	s.change(sub.str("id"), "", func(o object) { o["latest_invoice"] = id })
	s.finalize(id)
	intent := s.putPayment(payment{session: sub, invoice: id, amount: inv.num("amount_due"), declined: declined,
		description: map[bool]string{true: "Subscription creation", false: "Subscription update"}[reason == "subscription_create"]})
	s.change(id, "", func(o object) {
		o["payment_intent"], o["charge"] = intent.str("id"), intent.str("latest_charge")
		o["attempted"], o["attempt_count"] = true, int64(1)
	})
	if declined {
		o := s.change(id, "", func(o object) { o["next_payment_attempt"] = s.now() + 3*24*60*60 })
		s.emit("invoice.payment_failed", o, nil)
		return inv
	}
	s.settleInvoice(id)
	return inv
}

func (s *Server) newInvoice(id string, sub object, reason string) object {
	var total int64
	var lines []object
	for _, v := range sub.child("items").list("data") {
		item := asObject(v)
		amount := item.child("price").num("unit_amount") * item.num("quantity")
		total += amount
		lines = append(lines, object{
			"id": newID("il_1"), "object": "line_item", "amount": amount, "currency": sub.str("currency"),
			"description": s.state.Objects[item.child("price").str("product")].str("name"), "livemode": s.options.Livemode,
			"period":   object{"start": sub.num("current_period_start"), "end": sub.num("current_period_end")},
			"price":    clone(item.child("price")),
			"quantity": item.num("quantity"), "subscription": sub.str("id"), "subscription_item": item.str("id"), "type": "subscription",
		})
	}
	return object{
		"id": id, "object": "invoice", "amount_due": total, "amount_paid": int64(0), "amount_remaining": total, "attempt_count": int64(0),
		"attempted": false, "billing_reason": reason, "charge": nil, "collection_method": "charge_automatically", "created": s.now(),
		"currency": sub.str("currency"), "customer": sub.str("customer"), "due_date": nil, "hosted_invoice_url": nil, "invoice_pdf": nil,
		"lines":    listOf("/v1/invoices/"+id+"/lines", lines, false),
		"livemode": s.options.Livemode, "metadata": object{}, "next_payment_attempt": nil, "number": nil, "paid": false, "payment_intent": nil,
		"period_end": s.now(), "period_start": s.now(), "status": "draft", "status_transitions": object{"finalized_at": nil, "paid_at": nil},
		"subscription": sub.str("id"), "subtotal": total, "total": total,
	}
}

func (s *Server) finalize(id string) {
	o := s.change(id, "", func(o object) {
		o["status"], o["number"] = "open", "CODEX-"+itoa(int64(len(s.all("invoice", nil))))
		o["status_transitions"] = object{"finalized_at": s.now(), "paid_at": nil}
		o["hosted_invoice_url"] = s.state.Base + "/invoice/" + id
	})
	s.emit("invoice.finalized", o, nil)
}

func (s *Server) settleInvoice(id string) {
	o := s.change(id, "", func(o object) {
		o["status"], o["paid"], o["next_payment_attempt"] = "paid", true, nil
		o["amount_paid"], o["amount_remaining"] = o.num("amount_due"), int64(0)
		o["status_transitions"] = object{"finalized_at": o.child("status_transitions")["finalized_at"], "paid_at": s.now()}
	})
	s.emit("invoice.paid", o, nil)
	s.emit("invoice.payment_succeeded", o, nil)
}

// payment is an attempt to collect money. The session, or the subscription, says
// from whom.
type payment struct {
	session     object
	invoice     string
	amount      int64
	description string
	declined    bool
}

// putPayment makes a payment intent and its charge.
func (s *Server) putPayment(p payment) object {
	metadata := p.session.child("_payment_metadata")
	if metadata == nil {
		metadata = object{}
	}
	intent := s.put(object{
		"id": newID("pi_3"), "object": "payment_intent", "amount": p.amount, "amount_received": int64(0), "canceled_at": nil,
		"capture_method": "automatic", "created": s.now(), "currency": p.session.str("currency"), "customer": nullable(p.session.str("customer")),
		"description": nullable(p.description), "invoice": nullable(p.invoice), "last_payment_error": nil, "latest_charge": nil,
		"livemode": s.options.Livemode, "metadata": clone(metadata), "payment_method": nil, "status": "requires_payment_method",
	}, "payment_intent.created")
	charge := s.putCharge(intent, p.declined)
	kind, edit := "payment_intent.succeeded", func(o object) { o["status"], o["amount_received"] = "succeeded", p.amount }
	if p.declined {
		kind, edit = "payment_intent.payment_failed", func(o object) { o["last_payment_error"] = decline() }
	}
	o := s.change(intent.str("id"), "", func(o object) {
		o["latest_charge"] = charge.str("id")
		edit(o)
	})
	s.emit(kind, o, nil)
	return o
}

func decline() object {
	return object{"type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "message": "Your card was declined."}
}

func (s *Server) putCharge(intent object, declined bool) object {
	id := newID("ch_3")
	charge := object{
		"id": id, "object": "charge", "amount": intent.num("amount"), "amount_captured": intent.num("amount"), "amount_refunded": int64(0),
		"captured": true, "created": s.now(), "currency": intent.str("currency"), "customer": intent["customer"], "description": intent["description"],
		"disputed": false, "failure_code": nil, "failure_message": nil, "invoice": intent["invoice"], "livemode": s.options.Livemode, "metadata": object{},
		"paid": true, "payment_intent": intent.str("id"), "receipt_url": nil, "refunded": false, "status": "succeeded",
		"payment_method_details": object{"type": "card", "card": object{"brand": "visa", "last4": "4242", "exp_month": int64(12), "exp_year": int64(2034)}},
	}
	if declined {
		charge["status"], charge["paid"], charge["captured"], charge["amount_captured"] = "failed", false, false, int64(0)
		charge["failure_code"], charge["failure_message"] = "card_declined", "Your card was declined."
		return s.put(charge, "charge.failed")
	}
	return s.put(charge, "charge.succeeded")
}

// Refund gives back a part of a charge. It tells whether that much was left.
func (s *Server) Refund(charge string, amount int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.keep()
	o, err := s.find("charge", charge)
	if err != nil || o.num("amount_refunded")+amount > o.num("amount_captured") {
		return false
	}
	s.put(object{
		"id": newID("re_3"), "object": "refund", "amount": amount, "charge": charge, "created": s.now(), "currency": o.str("currency"),
		"metadata": object{}, "payment_intent": o.str("payment_intent"), "reason": "requested_by_customer", "status": "succeeded",
	}, "refund.created")
	s.change(charge, "charge.refunded", func(o object) {
		o["amount_refunded"] = o.num("amount_refunded") + amount
		o["refunded"] = o.num("amount_refunded") == o.num("amount")
	})
	return true
}

// Dispute opens a dispute over a charge and gives its id; empty when there is no
// such charge.
func (s *Server) Dispute(charge string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.keep()
	o, err := s.find("charge", charge)
	if err != nil {
		return ""
	}
	s.change(charge, "charge.updated", func(o object) { o["disputed"] = true })
	return s.put(object{
		"id": newID("dp_1"), "object": "dispute", "amount": o.num("amount"), "charge": charge, "created": s.now(), "currency": o.str("currency"),
		"evidence_details":     object{"due_by": s.now() + 9*24*60*60, "has_evidence": false, "past_due": false, "submission_count": int64(0)},
		"is_charge_refundable": false, "livemode": s.options.Livemode, "metadata": object{}, "payment_intent": o.str("payment_intent"),
		"reason": "fraudulent", "status": "needs_response",
	}, "charge.dispute.created").str("id")
}

// CloseDispute ends a dispute, won or lost. It tells whether there is such a dispute.
func (s *Server) CloseDispute(id string, won bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.keep()
	if _, err := s.find("dispute", id); err != nil {
		return false
	}
	s.change(id, "charge.dispute.closed", func(o object) { o["status"] = map[bool]string{true: "won", false: "lost"}[won] })
	return true
}

func (s *Server) invoicePage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	inv, err := s.find("invoice", r.PathValue("id"))
	if err == nil {
		inv = shown(inv)
	}
	s.mu.Unlock()
	if err != nil {
		s.notFound(w)
		return
	}
	s.render(w, http.StatusOK, "invoice", pageData{Title: "Invoice " + inv.str("number"), Amount: money(inv.num("total"), inv.str("currency")),
		Lines: descriptions(inv.child("lines").list("data")), Status: inv.str("status")})
}
