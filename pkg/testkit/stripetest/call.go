package stripetest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

const maxCall = 1 << 20 // bytes of a request's form

// call is one API request, taken apart.
type call struct {
	params
	request *http.Request
	method  string
	path    string
	base    string // scheme and host of the pages
	key     string // Idempotency-Key
}

// id is the object's id in the path.
func (c *call) id() string { return c.request.PathValue("id") }

// handler answers a call with an object or an error; the lock is held.
type handler func(c *call) (any, error)

// call wraps a handler with what every API request goes through: the key, the
// parameters, idempotency, expansion, Stripe's headers and errors.
func (s *Server) call(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body := s.answer(h, r)
		head := w.Header()
		head.Set("Content-Type", "application/json")
		head.Set("Request-Id", newID("req_"))
		head.Set("Stripe-Version", APIVersion)
		head.Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
		if key := r.Header.Get("Idempotency-Key"); key != "" {
			head.Set("Idempotency-Key", key)
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

func (s *Server) answer(h handler, r *http.Request) (int, []byte) {
	if err := s.authorize(r); err != nil {
		return writeError(err)
	}
	c, asked, err := s.read(r)
	if err != nil {
		return writeError(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Base = c.base
	if c.key == "" {
		return s.run(h, c)
	}
	if before, ok := s.state.Answers[c.key]; ok {
		if before.Request != asked {
			return writeError(&apiError{status: http.StatusBadRequest, kind: "idempotency_error",
				message: "Keys for idempotent requests can only be used with the same parameters they were first used with."})
		}
		return before.Status, before.Body
	}
	status, body := s.run(h, c)
	if status < http.StatusBadRequest { // a refused request may be corrected and sent again
		s.state.Answers[c.key] = answer{Request: asked, Status: status, Body: body, At: s.now()}
	}
	return status, body
}

// authorize accepts the one key, as a bearer token or as a basic user name.
func (s *Server) authorize(r *http.Request) error {
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if user, _, ok := r.BasicAuth(); ok {
		given = user
	}
	if given == s.options.SecretKey {
		return nil
	}
	if given == "" {
		return &apiError{status: http.StatusUnauthorized, message: "You did not provide an API key."}
	}
	return &apiError{status: http.StatusUnauthorized, message: "Invalid API Key provided"}
}

// read takes a request apart. asked names it for the comparison of idempotent ones.
func (s *Server) read(r *http.Request) (*call, string, error) {
	encoded := r.URL.RawQuery
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxCall))
		if err != nil {
			return nil, "", invalid("", "The request cannot be read")
		}
		encoded = string(body)
	}
	p, err := parseParams(encoded)
	if err != nil {
		return nil, "", err
	}
	c := &call{params: p, request: r, method: r.Method, path: r.URL.Path, base: s.base(r)}
	if r.Method == http.MethodPost {
		c.key = r.Header.Get("Idempotency-Key")
	}
	return c, r.Method + " " + r.URL.Path + "?" + encoded, nil
}

// base is the address of the pages: as configured, or as this request came.
func (s *Server) base(r *http.Request) string {
	if s.options.URL != "" {
		return strings.TrimSuffix(s.options.URL, "/")
	}
	return "http://" + r.Host
}

// run does the work and, when something may have changed, keeps it.
func (s *Server) run(h handler, c *call) (int, []byte) {
	result, err := h(c)
	if err == nil {
		result, err = s.expand(result, c.strings("expand"))
	}
	if err != nil {
		return writeError(err)
	}
	body, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return writeError(err)
	}
	if c.method != http.MethodGet {
		if err := s.save(); err != nil {
			return writeError(err)
		}
	}
	return http.StatusOK, body
}

// created applies the filter created[gte|gt|lte|lt] of a list.
func (c *call) created(o object) bool {
	at := o.num("created")
	if exact := c.str("created"); exact != "" {
		return itoa(at) == exact
	}
	bounds := c.child("created")
	return at >= bounds.int("gte", 0) && at > bounds.int("gt", -1) &&
		at <= bounds.int("lte", 1<<62) && at < bounds.int("lt", 1<<62)
}

// addInterval moves a moment on by one period of a price.
func addInterval(at int64, interval string) int64 {
	t := time.Unix(at, 0).UTC()
	switch interval {
	case "day":
		t = t.AddDate(0, 0, 1)
	case "week":
		t = t.AddDate(0, 0, 7)
	case "year":
		t = t.AddDate(1, 0, 0)
	default:
		t = t.AddDate(0, 1, 0)
	}
	return t.Unix()
}
