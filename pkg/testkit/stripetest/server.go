package stripetest

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// APIVersion is the version of Stripe's API that the stand-in speaks: the one
// that stripe-go v76 is pinned to.
const APIVersion = "2023-10-16"

// Options say how the stand-in behaves. The zero value of a field means the
// default named beside it.
type Options struct {
	// SecretKey is the only API key that is accepted. Default: sk_test_standin.
	SecretKey string
	// WebhookURL is where events go; none are sent while it is empty.
	WebhookURL string
	// WebhookSecret signs the events. Default: whsec_standin.
	WebhookSecret string
	// URL is the address under which browsers reach the pay page. Default: what
	// the request that makes the page was sent to.
	URL string
	// Prices are there from the start. Default: DefaultPrices.
	Prices []Price
	// StateFile keeps the state over restarts. Default: none, all is forgotten.
	StateFile string
	// Livemode is what every object says of itself.
	Livemode bool
	// Attempts bounds how often one event is sent. Default: 20.
	Attempts int
	// Pause gives the wait after the n-th failed attempt. Default: 50 ms,
	// doubling up to 5 s.
	Pause func(attempt int) time.Duration
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Log hears of events that nobody took. Default: none.
	Log *slog.Logger
}

// Price is a price to sell at, with a product of its own.
type Price struct {
	LookupKey string // what programs find it by
	Product   string // the product's name, which buyers see
	Amount    int64  // in the smallest unit of the currency
	Currency  string // lower case
	Interval  string // day, week, month or year; empty: paid once
}

// DefaultPrices is what Codex sells in development.
var DefaultPrices = []Price{{LookupKey: "pro_monthly", Product: "Pro", Amount: 1200, Currency: "eur", Interval: "month"}}

// Server is the stand-in: an http.Handler, and helpers that do what people do in
// Stripe's dashboard. Close ends its deliveries.
type Server struct {
	options  Options
	mux      *http.ServeMux
	delivery *delivery

	mu    sync.Mutex // held for the whole of each request: one change at a time
	state state
}

// New makes a stand-in with its products and prices. It fails only when the
// state's file is there and cannot be read.
func New(o Options) (*Server, error) {
	s := &Server{options: withDefaults(o), mux: http.NewServeMux()}
	if err := s.load(); err != nil {
		return nil, err
	}
	s.delivery = newDelivery(s)
	s.mu.Lock()
	s.seed()
	s.mu.Unlock()
	s.routes()
	s.delivery.start(s.undelivered())
	return s, nil
}

func withDefaults(o Options) Options {
	if o.SecretKey == "" {
		o.SecretKey = "sk_test_standin"
	}
	if o.WebhookSecret == "" {
		o.WebhookSecret = "whsec_standin"
	}
	if o.Prices == nil {
		o.Prices = DefaultPrices
	}
	if o.Attempts == 0 {
		o.Attempts = 20
	}
	if o.Pause == nil {
		o.Pause = func(n int) time.Duration { return min(50*time.Millisecond<<min(n-1, 10), 5*time.Second) }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// ServeHTTP answers API calls and the pages.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close ends the deliveries and saves the state.
func (s *Server) Close() error {
	s.delivery.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.save()
}

// SecretKey is the API key that is accepted.
func (s *Server) SecretKey() string { return s.options.SecretKey }

// WebhookSecret is what the events are signed with.
func (s *Server) WebhookSecret() string { return s.options.WebhookSecret }

// SetWebhook says where events go from now on, also those still waiting.
func (s *Server) SetWebhook(url string) { s.delivery.setURL(url) }

// Hold keeps events back until Release: a webhook that is late.
func (s *Server) Hold() { s.delivery.hold(true) }

// Release sends what was held back.
func (s *Server) Release() { s.delivery.hold(false) }

// Settle waits until no event is waiting to be sent, or ctx ends.
func (s *Server) Settle(ctx context.Context) error { return s.delivery.settle(ctx) }

func (s *Server) routes() {
	api := func(pattern string, h handler) { s.mux.HandleFunc(pattern, s.call(h)) }
	s.customerRoutes(api)
	s.catalogueRoutes(api)
	s.checkoutRoutes(api)
	s.subscriptionRoutes(api)
	s.paymentRoutes(api)
	s.eventRoutes(api)
	s.portalRoutes(api)
	s.mux.HandleFunc("/", s.call(func(c *call) (any, error) {
		return nil, &apiError{status: http.StatusNotFound, message: "Unrecognized request URL (" + c.method + ": " + c.path + ")."}
	}))
}

func (s *Server) now() int64 { return s.options.Now().Unix() }
