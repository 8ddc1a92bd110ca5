package httpapi

import (
	"errors"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

// Edge says who stands between a service and the Internet.
type Edge string

// The edges.
const (
	// EdgeGateway: the gateway has checked, limited and named the request.
	EdgeGateway Edge = "gateway"
	// EdgeDirect: nobody; the service does for itself what the gateway would.
	EdgeDirect Edge = "direct"
)

// UnmarshalText reads an edge.
func (e *Edge) UnmarshalText(text []byte) error {
	switch got := Edge(text); got {
	case EdgeGateway, EdgeDirect:
		*e = got
		return nil
	}
	return errors.New("not gateway or direct")
}

// Direct is what a service that faces the Internet itself adds to its answers
// and asks of its clients.
type Direct struct {
	// Headers are set on every answer before anything else happens; see
	// security.Headers.Compile. A handler may replace one.
	Headers http.Header
	// Sharing lets pages of trusted origins call; nil: of none.
	Sharing *security.Sharing
	// Limit refuses a client's request with problem.TooManyRequests, or lets it
	// pass with nil. It may set headers of the answer. Nil limits nobody.
	Limit func(r *http.Request, client netip.Addr, answer http.Header) error
}

// The bounds of a request's line and headers (GW-11). Their sum in bytes is the
// server's to bound: see Serve.
const (
	maxURL         = 8 << 10
	maxHeaderLines = 100
)

var (
	errURLTooLong     = problem.New(http.StatusRequestURITooLong, "URL_TOO_LONG", "The address is too long")
	errTooManyHeaders = problem.New(http.StatusRequestHeaderFieldsTooLarge, "TOO_MANY_HEADERS", "The request has too many headers")
)

// protect sets the security headers and refuses requests out of bounds.
func (a *API) protect(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		answer := c.Response().Header()
		for name, values := range a.config.Direct.Headers {
			answer[name] = values[:len(values):len(values)]
		}
		r := c.Request()
		if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
			// A proxy before us may have gone by a Content-Length that net/http has
			// dropped: what follows on the connection must not be read (RFC 9112 §6.3).
			answer.Set(echo.HeaderConnection, "close")
		}
		if len(r.RequestURI) > maxURL {
			return errURLTooLong
		}
		lines := 0
		for _, values := range r.Header {
			lines += len(values)
		}
		if lines > maxHeaderLines {
			return errTooManyHeaders
		}
		return next(c)
	}
}

// share marks answers to pages of trusted origins and answers their browsers'
// preflights. Others get what they get without it.
func (a *API) share(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		s := a.config.Direct.Sharing
		if s != nil && s.Mark(c.Response().Header(), c.Request()) && s.Preflight(c.Response(), c.Request()) {
			return nil
		}
		return next(c)
	}
}

// limit asks whether the client may go on.
func (a *API) limit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if limit := a.config.Direct.Limit; limit != nil {
			r := c.Request()
			if err := limit(r, ClientAddr(r.Context()), c.Response().Header()); err != nil {
				return err
			}
		}
		return next(c)
	}
}
