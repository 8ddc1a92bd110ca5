package stripetest

import (
	"encoding/json"
	"net/http"
	"slices"
)

func (s *Server) eventRoutes(api func(string, handler)) {
	api("GET /v1/events", s.listEvents)
	api("GET /v1/events/{id}", func(c *call) (any, error) { return s.find("event", c.id()) })
	api("GET /v1/webhook_endpoints", s.listEndpoints)
}

// emit makes the event of a change, with the object as it is now, and hands it
// to the delivery.
func (s *Server) emit(kind string, o object, before object) {
	data := object{"object": shown(o)}
	if before != nil {
		data["previous_attributes"] = before
	}
	e := object{
		"id": newID("evt_"), "object": "event", "api_version": APIVersion, "created": s.now(),
		"data": data, "livemode": s.options.Livemode, "pending_webhooks": int64(1),
		"request": object{"id": nil, "idempotency_key": nil}, "type": kind,
	}
	s.put(e, "")
	s.delivery.add(e.str("id"), body(e))
}

// body is an event as it is sent: laid out as Stripe does, and the same bytes each time.
func body(e object) []byte {
	raw, _ := json.MarshalIndent(shown(e), "", "  ")
	return raw
}

// delivered notes that the endpoint took an event.
func (s *Server) delivered(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.state.Objects[id]; e != nil {
		e["pending_webhooks"] = int64(0)
	}
	s.keep()
}

// undelivered gives the events of an earlier run that nobody has taken yet.
func (s *Server) undelivered() []parcel {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []parcel
	for _, e := range slices.Backward(s.all("event", func(e object) bool { return e.num("pending_webhooks") > 0 })) {
		out = append(out, parcel{e.str("id"), body(e)})
	}
	return out
}

func (s *Server) listEvents(c *call) (any, error) {
	err := c.only("type", "types", "created", "delivery_success", "ending_before", "starting_after", "limit")
	if err != nil {
		return nil, err
	}
	return c.page(s.all("event", func(e object) bool {
		kinds := c.strings("types")
		taken := e.num("pending_webhooks") == 0
		return c.created(e) &&
			(c.str("type") == "" || c.str("type") == e.str("type")) &&
			(len(kinds) == 0 || slices.Contains(kinds, e.str("type"))) &&
			(!c.has("delivery_success") || c.flag("delivery_success") == taken)
	}))
}

func (s *Server) listEndpoints(c *call) (any, error) {
	if err := c.only("limit", "starting_after", "ending_before"); err != nil {
		return nil, err
	}
	url := s.delivery.target()
	if url == "" {
		return c.page(nil)
	}
	return c.page([]object{{
		"id": "we_standin", "object": "webhook_endpoint", "api_version": APIVersion, "created": s.now(),
		"enabled_events": []any{"*"}, "livemode": s.options.Livemode, "status": "enabled", "url": url, "metadata": object{},
	}})
}

// Event is one that the stand-in has made.
type Event struct {
	ID   string
	Type string
	Body []byte // as it is sent: sign it with Sign
}

// Events gives every event so far, oldest first.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Event
	for _, e := range slices.Backward(s.all("event", nil)) {
		out = append(out, Event{e.str("id"), e.str("type"), body(e)})
	}
	return out
}

// Emit makes an event of any type about any object, for what the stand-in does
// not do by itself. It gives the event's id.
func (s *Server) Emit(kind string, about map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(kind, about, nil)
	return s.state.Order[len(s.state.Order)-1]
}

// request builds the delivery of an event, signed now.
func (s *Server) request(url string, p parcel) (*http.Request, error) {
	return NewRequest(url, s.options.WebhookSecret, s.options.Now(), p.body)
}
