package access

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// meters are the rate, errors and durations by route class.
type meters struct {
	duration metric.Float64Histogram
	upstream metric.Float64Histogram
	refusals metric.Int64Counter
	shadowed metric.Int64Counter
	classes  map[string]*classSets
	// refused and shadow hold the options of a counter by its labels, whose values
	// are declared in the code and in the settings: few.
	refused, shadow *sync.Map
}

// classSets are attribute sets made once: a set costs more than the count.
type classSets struct {
	statuses [6][]metric.RecordOption // by hundreds
	class    []metric.RecordOption
}

// buckets of the durations, in seconds.
var buckets = metric.WithExplicitBucketBoundaries(
	.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)

func newMeters(classes []string) (m meters, err error) {
	meter := otel.Meter("gateway")
	m = meters{classes: map[string]*classSets{}, refused: &sync.Map{}, shadow: &sync.Map{}}
	if m.duration, err = meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"), buckets,
		metric.WithDescription("Requests by route class and kind of status")); err != nil {
		return m, fmt.Errorf("make metric: %w", err)
	}
	if m.upstream, err = meter.Float64Histogram("gateway.upstream.first_byte.duration", metric.WithUnit("s"), buckets,
		metric.WithDescription("Until the service's answer began")); err != nil {
		return m, fmt.Errorf("make metric: %w", err)
	}
	if m.refusals, err = meter.Int64Counter("gateway.refusals",
		metric.WithDescription("Requests that the gateway answered itself with an error, by code")); err != nil {
		return m, fmt.Errorf("make metric: %w", err)
	}
	if m.shadowed, err = meter.Int64Counter("gateway.limits.shadowed",
		metric.WithDescription("Requests that a limit in shadow mode would have refused")); err != nil {
		return m, fmt.Errorf("make metric: %w", err)
	}
	for _, class := range classes {
		m.classes[class] = newClassSets(class)
	}
	return m, nil
}

func newClassSets(class string) *classSets {
	own := attribute.String("class", class)
	sets := &classSets{class: []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(own))}}
	for i := range sets.statuses {
		sets.statuses[i] = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(
			own, attribute.String("status", string(rune('0'+i))+"xx")))}
	}
	return sets
}

func (m *meters) measure(ctx context.Context, rec *Record) {
	sets := m.classes[rec.Class]
	if sets == nil {
		return
	}
	m.duration.Record(ctx, rec.Duration.Seconds(), sets.statuses[min(max(rec.Status/100, 0), 5)]...)
	if rec.FirstByte > 0 {
		m.upstream.Record(ctx, rec.FirstByte.Seconds(), sets.class...)
	}
	if rec.Code != "" {
		m.refusals.Add(ctx, 1, options(m.refused, "class", rec.Class, "code", rec.Code)...)
	}
}

// Shadowed counts a request that a limit in shadow mode would have refused.
func (m *meters) Shadowed(ctx context.Context, class, policy string) {
	m.shadowed.Add(ctx, 1, options(m.shadow, "class", class, "policy", policy)...)
}

// options makes a set of two labels once.
func options(known *sync.Map, name1, value1, name2, value2 string) []metric.AddOption {
	key := [2]string{value1, value2}
	if got, ok := known.Load(key); ok {
		made, _ := got.([]metric.AddOption)
		return made
	}
	made := []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String(name1, value1), attribute.String(name2, value2)))}
	known.Store(key, made)
	return made
}
