package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/codex-platform/codex/pkg/security"
)

const scope = "github.com/codex-platform/codex/pkg/httpapi"

// meters are the rate, the errors and the duration of requests, under the names
// of OpenTelemetry's semantic conventions.
type meters struct {
	duration metric.Float64Histogram
	active   metric.Int64UpDownCounter
}

func newMeters() meters {
	m := otel.Meter(scope)
	// The names are constants, so an error cannot occur; the instrument that comes
	// with one does nothing.
	duration, _ := m.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of requests"),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	active, _ := m.Int64UpDownCounter("http.server.active_requests", metric.WithUnit("{request}"),
		metric.WithDescription("Requests being answered"))
	return meters{duration: duration, active: active}
}

// observer makes the stage that traces, measures and logs each request. It
// renders errors itself, so that it sees the status that the client sees.
func (a *API) observer() echo.MiddlewareFunc {
	m := newMeters()
	tracer := otel.Tracer(scope)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			begun := time.Now()
			method := methodOf(c.Request())
			ctx, span := tracer.Start(c.Request().Context(), method+" "+routeOf(c), trace.WithSpanKind(trace.SpanKindServer))
			c.SetRequest(c.Request().WithContext(ctx))
			m.active.Add(ctx, 1)
			defer func() { // also when the answer is cut short by a panic
				m.active.Add(ctx, -1)
				a.account(c, m, span, method, time.Since(begun))
			}()
			if err := next(c); err != nil {
				span.RecordError(err)
				c.Error(err)
			}
			return nil
		}
	}
}

// account writes down one finished request. Its labels are routes, methods and
// statuses only: nothing that a client can invent (LOG-06).
func (a *API) account(c echo.Context, m meters, span trace.Span, method string, took time.Duration) {
	ctx := context.WithoutCancel(c.Request().Context())
	route, status := routeOf(c), c.Response().Status
	labels := attribute.NewSet(
		attribute.String("http.request.method", method),
		attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status),
	)
	m.duration.Record(ctx, took.Seconds(), metric.WithAttributeSet(labels))
	span.SetAttributes(labels.ToSlice()...)
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()

	line := []any{"method", method, "route", route, "status", status,
		"bytes", c.Response().Size, "duration_ms", float64(took.Microseconds()) / 1000}
	if id, known := security.IdentityOf(ctx); known {
		line = append(line, "user_id", id.UserID)
	}
	a.config.Log.InfoContext(ctx, "request", line...)
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect,
}

// methodOf names a request's method, or _OTHER for one that a client made up.
func methodOf(r *http.Request) string {
	if slices.Contains(methods, r.Method) {
		return r.Method
	}
	return "_OTHER"
}
