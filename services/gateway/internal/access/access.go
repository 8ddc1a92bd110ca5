// Package access owns what the gateway tells about each request: one wide log
// line, the rate, errors and duration of its class, and a span.
package access

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
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
	Source    string // what proved the identity
	Aborted   bool   // the answer broke off
	Received  int64  // bytes of the request's body
	Sent      int64  // bytes of the answer's body
	FirstByte time.Duration
	Duration  time.Duration
	Began     time.Time
}

// Recorder writes records.
type Recorder struct {
	log      *slog.Logger
	tracer   trace.Tracer
	duration metric.Float64Histogram
	upstream metric.Float64Histogram
	refusals metric.Int64Counter
	classes  map[string]*classSets
}

// classSets are attribute sets made once: a set costs more than the count.
type classSets struct {
	statuses [6]metric.MeasurementOption // by hundreds
	class    metric.MeasurementOption
}

// buckets of the durations, in seconds.
var buckets = metric.WithExplicitBucketBoundaries(
	.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)

// NewRecorder makes a Recorder for these route classes, the only values that the
// label "class" can have.
func NewRecorder(log *slog.Logger, classes []string) (*Recorder, error) {
	meter := otel.Meter("gateway")
	r := &Recorder{log: log, tracer: otel.Tracer("gateway"), classes: map[string]*classSets{}}
	var err error
	if r.duration, err = meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"), buckets,
		metric.WithDescription("Requests by route class and kind of status")); err != nil {
		return nil, fmt.Errorf("make metric: %w", err)
	}
	if r.upstream, err = meter.Float64Histogram("gateway.upstream.first_byte.duration", metric.WithUnit("s"), buckets,
		metric.WithDescription("Until the service's answer began")); err != nil {
		return nil, fmt.Errorf("make metric: %w", err)
	}
	if r.refusals, err = meter.Int64Counter("gateway.refusals",
		metric.WithDescription("Requests that the gateway answered itself with an error, by code")); err != nil {
		return nil, fmt.Errorf("make metric: %w", err)
	}
	for _, class := range classes {
		sets := &classSets{class: metric.WithAttributeSet(attribute.NewSet(attribute.String("class", class)))}
		for i := range sets.statuses {
			sets.statuses[i] = metric.WithAttributeSet(attribute.NewSet(
				attribute.String("class", class), attribute.String("status", string(rune('0'+i))+"xx")))
		}
		r.classes[class] = sets
	}
	return r, nil
}

// Start opens the request's span. The client's own trace context is not followed:
// it would decide what we keep.
func (r *Recorder) Start(ctx context.Context, class, method string) (context.Context, trace.Span) {
	return r.tracer.Start(ctx, class, trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot(),
		trace.WithAttributes(attribute.String("http.request.method", method)))
}

// Done writes everything down.
func (r *Recorder) Done(ctx context.Context, span trace.Span, rec *Record) {
	r.measure(ctx, rec)
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", rec.Status), attribute.String("client.address", rec.Client))
		if rec.Status >= http.StatusInternalServerError || rec.Aborted {
			span.SetStatus(codes.Error, rec.Code)
		}
	}
	span.End()
	level := slog.LevelInfo
	if rec.Status >= http.StatusInternalServerError || rec.Aborted {
		level = slog.LevelWarn
	}
	if r.log.Enabled(ctx, level) {
		r.log.LogAttrs(ctx, level, "request", attrs(rec)...)
	}
}

func (r *Recorder) measure(ctx context.Context, rec *Record) {
	sets := r.classes[rec.Class]
	if sets == nil {
		return
	}
	r.duration.Record(ctx, rec.Duration.Seconds(), sets.statuses[min(max(rec.Status/100, 0), 5)])
	if rec.FirstByte > 0 {
		r.upstream.Record(ctx, rec.FirstByte.Seconds(), sets.class)
	}
	if rec.Code != "" {
		r.refusals.Add(ctx, 1, metric.WithAttributes(attribute.String("class", rec.Class), attribute.String("code", rec.Code)))
	}
}

// attrs leaves out what is empty.
func attrs(rec *Record) []slog.Attr {
	a := make([]slog.Attr, 0, 18)
	a = append(a,
		slog.String("class", rec.Class), slog.String("method", rec.Method), slog.String("path", rec.Path),
		slog.Int("status", rec.Status), slog.Int64("duration_us", rec.Duration.Microseconds()),
		slog.String("client", rec.Client), slog.String("proto", rec.Proto))
	if rec.FirstByte > 0 {
		a = append(a, slog.Int64("upstream_us", rec.FirstByte.Microseconds()))
	}
	for _, s := range [...]struct{ key, value string }{
		{"code", rec.Code}, {"user_id", rec.UserID}, {"session_id", rec.SessionID}, {"identity", rec.Source},
	} {
		if s.value != "" {
			a = append(a, slog.String(s.key, s.value))
		}
	}
	if rec.Received > 0 {
		a = append(a, slog.Int64("received_bytes", rec.Received))
	}
	if rec.Sent > 0 {
		a = append(a, slog.Int64("sent_bytes", rec.Sent))
	}
	if rec.Aborted {
		a = append(a, slog.Bool("aborted", true))
	}
	if rec.Cause != nil {
		a = append(a, slog.Any("err", rec.Cause))
	}
	return a
}

const shownBytes = 256

// Shown is the part of a path that may stand in a log. The query never does, and
// of auth's paths three segments: the fourth can be a token (reset-password/…).
func Shown(path string, auth bool) string {
	if auth {
		if at := nthSlash(path, 4); at >= 0 {
			path = path[:at] + "/…"
		}
	}
	if len(path) > shownBytes {
		return path[:shownBytes] + "…"
	}
	return path
}

func nthSlash(s string, n int) int {
	for i := range len(s) {
		if s[i] == '/' {
			if n--; n == 0 {
				return i
			}
		}
	}
	return -1
}

// CleanMethod keeps made-up methods out of logs and spans.
func CleanMethod(method string) string {
	if strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(method) > 16 {
		return "other"
	}
	return method
}
