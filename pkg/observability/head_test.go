package observability

import (
	"testing"

	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// What the head decides the tracer does, under the same ids.
func TestHead_andTracerDecideAlike(t *testing.T) {
	t.Parallel()
	for _, ratio := range []Ratio{0, 0.1, 1} {
		provider, err := newTraces(t.Context(), Settings{TraceRatio: ratio}, resource.Empty())
		if err != nil {
			t.Fatal(err)
		}
		head, kept := NewHead(ratio), 0
		for range 2000 {
			ids := head.NewTrace()
			if !ids.IsValid() {
				t.Fatal("ids that mean none")
			}
			_, span := provider.Tracer("test").Start(WithTrace(t.Context(), ids), "x", trace.WithNewRoot())
			got := span.SpanContext()
			if got.TraceID() != ids.TraceID() || got.SpanID() != ids.SpanID() || got.IsSampled() != ids.IsSampled() {
				t.Fatalf("head %v, tracer %v", ids, got)
			}
			if ids.IsSampled() {
				kept++
			}
			span.End()
		}
		if kept < int(float64(ratio)*2000)-100 || kept > int(float64(ratio)*2000)+100 {
			t.Errorf("ratio %v: %d of 2000 kept", ratio, kept)
		}
	}
}

func TestHead_costsNoMemory(t *testing.T) {
	head := NewHead(0.01)
	if n := testing.AllocsPerRun(100, func() { _ = head.NewTrace() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
