module github.com/codex-platform/codex/services/webhook

go 1.26.0

require github.com/codex-platform/codex/pkg v0.0.0

replace github.com/codex-platform/codex/pkg => ../../pkg

require (
	github.com/codex-platform/codex/migrations v0.0.0
	github.com/danielgtaylor/huma/v2 v2.39.0
	github.com/jackc/pgx/v5 v5.12.0
	github.com/riverqueue/river v0.51.1
	github.com/stripe/stripe-go/v76 v76.25.0
	go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp v0.72.0
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/metric v1.47.0
)

replace github.com/codex-platform/codex/migrations => ../../migrations
