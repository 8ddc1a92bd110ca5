// Package upstream owns the way from the gateway to a service and back: one
// request out, its body and its answer streamed, nothing kept in memory.
package upstream

import (
	"errors"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// The refusals for services that do not answer as they should.
var (
	ErrAway    = problem.New(http.StatusServiceUnavailable, "UPSTREAM_UNAVAILABLE", "This part of the service is away for a moment: try again shortly").WithRetryAfter(2 * time.Second)
	ErrBusy    = problem.New(http.StatusServiceUnavailable, "UPSTREAM_BUSY", "This part of the service has more to do than it can: try again shortly").WithRetryAfter(time.Second)
	ErrBroken  = problem.New(http.StatusBadGateway, "UPSTREAM_FAILED", "This part of the service gave no proper answer").WithRetryAfter(2 * time.Second)
	ErrTooSlow = problem.New(http.StatusGatewayTimeout, "UPSTREAM_TIMEOUT", "This part of the service took too long to answer").WithRetryAfter(2 * time.Second)
)

const (
	maxAnswerHeader = 64 << 10
	dialTimeout     = time.Second
	idleConnections = 256
	idleConnection  = 30 * time.Second // before the service closes it (60 s): no request meets a closing one
	copyBuffer      = 8 << 10          // a client that does not read holds one
)

// Times bound one exchange. No bound is on the whole of a stream that keeps moving.
type Times struct {
	FirstByte time.Duration // from the end of the request to the answer's header
	Idle      time.Duration // without a byte, in either direction
	Whole     time.Duration // 0: none
}

// Proxy passes requests of one class to one service.
type Proxy struct {
	Service        *Service
	Path           string // in place of the request's; empty: the same
	Times          Times
	MaxBody        int64           // bytes of a request's body
	Drop           map[string]bool // request headers that this service must not see
	KeepPolicy     bool            // the answer's own content policy stays
	Cookies        bool            // the answer may set cookies
	RefuseCookie   func(setCookie string) bool
	ForwardedHost  string // how people reach us; empty: the line is not sent
	ForwardedProto string
	Compress       bool // answers may be compressed: none of them holds a secret beside what the caller chose
	Upgrade        bool // WebSocket may be asked for
	Retry          Retry
}

// New makes a proxy ready for use.
func New(p Proxy) *Proxy { return &p }

// Answerer is told how far the exchange is, and has the last word on an answer's
// header. The two calls of an exchange never run at once, and may come from
// different goroutines.
type Answerer interface {
	// Sent says that the service has the whole request; it may come twice, when a
	// request is repeated, and does not come when the answer was there before.
	Sent()
	Answer(status int, answer http.Header)
}

// Outgoing is what the gateway adds to one request, and what became of it. An
// empty text means that its line is not sent; nothing of the client's survives
// under these names.
type Outgoing struct {
	Authorization string
	RequestID     string
	Traceparent   string
	Tracestate    string
	Client        string          // the client's address, for X-Forwarded-For
	Forwarded     string          // RFC 7239
	Deadline      time.Time       // handed on as X-Request-Timeout, in milliseconds left; zero: none
	Answerer      Answerer        // may be nil
	Done          <-chan struct{} // closed when the caller may not go on: a streaming answer ends; nil: never
	Result        Result          // filled in as far as the exchange comes
}

// Result is what happened, for the access line.
type Result struct {
	FirstByte time.Duration // until the service's header was there
	Received  int64         // bytes of the request's body
	Retries   int
	Kind      string // how the service failed; empty when it did not
}

// Serve passes one request on. An error means that nothing has been written and
// says what to answer. When the answer breaks off in the middle, Serve panics
// with http.ErrAbortHandler: the client must see a broken answer, not a short one.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request, out *Outgoing) error {
	if r.ContentLength > p.MaxBody {
		return problem.TooLarge
	}
	s := p.Service
	if s.inFlight.Add(1) > s.most {
		s.inFlight.Add(-1)
		out.Result.Kind = "busy"
		return ErrBusy
	}
	defer s.inFlight.Add(-1)
	began := time.Now()
	if !s.circuit.allow(clock(began)) {
		out.Result.Kind = "open"
		return ErrAway
	}
	s.budget.earn()
	e := exchange{proxy: p, w: w, r: r, out: out, began: began, ends: p.ends(began, out)}
	if err := e.open(); err != nil {
		return err
	}
	return e.pass()
}

// ends is when the whole must be over; zero: never.
func (p *Proxy) ends(began time.Time, out *Outgoing) time.Time {
	ends := out.Deadline
	if p.Times.Whole > 0 {
		if whole := began.Add(p.Times.Whole); ends.IsZero() || whole.Before(ends) {
			ends = whole
		}
	}
	return ends
}

// wrap keeps the cause for the log.
func wrap(p *problem.Problem, cause error) error { return errors.Join(p, cause) }
