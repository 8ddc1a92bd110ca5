package observability

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// exportTimeout bounds one attempt to hand traces to the collector.
const exportTimeout = 5 * time.Second

// Telemetry is the traces and metrics of a process.
type Telemetry struct {
	registry *prometheus.Registry
	traces   *trace.TracerProvider
	metrics  *metric.MeterProvider
}

// Start sets OpenTelemetry's globals for this process: a tracer whose new
// traces are kept at the given ratio and whose others follow their parent, W3C
// trace context between processes, and a meter that MetricsHandler shows.
// It neither waits for the collector nor fails when that is away; spans that
// cannot be delivered are dropped, and what OpenTelemetry has to complain
// about is logged at most once a minute. It also makes log the process's default
// logger, so that a line of a library that asks for none is redacted too.
func Start(ctx context.Context, service string, s Settings, log *slog.Logger) (*Telemetry, error) {
	slog.SetDefault(log)
	otel.SetErrorHandler(newComplaints(log, time.Minute))
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	otel.SetTextMapPropagator(propagation.TraceContext{})

	about := resource.NewSchemaless(attribute.String("service.name", service))
	traces, err := newTraces(ctx, s, about)
	if err != nil {
		return nil, fmt.Errorf("start traces: %w", err)
	}
	registry, metrics, err := newMetrics(about)
	if err != nil {
		return nil, fmt.Errorf("start metrics: %w", err)
	}
	otel.SetTracerProvider(traces)
	otel.SetMeterProvider(metrics)
	return &Telemetry{registry: registry, traces: traces, metrics: metrics}, nil
}

func newTraces(ctx context.Context, s Settings, about *resource.Resource) (*trace.TracerProvider, error) {
	options := []trace.TracerProviderOption{
		trace.WithResource(about),
		trace.WithIDGenerator(generator{}),
		trace.WithSampler(trace.ParentBased(trace.TraceIDRatioBased(float64(s.TraceRatio)))),
	}
	if s.OTLPEndpoint != "" {
		exporter, err := otlptracehttp.New(ctx,
			otlptracehttp.WithEndpointURL(strings.TrimRight(string(s.OTLPEndpoint), "/")+"/v1/traces"),
			otlptracehttp.WithTimeout(exportTimeout))
		if err != nil {
			return nil, err
		}
		options = append(options, trace.WithBatcher(redactingExporter{exporter}))
	}
	return trace.NewTracerProvider(options...), nil
}

// newMetrics gives a registry that shows what is measured through
// OpenTelemetry, and beside it what Prometheus' own collectors know of the Go
// runtime and the process: dashboards know these names.
func newMetrics(about *resource.Resource) (*prometheus.Registry, *metric.MeterProvider, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes),
		otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, nil, err
	}
	metrics := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithResource(about))
	return registry, metrics, registerBuildInfo(metrics)
}

// MetricsHandler serves the metrics in Prometheus' text form, for the private port;
// to those who read OpenMetrics also the exemplars, which lead to traces.
func (t *Telemetry) MetricsHandler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true})
}

// Shutdown delivers what is left, for as long as the context allows.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	return errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx))
}
