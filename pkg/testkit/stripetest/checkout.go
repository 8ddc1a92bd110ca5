package stripetest

import (
	"net/http"
	"strings"
)

const sessionLife = 24 * 60 * 60 // seconds

func (s *Server) checkoutRoutes(api func(string, handler)) {
	api("POST /v1/checkout/sessions", s.createSession)
	api("GET /v1/checkout/sessions", s.listSessions)
	api("GET /v1/checkout/sessions/{id}", s.getSession)
	api("POST /v1/checkout/sessions/{id}/expire", s.expireSession)
	s.mux.HandleFunc("GET /pay/{id}", s.payPage)
	s.mux.HandleFunc("POST /pay/{id}", s.payAction)
}

func (s *Server) createSession(c *call) (any, error) {
	err := c.only("mode", "customer", "customer_email", "client_reference_id", "line_items", "success_url", "cancel_url",
		"metadata", "subscription_data", "payment_intent_data", "allow_promotion_codes", "locale", "expires_at", "customer_update")
	if err != nil {
		return nil, err
	}
	if err := c.need("mode", "line_items", "success_url"); err != nil {
		return nil, err
	}
	if c.str("customer") != "" {
		if _, err := s.live(c.str("customer")); err != nil {
			return nil, err
		}
	}
	items, err := s.lineItems(c)
	if err != nil {
		return nil, err
	}
	return s.putSession(c, items), nil
}

func (s *Server) putSession(c *call, items []object) object {
	var total int64
	for _, item := range items {
		total += item.num("amount_total")
	}
	id := newID("cs_test_a1")
	return s.put(object{
		"id": id, "object": "checkout.session", "amount_subtotal": total, "amount_total": total,
		"cancel_url": nullable(c.str("cancel_url")), "client_reference_id": nullable(c.str("client_reference_id")),
		"created": s.now(), "currency": items[0].str("currency"), "customer": nullable(c.str("customer")),
		"customer_details": nil, "customer_email": nullable(c.str("customer_email")),
		"expires_at": c.int("expires_at", s.now()+sessionLife), "invoice": nil, "livemode": s.options.Livemode,
		"metadata": c.metadata(), "mode": c.str("mode"), "payment_intent": nil, "payment_method_types": []any{"card"},
		"payment_status": "unpaid", "status": "open", "subscription": nil, "success_url": c.str("success_url"),
		"url": c.base + "/pay/" + id, "ui_mode": "hosted",
		"_line_items":            listOf("/v1/checkout/sessions/"+id+"/line_items", items, false),
		"_subscription_metadata": c.child("subscription_data").metadata(),
		"_payment_metadata":      c.child("payment_intent_data").metadata(),
	}, "")
}

// lineItems resolves what is bought, and holds the mode and the prices together.
func (s *Server) lineItems(c *call) ([]object, error) {
	mode := c.str("mode")
	if mode != "subscription" && mode != "payment" {
		return nil, invalid("mode", "Invalid mode: must be one of payment or subscription")
	}
	var items []object
	recurring := false
	for _, wanted := range c.params.children("line_items") {
		price, err := s.find("price", wanted.str("price"))
		if err != nil {
			return nil, err
		}
		recurring = recurring || price.str("type") == "recurring"
		items = append(items, s.lineItem(price, wanted.int("quantity", 1)))
	}
	switch {
	case len(items) == 0:
		return nil, invalid("line_items", "You must specify at least one line item")
	case recurring != (mode == "subscription"):
		return nil, invalid("mode", "The mode does not fit the prices: recurring prices need subscription mode, others payment mode")
	}
	return items, nil
}

func (s *Server) lineItem(price object, quantity int64) object {
	amount := price.num("unit_amount") * quantity
	return object{
		"id": newID("li_1"), "object": "item", "amount_subtotal": amount, "amount_total": amount, "currency": price.str("currency"),
		"description": s.state.Objects[price.str("product")].str("name"), "price": clone(price), "quantity": quantity,
	}
}

func (s *Server) listSessions(c *call) (any, error) {
	err := c.only("customer", "subscription", "payment_intent", "status", "limit", "starting_after", "ending_before")
	if err != nil {
		return nil, err
	}
	s.expireOld()
	return c.page(s.all("checkout.session", func(o object) bool {
		return c.matches(o, "customer", "subscription", "payment_intent", "status")
	}))
}

func (s *Server) getSession(c *call) (any, error) {
	s.expireOld()
	return s.find("checkout.session", c.id())
}

func (s *Server) expireSession(c *call) (any, error) {
	session, err := s.find("checkout.session", c.id())
	if err != nil {
		return nil, err
	}
	if session.str("status") != "open" {
		return nil, &apiError{status: http.StatusBadRequest, message: "Only Checkout Sessions with a status in [\"open\"] can be expired."}
	}
	return s.expire(c.id()), nil
}

func (s *Server) expire(id string) object {
	o := s.change(id, "", func(o object) { o["status"], o["url"] = "expired", nil })
	s.emit("checkout.session.expired", o, nil)
	return o
}

// expireOld ends the sessions whose time is over.
func (s *Server) expireOld() {
	for _, o := range s.all("checkout.session", func(o object) bool {
		return o.str("status") == "open" && o.num("expires_at") <= s.now()
	}) {
		s.expire(o.str("id"))
	}
}

// pay completes a session: it makes what Stripe makes, and the events in about
// Stripe's order. A declined card leaves the session open.
func (s *Server) pay(session object, declined bool) {
	if session.str("customer") == "" {
		customer := s.putCustomer(session.str("customer_email"), "", object{})
		session["customer"] = customer.str("id")
	}
	if declined {
		s.putPayment(payment{session: session, amount: session.num("amount_total"), declined: true})
		return
	}
	if session.str("mode") == "subscription" {
		s.subscribe(session)
	} else {
		intent := s.putPayment(payment{session: session, amount: session.num("amount_total")})
		session["payment_intent"] = intent.str("id")
	}
	session["status"], session["payment_status"], session["url"] = "complete", "paid", nil
	email := s.state.Objects[session.str("customer")]["email"]
	session["customer_details"] = object{"email": email, "name": nil, "phone": nil, "address": nil, "tax_exempt": "none", "tax_ids": []any{}}
	s.emit("checkout.session.completed", session, nil)
}

// successURL is where the buyer goes after paying.
func successURL(session object) string {
	return strings.ReplaceAll(session.str("success_url"), "{CHECKOUT_SESSION_ID}", session.str("id"))
}
