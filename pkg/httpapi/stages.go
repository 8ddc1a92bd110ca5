package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/codex-platform/codex/pkg/observability"
)

const headerRequestID = "X-Request-Id"

// stages are what every request passes, in this order, matched or not.
func (a *API) stages() []echo.MiddlewareFunc {
	stages := []echo.MiddlewareFunc{a.identify, a.observer(), a.recover, a.deadline}
	if a.config.Edge == EdgeDirect {
		stages = append(stages, a.protect, a.share, a.limit)
	}
	if a.config.EmptyNotFound {
		stages = append(stages, refuseOptions)
	}
	return stages
}

// refuseOptions keeps the router from answering OPTIONS by itself.
func refuseOptions(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method == http.MethodOptions {
			return echo.ErrNotFound
		}
		return next(c)
	}
}

// identify gives the request its id, its place in a trace and its client's
// address. A stranger's id and trace are not continued: both would let him write
// into our records.
func (a *API) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		ctx := r.Context()
		id := ""
		if a.config.Edge == EdgeGateway {
			id, _ = observability.ParseRequestID(r.Header.Get(headerRequestID))
			ctx = otel.GetTextMapPropagator().Extract(ctx, propagation.HeaderCarrier(r.Header))
		}
		if id == "" {
			id = observability.NewRequestID()
		}
		ctx = observability.WithRequestID(ctx, id)
		ctx = context.WithValue(ctx, clientKey{}, a.config.Proxies.ClientAddr(r))
		c.SetRequest(r.WithContext(ctx))
		c.Response().Header().Set(headerRequestID, id)
		if r.ContentLength != 0 {
			// For whoever answers without reading the body: see exchange.expectBody.
			_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		return next(c)
	}
}

type clientKey struct{}

// ClientAddr is the address that a request counts for; the zero Addr when it
// cannot be told.
func ClientAddr(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(clientKey{}).(netip.Addr)
	return addr
}

// recover turns a panic into a fault like any other: a 500 with the request's
// id, and a log line with the stack (LOG-05). The process lives on.
func (a *API) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			thrown := recover()
			if thrown == nil {
				return
			}
			if e, ok := thrown.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				panic(thrown) // the server's own way to cut an answer short
			}
			err = fmt.Errorf("panic: %v\n%s", thrown, debug.Stack())
		}()
		return next(c)
	}
}

// routeOf names the route that a request matched: a bounded set of words.
func routeOf(c echo.Context) string {
	if path := c.Path(); path != "" {
		return path
	}
	return "unmatched"
}
