package observability

import (
	"context"
	"runtime"
	"runtime/debug"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// scope names this package as the source of what it measures.
const scope = "github.com/codex-platform/codex/pkg/observability"

// version and commit are set by the linker when an image is built, together
// with those of package config, which this package must not know:
//
//	-ldflags "-X github.com/codex-platform/codex/pkg/observability.version=v1.2.3 -X ….commit=0123abc"
var version, commit string

// registerBuildInfo measures build_info: always 1, with what was built as labels.
func registerBuildInfo(provider metric.MeterProvider) error {
	version, commit := build()
	labels := metric.WithAttributes(
		attribute.String("version", version),
		attribute.String("commit", commit),
		attribute.String("goversion", runtime.Version()))
	_, err := provider.Meter(scope).Int64ObservableGauge("build_info",
		metric.WithDescription("What this process was built from; the value is always 1."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1, labels)
			return nil
		}))
	return err
}

// build gives the linker's version and commit, or what Go noted by itself.
func build() (v, c string) {
	v, c = version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if c == "" && s.Key == "vcs.revision" {
				c = s.Value
			}
		}
	}
	if v == "" {
		v = "devel"
	}
	if c == "" {
		c = "unknown"
	}
	return v, c
}
