package stripetest

import "slices"

func (s *Server) catalogueRoutes(api func(string, handler)) {
	api("GET /v1/products", func(c *call) (any, error) { return s.listActive(c, "product") })
	api("GET /v1/products/{id}", func(c *call) (any, error) { return s.find("product", c.id()) })
	api("POST /v1/products", s.createProduct)
	api("GET /v1/prices", s.listPrices)
	api("GET /v1/prices/{id}", func(c *call) (any, error) { return s.find("price", c.id()) })
	api("POST /v1/prices", s.createPrice)
}

// seed makes the products and prices that are not there yet; the lock is held.
func (s *Server) seed() {
	for _, p := range s.options.Prices {
		known := s.all("price", func(o object) bool { return o.str("lookup_key") == p.LookupKey })
		if len(known) == 0 {
			s.putPrice(s.putProduct(p.Product, object{}).str("id"), p, object{})
		}
	}
}

func (s *Server) putProduct(name string, metadata object) object {
	return s.put(object{
		"id": newID("prod_")[:19], "object": "product", "active": true, "created": s.now(), "updated": s.now(),
		"default_price": nil, "description": nil, "images": []any{}, "livemode": s.options.Livemode,
		"metadata": metadata, "name": name, "type": "service",
	}, "product.created")
}

func (s *Server) putPrice(product string, p Price, metadata object) object {
	kind, recurring := "one_time", any(nil)
	if p.Interval != "" {
		kind = "recurring"
		recurring = object{"interval": p.Interval, "interval_count": int64(1), "usage_type": "licensed", "trial_period_days": nil}
	}
	return s.put(object{
		"id": newID("price_1"), "object": "price", "active": true, "billing_scheme": "per_unit", "created": s.now(),
		"currency": p.Currency, "livemode": s.options.Livemode, "lookup_key": nullable(p.LookupKey), "metadata": metadata,
		"nickname": nil, "product": product, "recurring": recurring, "tax_behavior": "unspecified", "type": kind,
		"unit_amount": p.Amount, "unit_amount_decimal": itoa(p.Amount),
	}, "price.created")
}

func (s *Server) createProduct(c *call) (any, error) {
	if err := c.only("name", "metadata"); err != nil {
		return nil, err
	}
	if err := c.need("name"); err != nil {
		return nil, err
	}
	return s.putProduct(c.str("name"), c.metadata()), nil
}

func (s *Server) createPrice(c *call) (any, error) {
	if err := c.only("currency", "unit_amount", "product", "recurring", "lookup_key", "transfer_lookup_key", "metadata"); err != nil {
		return nil, err
	}
	if err := c.need("currency", "unit_amount", "product"); err != nil {
		return nil, err
	}
	if _, err := s.find("product", c.str("product")); err != nil {
		return nil, err
	}
	if err := s.freeLookupKey(c.str("lookup_key"), c.flag("transfer_lookup_key")); err != nil {
		return nil, err
	}
	return s.putPrice(c.str("product"), Price{
		LookupKey: c.str("lookup_key"), Amount: c.int("unit_amount", 0), Currency: c.str("currency"),
		Interval: c.child("recurring").str("interval"),
	}, c.metadata()), nil
}

// freeLookupKey keeps a key on one price: it is taken from its holder on demand.
func (s *Server) freeLookupKey(key string, transfer bool) error {
	for _, holder := range s.all("price", func(o object) bool { return key != "" && o.str("lookup_key") == key }) {
		if !transfer {
			return invalid("lookup_key", "A price ("+holder.str("id")+") already uses that lookup key.")
		}
		s.change(holder.str("id"), "price.updated", func(o object) { o["lookup_key"] = nil })
	}
	return nil
}

func (s *Server) listActive(c *call, kind string) (any, error) {
	if err := c.only("active", "created", "limit", "starting_after", "ending_before"); err != nil {
		return nil, err
	}
	return c.page(s.all(kind, func(o object) bool {
		return c.created(o) && (!c.has("active") || c.flag("active") == o.flag("active"))
	}))
}

func (s *Server) listPrices(c *call) (any, error) {
	err := c.only("active", "currency", "product", "lookup_keys", "type", "limit", "starting_after", "ending_before")
	if err != nil {
		return nil, err
	}
	keys := c.strings("lookup_keys")
	return c.page(s.all("price", func(o object) bool {
		return (len(keys) == 0 || slices.Contains(keys, o.str("lookup_key"))) &&
			c.matches(o, "currency", "product", "type") &&
			(!c.has("active") || c.flag("active") == o.flag("active"))
	}))
}

// matches applies filters that ask for a member's exact value.
func (c *call) matches(o object, names ...string) bool {
	for _, name := range names {
		if c.str(name) != "" && o.str(name) != c.str(name) {
			return false
		}
	}
	return true
}
