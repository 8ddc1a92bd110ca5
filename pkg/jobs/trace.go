package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/codex-platform/codex/pkg/observability"
)

const (
	scope         = "github.com/codex-platform/codex/pkg/jobs"
	metaRequestID = "request_id"
)

// tracing is the middleware that ties a job to the code that inserted it: the
// trace context and the request's id travel in the job's metadata.
type tracing struct {
	river.MiddlewareDefaults
}

// InsertMany writes where a job comes from into its metadata.
func (*tracing) InsertMany(ctx context.Context, many []*rivertype.JobInsertParams, insert func(context.Context) ([]*rivertype.JobInsertResult, error)) ([]*rivertype.JobInsertResult, error) {
	origin := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, origin)
	if id := observability.RequestID(ctx); id != "" {
		origin[metaRequestID] = id
	}
	for _, job := range many {
		metadata, err := withOrigin(job.Metadata, origin)
		if err != nil {
			return nil, err
		}
		job.Metadata = metadata
	}
	return insert(ctx)
}

func withOrigin(metadata []byte, origin map[string]string) ([]byte, error) {
	if len(origin) == 0 {
		return metadata, nil
	}
	all := map[string]any{}
	if len(metadata) > 0 {
		if err := json.Unmarshal(metadata, &all); err != nil {
			return nil, fmt.Errorf("read a job's metadata: %w", err)
		}
	}
	for name, value := range origin {
		all[name] = value
	}
	return json.Marshal(all)
}

// Work runs a job as a part of the trace that it was inserted in.
func (*tracing) Work(ctx context.Context, job *rivertype.JobRow, run func(context.Context) error) error {
	origin := originOf(job.Metadata)
	ctx = otel.GetTextMapPropagator().Extract(ctx, origin)
	if id, ok := observability.ParseRequestID(origin[metaRequestID]); ok {
		ctx = observability.WithRequestID(ctx, id)
	}
	ctx, span := otel.Tracer(scope).Start(ctx, "job "+job.Kind, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.Int64("job.id", job.ID), attribute.Int("job.attempt", job.Attempt)))
	defer span.End()
	err := run(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, "")
	}
	return err
}

// originOf gives the texts in a job's metadata; what is none is left out.
func originOf(metadata []byte) propagation.MapCarrier {
	var all map[string]any
	_ = json.Unmarshal(metadata, &all) // a job without readable metadata has no origin
	origin := propagation.MapCarrier{}
	for name, value := range all {
		if text, ok := value.(string); ok {
			origin[name] = text
		}
	}
	return origin
}

// snoozes tells how often a job was put off.
func snoozes(job *rivertype.JobRow) int {
	var metadata struct {
		Snoozes int `json:"snoozes"`
	}
	_ = json.Unmarshal(job.Metadata, &metadata)
	return metadata.Snoozes
}
