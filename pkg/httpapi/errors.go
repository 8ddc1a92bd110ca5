package httpapi

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/problem"
)

// ErrorRenderer writes a refusal as the answer: status, headers and body. The
// Retry-After header is set before it is called.
type ErrorRenderer func(w http.ResponseWriter, r *http.Request, p *problem.Problem)

// Problem writes a refusal in the form of RFC 9457.
func Problem(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	w.Header().Set(echo.HeaderContentType, problem.MediaType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p.Document(observability.RequestID(r.Context())))
}

// fail is the one place where an error becomes an answer. Faults are logged
// here, once; the client learns a code and the request's id.
func (a *API) fail(err error, c echo.Context) {
	ctx := c.Request().Context()
	p := a.refusal(err)
	switch {
	case p.Status == http.StatusServiceUnavailable && !isProblem(err):
		a.config.Log.WarnContext(ctx, "a backing part is away", "route", routeOf(c), "err", err)
	case p.Status == http.StatusInternalServerError:
		a.config.Log.ErrorContext(ctx, "request failed", "route", routeOf(c), "err", err)
	}
	switch {
	case c.Response().Committed:
		// Half an answer is out: all that is left is to make sure that nobody
		// takes it for a whole one.
		panic(http.ErrAbortHandler)
	case a.config.EmptyNotFound && unmatched(err):
		c.Response().Header().Del(echo.HeaderAllow)
		c.Response().WriteHeader(http.StatusNotFound)
	default:
		a.render(c, p)
	}
}

// unmatched tells whether the router found nothing for a path or a method.
func unmatched(err error) bool {
	return errors.Is(err, echo.ErrNotFound) || errors.Is(err, echo.ErrMethodNotAllowed)
}

func (a *API) render(c echo.Context, p *problem.Problem) {
	w := c.Response()
	for _, name := range []string{echo.HeaderContentType, echo.HeaderContentLength, "Etag", "Last-Modified", echo.HeaderContentDisposition} {
		w.Header().Del(name) // what a handler said about the answer that is not sent
	}
	if p.RetryAfter > 0 {
		w.Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	a.config.Render(w, c.Request(), p)
}

func isProblem(err error) bool {
	var p *problem.Problem
	return errors.As(err, &p)
}

// refusal gives what a client is told about an error.
func (a *API) refusal(err error) *problem.Problem {
	var router *echo.HTTPError
	switch {
	case isProblem(err):
		return problem.From(err)
	case errors.As(err, &router):
		return problemOfStatus(router.Code)
	case a.away(err):
		return problem.Unavailable
	}
	return problem.From(err)
}

// away tells whether a backing part cannot be used right now.
func (a *API) away(err error) bool {
	var part interface{ Unavailable() bool }
	return database.Unavailable(err) ||
		a.config.Unavailable != nil && a.config.Unavailable(err) ||
		errors.As(err, &part) && part.Unavailable()
}
