package database

import (
	"context"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tracer reports queries to OpenTelemetry, without their values, and bounds the
// wait for a connection: the pool itself waits as long as its caller does, and
// the context that a tracer returns is the one place to say otherwise for every
// query, transaction and batch alike.
type tracer struct {
	*otelpgx.Tracer
	wait time.Duration
}

type waitKey struct{}

func newTracer(wait time.Duration) *tracer {
	return &tracer{
		Tracer: otelpgx.NewTracer(otelpgx.WithDisableConnectionDetailsInAttributes(), otelpgx.WithDisableAcquireTracer()),
		wait:   wait,
	}
}

// TraceAcquireStart begins the wait.
func (t *tracer) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool, data pgxpool.TraceAcquireStartData) context.Context {
	ctx = t.Tracer.TraceAcquireStart(ctx, pool, data)
	ctx, cancel := context.WithTimeout(ctx, t.wait)
	return context.WithValue(ctx, waitKey{}, cancel)
}

// TraceAcquireEnd ends the wait; the connection does not depend on its context.
func (t *tracer) TraceAcquireEnd(ctx context.Context, pool *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	if cancel, ok := ctx.Value(waitKey{}).(context.CancelFunc); ok {
		cancel()
	}
	t.Tracer.TraceAcquireEnd(ctx, pool, data)
}
