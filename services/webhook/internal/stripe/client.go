package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/codex-platform/codex/pkg/problem"
)

const (
	callTimeout = 10 * time.Second
	maxRetries  = 2
	maxAnswer   = 8 << 20 // bytes
)

// APIVersion is the version of Stripe's API that every call names.
const APIVersion = stripego.APIVersion

// ErrUnavailable is every call that may succeed later: Stripe is down, slow or
// sheds load.
var ErrUnavailable = problem.New(http.StatusServiceUnavailable, "PAYMENTS_UNAVAILABLE",
	"Payments are not available at the moment: try again shortly").WithRetryAfter(5 * time.Second)

// ErrNotFound means that Stripe knows no such object.
var ErrNotFound = errors.New("stripe: no such object")

// Client calls Stripe. It is safe for concurrent use.
type Client struct {
	api     *client.API
	backend stripego.Backend
	key     string
	now     func() time.Time
}

// Options say whom to call.
type Options struct {
	// Key is the secret API key.
	Key string
	// URL is the API's address; empty: Stripe's own.
	URL string
	// Transport carries the calls; nil: the default one.
	Transport http.RoundTripper
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// New makes a client. It calls nobody yet.
func New(o Options) *Client {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	config := &stripego.BackendConfig{
		HTTPClient: &http.Client{
			Timeout:   callTimeout,
			Transport: otelhttp.NewTransport(bounded{o.Transport}),
			// The key must not follow a redirect elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		LeveledLogger:     &stripego.LeveledLogger{Level: stripego.LevelNull}, // it would log bodies
		MaxNetworkRetries: stripego.Int64(maxRetries),
		EnableTelemetry:   stripego.Bool(false),
	}
	if o.URL != "" {
		config.URL = stripego.String(o.URL)
	}
	backend := stripego.GetBackendWithConfig(stripego.APIBackend, config)
	return &Client{
		api:     client.New(o.Key, &stripego.Backends{API: backend, Connect: backend, Uploads: backend}),
		backend: backend, key: o.Key, now: o.Now,
	}
}

// bounded keeps an answer from filling the memory: stripe-go reads all of it.
type bounded struct{ http.RoundTripper }

// RoundTrip cuts the body at maxAnswer.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// refused is a call that Stripe refuses: our mistake. Its text holds nothing of
// what was sent.
type refused struct {
	op        string
	status    int
	kind      string
	code      string
	param     string
	requestID string
}

// Error names the call and what Stripe says of it.
func (r *refused) Error() string {
	return fmt.Sprintf("stripe: %s refused: %d %s %s (param %q, request %s)", r.op, r.status, r.kind, r.code, r.param, r.requestID)
}

// translate gives the error of a call its meaning. Stripe's own texts are left
// out: they may repeat what was sent.
func translate(op string, err error) error {
	if err == nil {
		return nil
	}
	var e *stripego.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stripe: %s: %w", op, context.Canceled)
	case !errors.As(err, &e):
		return fmt.Errorf("stripe: %s: no usable answer (%T): %w", op, err, ErrUnavailable)
	case e.HTTPStatusCode == http.StatusNotFound, e.Code == stripego.ErrorCodeResourceMissing:
		return fmt.Errorf("stripe: %s: %w", op, ErrNotFound)
	case e.HTTPStatusCode == http.StatusTooManyRequests, e.HTTPStatusCode == http.StatusConflict, e.HTTPStatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("stripe: %s: status %d: %w", op, e.HTTPStatusCode, ErrUnavailable)
	}
	return &refused{op, e.HTTPStatusCode, string(e.Type), string(e.Code), e.Param, e.RequestID}
}

// Snapshot is an object as Stripe answered.
type Snapshot struct {
	Raw []byte
	// The answer was true at some moment of these seconds of Stripe's clock.
	From, Until int64
}

type fetchParams struct {
	stripego.Params `form:"*"`
	Expand          []*string `form:"expand"`
}

// Fetch asks for one object. ErrNotFound when there is none.
func (c *Client) Fetch(ctx context.Context, kind, id string, expand ...string) (Snapshot, error) {
	path := paths[kind]
	if path == "" {
		return Snapshot{}, ErrNotKept
	}
	params := &fetchParams{Expand: stripego.StringSlice(expand)}
	params.Context = ctx
	answer := &stripego.APIResource{}
	begun := c.now()
	err := c.backend.Call(http.MethodGet, stripego.FormatURLPath(path, id), c.key, params, answer)
	if err != nil {
		return Snapshot{}, translate("get "+kind, err)
	}
	return c.snapshot(answer.LastResponse, c.now().Sub(begun)), nil
}

// snapshot dates an answer by Stripe's own clock, so that ours need not be right.
func (c *Client) snapshot(res *stripego.APIResponse, took time.Duration) Snapshot {
	answered := c.now().Unix()
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		answered = at.Unix()
	}
	return Snapshot{Raw: res.RawJSON, From: answered - int64(took.Seconds()) - 1, Until: answered}
}

// CheckEndpoint warns when the endpoint that sends us events was made with
// another API version: they then come in another shape, and objects have to be
// fetched more often.
func (c *Client) CheckEndpoint(ctx context.Context, address string, log *slog.Logger) error {
	params := &stripego.WebhookEndpointListParams{}
	params.Context = ctx
	list := c.api.WebhookEndpoints.List(params)
	for list.Next() {
		e := list.WebhookEndpoint()
		if e.URL == address && e.APIVersion != APIVersion {
			log.WarnContext(ctx, "webhook endpoint has another API version", "endpoint", e.ID, "have", e.APIVersion, "want", APIVersion)
		}
	}
	return translate("list webhook endpoints", list.Err())
}
