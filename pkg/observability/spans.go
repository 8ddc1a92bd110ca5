package observability

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
)

// redactingExporter masks in spans what is masked in log lines: libraries put
// addresses, queries and the texts of errors into them.
type redactingExporter struct {
	trace.SpanExporter
}

// ExportSpans implements trace.SpanExporter.
func (e redactingExporter) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	safe := make([]trace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		safe[i] = redactedSpan{span}
	}
	return e.SpanExporter.ExportSpans(ctx, safe)
}

// redactedSpan is a span without secrets.
type redactedSpan struct {
	trace.ReadOnlySpan
}

// Name gives the span's name, redacted.
func (s redactedSpan) Name() string { return Redact(s.ReadOnlySpan.Name()) }

// Attributes gives the span's attributes, redacted.
func (s redactedSpan) Attributes() []attribute.KeyValue {
	return redactAttributes(s.ReadOnlySpan.Attributes())
}

// Status gives the span's status, its description redacted.
func (s redactedSpan) Status() trace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = Redact(status.Description)
	return status
}

// Events gives the span's events, redacted; recorded errors are among them.
func (s redactedSpan) Events() []trace.Event {
	events := s.ReadOnlySpan.Events()
	safe := make([]trace.Event, len(events))
	for i, event := range events {
		event.Name = Redact(event.Name)
		event.Attributes = redactAttributes(event.Attributes)
		safe[i] = event
	}
	return safe
}

func redactAttributes(attributes []attribute.KeyValue) []attribute.KeyValue {
	safe := make([]attribute.KeyValue, len(attributes))
	for i, a := range attributes {
		safe[i] = redactAttribute(a)
	}
	return safe
}

func redactAttribute(a attribute.KeyValue) attribute.KeyValue {
	kind := classify(string(a.Key))
	switch a.Value.Type() {
	case attribute.STRING:
		return a.Key.String(redactString(kind, a.Value.AsString()))
	case attribute.STRINGSLICE:
		texts := a.Value.AsStringSlice()
		for i := range texts {
			texts[i] = redactString(kind, texts[i])
		}
		return a.Key.StringSlice(texts)
	case attribute.INT64, attribute.FLOAT64:
		if hidesNumber(kind, a.Value.String()) {
			return a.Key.String(markRedacted)
		}
	}
	return a
}
