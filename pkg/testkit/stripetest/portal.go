package stripetest

import "net/http"

func (s *Server) portalRoutes(api func(string, handler)) {
	api("POST /v1/billing_portal/sessions", s.createPortal)
	s.mux.HandleFunc("GET /portal/{id}", s.portalPage)
	s.mux.HandleFunc("POST /portal/{id}", s.portalAction)
}

func (s *Server) createPortal(c *call) (any, error) {
	if err := c.only("customer", "return_url", "locale"); err != nil {
		return nil, err
	}
	if err := c.need("customer"); err != nil {
		return nil, err
	}
	if _, err := s.live(c.str("customer")); err != nil {
		return nil, err
	}
	id := newID("bps_1")
	return s.put(object{
		"id": id, "object": "billing_portal.session", "configuration": "bpc_standin", "created": s.now(), "customer": c.str("customer"),
		"livemode": s.options.Livemode, "locale": nil, "return_url": nullable(c.str("return_url")), "url": c.base + "/portal/" + id,
	}, ""), nil
}

func (s *Server) portalPage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	data, ok := s.portalData(r.PathValue("id"))
	s.mu.Unlock()
	if !ok {
		s.notFound(w)
		return
	}
	s.render(w, http.StatusOK, "portal", data)
}

func (s *Server) portalData(id string) (pageData, bool) {
	portal, err := s.find("billing_portal.session", id)
	if err != nil {
		return pageData{}, false
	}
	data := pageData{Title: "Your plan", Back: portal.str("return_url")}
	for _, sub := range s.ofCustomer(portal.str("customer")) {
		data.Plans = append(data.Plans, planData{
			ID: sub.str("id"), Names: s.planNames(sub), Status: sub.str("status"), Until: day(sub.num("current_period_end")),
			Ending: sub.flag("cancel_at_period_end"), Ended: ended(sub),
		})
	}
	return data, true
}

func (s *Server) ofCustomer(id string) []object {
	return s.all("subscription", func(o object) bool { return o.str("customer") == id })
}

func (s *Server) planNames(sub object) []string {
	var names []string
	for _, v := range sub.child("items").list("data") {
		price := asObject(v).child("price")
		names = append(names, s.state.Objects[price.str("product")].str("name")+", "+
			money(price.num("unit_amount"), price.str("currency"))+" per "+price.child("recurring").str("interval"))
	}
	return names
}

// portalAction plans the end of a subscription, or takes that back.
func (s *Server) portalAction(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	portal, err := s.find("billing_portal.session", r.PathValue("id"))
	if err != nil {
		s.notFound(w)
		return
	}
	sub, err := s.find("subscription", r.PostFormValue("subscription"))
	if err != nil || sub.str("customer") != portal.str("customer") || ended(sub) {
		s.notFound(w)
		return
	}
	s.change(sub.str("id"), "customer.subscription.updated", func(o object) { s.setCancel(o, r.PostFormValue("action") == "cancel") })
	s.keep()
	http.Redirect(w, r, "/portal/"+portal.str("id"), http.StatusSeeOther)
}
