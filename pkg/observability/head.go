package observability

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// Head decides at the beginning of a trace whether it is kept, by the rule of the
// tracer that Start sets up: a process that has decided need not ask for spans
// which nobody will see.
type Head struct {
	bound uint64
}

// NewHead decides at this ratio.
func NewHead(ratio Ratio) Head {
	if ratio >= 1 {
		return Head{bound: 1 << 63}
	}
	return Head{bound: uint64(float64(ratio) * (1 << 63))}
}

// NewTrace makes the ids of a trace and of its first span. Only one that is sampled
// is worth a span; see WithTrace.
func (h Head) NewTrace() trace.SpanContext {
	var config trace.SpanContextConfig
	config.TraceID, config.SpanID = newIDs()
	if binary.BigEndian.Uint64(config.TraceID[8:])>>1 < h.bound {
		config.TraceFlags = trace.FlagsSampled
	}
	return trace.NewSpanContext(config)
}

func newIDs() (t trace.TraceID, s trace.SpanID) {
	binary.BigEndian.PutUint64(t[:8], rand.Uint64()|1) // never all zero, which means none
	binary.BigEndian.PutUint64(t[8:], rand.Uint64())
	return t, newSpanID()
}

func newSpanID() (s trace.SpanID) {
	binary.BigEndian.PutUint64(s[:], rand.Uint64()|1)
	return s
}

type chosenKey struct{}

// WithTrace makes the next span that is started as a root have these ids.
func WithTrace(ctx context.Context, ids trace.SpanContext) context.Context {
	return context.WithValue(ctx, chosenKey{}, ids)
}

// generator gives a root span the ids that were chosen for it, and others new ones.
type generator struct{}

// NewIDs implements the SDK's IDGenerator.
func (generator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if ids, ok := ctx.Value(chosenKey{}).(trace.SpanContext); ok && ids.IsValid() {
		return ids.TraceID(), ids.SpanID()
	}
	return newIDs()
}

// NewSpanID implements the SDK's IDGenerator.
func (generator) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return newSpanID() }
