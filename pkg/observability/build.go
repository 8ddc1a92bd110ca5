package observability

import (
	"context"
	"runtime"
	"runtime/debug"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// registerBuildInfo measures build_info: always 1, with what was built as labels.
func registerBuildInfo(provider metric.MeterProvider) error {
	version, commit := build()
	labels := metric.WithAttributes(
		attribute.String("version", version),
		attribute.String("commit", commit),
		attribute.String("goversion", runtime.Version()))
	_, err := provider.Meter("github.com/codex-platform/codex/pkg/observability").Int64ObservableGauge("build_info",
		metric.WithDescription("What this process was built from; the value is always 1."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1, labels)
			return nil
		}))
	return err
}

// build gives what the linker noted about this binary.
func build() (version, commit string) {
	version, commit = "devel", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version, commit
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return version, commit
}
