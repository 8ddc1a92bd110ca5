package inbox

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// metrics are how an operator sees the inbox. Labels are kinds of objects that we
// keep, results and reasons: a bounded set (LOG-06).
type metrics struct {
	events    metric.Int64Counter
	refusals  metric.Int64Counter
	secrets   metric.Int64Counter
	batch     metric.Int64Histogram
	commit    metric.Float64Histogram
	age       metric.Float64Histogram
	delay     metric.Float64Histogram
	waiting   metric.Int64Gauge
	lag       metric.Float64Gauge
	dead      metric.Int64Gauge
	drainErrs metric.Int64Counter
}

func newMetrics() *metrics {
	m := otel.Meter("github.com/codex-platform/codex/services/webhook/internal/inbox")
	seconds := metric.WithUnit("s")
	// The names are constants, so an error cannot occur; the instrument that comes
	// with one does nothing.
	var all metrics
	all.events, _ = m.Int64Counter("stripe.events", metric.WithDescription("Events, by kind of object and by what came of them"))
	all.refusals, _ = m.Int64Counter("stripe.signature.failures", metric.WithDescription("Deliveries refused, by reason"))
	all.secrets, _ = m.Int64Counter("stripe.signature.secrets", metric.WithDescription("Deliveries by the number of the secret that signed"))
	all.batch, _ = m.Int64Histogram("stripe.inbox.batch.size", metric.WithDescription("Events committed together"),
		metric.WithExplicitBucketBoundaries(1, 2, 4, 8, 16, 32, 64, 128, 256))
	all.commit, _ = m.Float64Histogram("stripe.inbox.commit.duration", seconds, metric.WithDescription("Duration of the commit of a batch"),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5))
	all.age, _ = m.Float64Histogram("stripe.event.age", seconds, metric.WithDescription("From Stripe's change to the event's arrival"),
		metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 30, 60, 300, 3600, 86400))
	all.delay, _ = m.Float64Histogram("stripe.event.delay", seconds, metric.WithDescription("From Stripe's change to ours"),
		metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 30, 60, 300, 3600, 86400))
	all.waiting, _ = m.Int64Gauge("stripe.inbox.waiting", metric.WithDescription("Events that wait, counted up to 1000"))
	all.lag, _ = m.Float64Gauge("stripe.inbox.lag", seconds, metric.WithDescription("Age of the oldest event that waits"))
	all.dead, _ = m.Int64Gauge("stripe.inbox.dead", metric.WithDescription("Dead events, counted up to 1000"))
	all.drainErrs, _ = m.Int64Counter("stripe.inbox.stalls", metric.WithDescription("Batches that could not be worked off at all"))
	return &all
}

func label(key, value string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String(key, value))
}

func (m *metrics) count(ctx context.Context, kind, result string, n int) {
	if !stripe.Kept(kind) {
		kind = "other"
	}
	m.events.Add(ctx, int64(n), metric.WithAttributes(attribute.String("kind", kind), attribute.String("result", result)))
}

func (m *metrics) refused(ctx context.Context, reason string) {
	m.refusals.Add(ctx, 1, label("reason", reason))
}

func (m *metrics) received(ctx context.Context, e Event, secret int, err error) {
	m.secrets.Add(ctx, 1, label("secret", strconv.Itoa(secret)))
	m.age.Record(ctx, time.Since(time.Unix(e.Created, 0)).Seconds())
	switch {
	case err != nil:
		m.count(ctx, e.ObjectKind, "not_taken", 1)
	case e.Status == Ignored:
		m.count(ctx, e.ObjectKind, "ignored", 1)
	default:
		m.count(ctx, e.ObjectKind, "taken", 1)
	}
}

func (m *metrics) committed(ctx context.Context, size, fresh int, took time.Duration, err error) {
	if err != nil {
		return
	}
	m.batch.Record(ctx, int64(size))
	m.commit.Record(ctx, took.Seconds())
	if size > fresh {
		m.count(ctx, "", "duplicate", size-fresh)
	}
}

func (m *metrics) worked(ctx context.Context, events []Event, results []Result, now time.Time) {
	kinds := make(map[int64]Event, len(events))
	for _, e := range events {
		kinds[e.Seq] = e
	}
	for _, r := range results {
		m.count(ctx, kinds[r.Seq].ObjectKind, r.Text, 1)
		m.delay.Record(ctx, now.Sub(time.Unix(kinds[r.Seq].Created, 0)).Seconds())
	}
}

func (m *metrics) failed(ctx context.Context) { m.drainErrs.Add(ctx, 1) }

func (m *metrics) backlog(ctx context.Context, b Backlog, now time.Time) {
	m.waiting.Record(ctx, b.Waiting)
	m.dead.Record(ctx, b.Dead)
	lag := 0.0
	if b.Oldest != nil {
		lag = now.Sub(*b.Oldest).Seconds()
	}
	m.lag.Record(ctx, lag)
}
