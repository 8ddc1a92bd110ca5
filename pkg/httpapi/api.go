package httpapi

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

// DefaultMaxBody bounds a body that is read into memory, in bytes, where neither
// the operation nor the service says otherwise (AUTH-16).
const DefaultMaxBody = 1 << 20

// Config says what one service's API is like. The zero value of a field is its
// default; Service and Log are needed.
type Config struct {
	// Service names the service in traces and in the OpenAPI document.
	Service string
	// Version of the API, for the OpenAPI document; default "1".
	Version string
	// Log gets one line for each request, and the faults.
	Log *slog.Logger
	// Render writes refusals; default Problem, the form of RFC 9457.
	Render ErrorRenderer
	// ErrorBody is a value of the type that Render writes, for the OpenAPI
	// document, and ErrorType its content type; default that of RFC 9457.
	ErrorBody any
	ErrorType string
	// Edge says who stands in front: the gateway, whose request ids and traces
	// are continued, or nobody, when Direct applies.
	Edge Edge
	// Direct is what the gateway would have done.
	Direct Direct
	// Proxies are those whose word on the client's address counts.
	Proxies security.Proxies
	// MaxBody bounds bodies that are read into memory, in bytes; default
	// DefaultMaxBody. An operation's own MaxBodyBytes comes first.
	MaxBody int64
	// BodyIdle bounds the wait for the next piece of a streamed body; default 30 s.
	BodyIdle time.Duration
	// Whole is the most that a request may take, its body and answer included, also
	// where the gateway would wait longer; default no bound.
	Whole time.Duration
	// UnknownFields lets members that an input does not name pass unread. By
	// default they are refused.
	UnknownFields bool
	// EmptyNotFound answers everything that matches no route, by path or by
	// method, with 404 and no body.
	EmptyNotFound bool
	// Unavailable adds to what counts as a backing part that is away, such as
	// objectstore.Unavailable: 503 instead of 500. PostgreSQL's absence is known.
	Unavailable func(error) bool
}

// API is a service's HTTP side. Operations are added with Register on Huma();
// Echo is there for the few routes that are not operations.
type API struct {
	Echo *echo.Echo

	huma   huma.API
	config Config
}

// New makes an API without operations.
func New(c Config) *API {
	if c.Render == nil {
		c.Render, c.ErrorBody, c.ErrorType = Problem, problem.Document{}, problem.MediaType
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.BodyIdle == 0 {
		c.BodyIdle = defaultBodyIdle
	}
	if c.Version == "" {
		c.Version = "1"
	}
	a := &API{Echo: newEcho(c), config: c}
	a.Echo.HTTPErrorHandler = a.fail
	a.Echo.Use(a.stages()...)
	a.huma = newHuma(a)
	a.Echo.GET("/openapi.json", a.serveOpenAPI)
	return a
}

// Huma is where Register adds operations.
func (a *API) Huma() huma.API { return a.huma }

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.Echo.ServeHTTP(w, r) }

func newEcho(c Config) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard) // what is worth a line goes to Config.Log
	// Without this, Echo believes whatever address a client claims.
	e.IPExtractor = func(r *http.Request) string { return c.Proxies.ClientAddr(r).String() }
	return e
}

func newHuma(a *API) huma.API {
	keepErrors()
	c := huma.DefaultConfig(a.config.Service, a.config.Version)
	// No $schema links in answers, and no pages or documents besides our own.
	c.CreateHooks = nil
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.Formats = map[string]huma.Format{mediaJSON: {Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: decode}}
	c.DefaultFormat = mediaJSON
	c.AllowAdditionalPropertiesByDefault = a.config.UnknownFields
	c.Transformers = []huma.Transformer{catchFailure}
	c.OnAddOperation = []huma.AddOpFunc{a.documentErrors}
	router := humaecho.NewV4(a.Echo, huma.Config{}).Adapter()
	return huma.NewAPI(c, &adapter{Adapter: router, api: a})
}
