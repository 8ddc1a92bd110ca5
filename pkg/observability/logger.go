package observability

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"
	"go.opentelemetry.io/otel/trace"
)

// NewLogger gives the logger of a service. Each line is one event: JSON, or
// text for people at a terminal. Every line carries the service's name and,
// from its context, trace_id, span_id and request_id; every value is redacted.
func NewLogger(service string, w io.Writer, s Settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel, ReplaceAttr: redactAttr}
	var inner slog.Handler
	if s.JSON(w) {
		inner = slog.NewJSONHandler(w, options)
	} else {
		inner = slog.NewTextHandler(w, options)
	}
	return slog.New(newHandler(inner).WithAttrs([]slog.Attr{slog.String("service", service)}))
}

// JSON tells whether lines written there are JSON.
func (s Settings) JSON(w io.Writer) bool {
	return s.LogFormat != FormatText && (s.LogFormat == FormatJSON || !isTerminal(w))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// handler adds what the context knows. The ids stand at the top of the line
// also for a logger with open groups: root is the handler before the first
// group, and steps repeat what was done to it since.
type handler struct {
	now   slog.Handler
	root  slog.Handler
	steps []func(slog.Handler) slog.Handler
}

func newHandler(inner slog.Handler) *handler {
	return &handler{now: inner, root: inner}
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.now.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	var ids [3]slog.Attr
	n := contextIDs(ctx, &ids)
	switch {
	case n == 0:
		return h.now.Handle(ctx, r)
	case len(h.steps) == 0:
		r = r.Clone()
		r.AddAttrs(ids[:n]...)
		return h.now.Handle(ctx, r)
	}
	inner := h.root.WithAttrs(ids[:n])
	for _, step := range h.steps {
		inner = step(inner)
	}
	return inner.Handle(ctx, r)
}

// contextIDs fills in the ids that the context knows and gives their number.
func contextIDs(ctx context.Context, ids *[3]slog.Attr) (n int) {
	if ctx == nil {
		return 0
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		ids[0] = slog.String("trace_id", span.TraceID().String())
		ids[1] = slog.String("span_id", span.SpanID().String())
		n = 2
	}
	if id := RequestID(ctx); id != "" {
		ids[n] = slog.String("request_id", id)
		n++
	}
	return n
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(h.steps) == 0 {
		return newHandler(h.now.WithAttrs(attrs))
	}
	return h.then(func(inner slog.Handler) slog.Handler { return inner.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.then(func(inner slog.Handler) slog.Handler { return inner.WithGroup(name) })
}

func (h *handler) then(step func(slog.Handler) slog.Handler) *handler {
	steps := append(h.steps[:len(h.steps):len(h.steps)], step)
	return &handler{now: step(h.now), root: h.root, steps: steps}
}
