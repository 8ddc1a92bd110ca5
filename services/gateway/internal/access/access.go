// Package access owns what the gateway tells about each request: one wide log
// line, the rate, errors and duration of its class, and a span for some.
package access

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/codex-platform/codex/pkg/observability"
)

// Record is what is known of one request at its end.
type Record struct {
	Class     string
	Method    string
	Path      string // as shown; see Shown
	Proto     string
	Status    int
	Code      string // of a refusal of ours
	Cause     error  // behind a refusal that is our fault; never shown to clients
	Client    string
	UserID    string
	SessionID string
	KeyID     string // of an API key
	Source    string // what proved the identity
	Shadow    string // names of limits that would have refused, were they not in shadow
	Upstream  string // how the service failed
	Aborted   bool   // the answer broke off
	Retries   int    // of the request to the service
	Received  int64  // bytes of the request's body
	Sent      int64  // bytes of the answer's body
	FirstByte time.Duration
	Duration  time.Duration
	Began     time.Time
	RequestID string
	Trace     trace.SpanContext
}

// level is warn for what somebody should look at.
func (rec *Record) level() slog.Level {
	if rec.Status >= http.StatusInternalServerError || rec.Upstream != "" {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Recorder writes records.
type Recorder struct {
	log    *slog.Logger
	lines  *Lines // nil: the log writes the lines
	tracer trace.Tracer
	told   atomic.Int64 // when shed requests were last told of, in Unix time
	meters
}

// NewRecorder makes a Recorder for these route classes, the only values that the
// label "class" can have. With lines nil the access lines go the way of all others.
func NewRecorder(log *slog.Logger, lines *Lines, classes []string) (*Recorder, error) {
	m, err := newMeters(classes)
	if err != nil {
		return nil, err
	}
	return &Recorder{log: log, lines: lines, tracer: otel.Tracer("gateway"), meters: m}, nil
}

// Start opens the span of a sampled request under the ids chosen for it. The
// client's own trace context is not followed: it would decide what we keep.
func (r *Recorder) Start(ctx context.Context, rec *Record) (context.Context, trace.Span) {
	return r.tracer.Start(observability.WithTrace(ctx, rec.Trace), rec.Class,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot(),
		trace.WithAttributes(attribute.String("http.request.method", rec.Method)))
}

// tellEvery is how long in seconds nothing more is said of shed requests.
const tellEvery = 10

// Shed counts a request that was refused before anything was done for it: it has no
// access line, which would cost as much as the refusal. The log says now and then
// that there are some.
func (r *Recorder) Shed(ctx context.Context, rec *Record) {
	r.measure(ctx, rec)
	now, told := time.Now().Unix(), r.told.Load()
	if (now-told >= tellEvery || now < told) && r.told.CompareAndSwap(told, now) {
		r.log.WarnContext(ctx, "requests are refused: there is more to do than can be done", "class", rec.Class)
	}
}

// Done writes everything down. ctx holds the span of a sampled request, for the
// exemplars; span is nil for the others.
func (r *Recorder) Done(ctx context.Context, span trace.Span, rec *Record) {
	r.measure(ctx, rec)
	if span != nil {
		if span.IsRecording() {
			span.SetAttributes(attribute.Int("http.response.status_code", rec.Status), attribute.String("client.address", rec.Client))
			if rec.level() == slog.LevelWarn {
				span.SetStatus(codes.Error, rec.Code)
			}
		}
		span.End()
	}
	level := rec.level()
	switch {
	case !r.log.Enabled(ctx, level):
	case r.lines != nil:
		r.lines.write(level, rec)
	default:
		r.log.LogAttrs(ctx, level, "request", attrs(rec)...)
	}
}
