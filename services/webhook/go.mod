module github.com/codex-platform/codex/services/webhook

go 1.26.0

require github.com/codex-platform/codex/pkg v0.0.0

replace github.com/codex-platform/codex/pkg => ../../pkg

require (
	github.com/codex-platform/codex/migrations v0.0.0
	github.com/stripe/stripe-go/v76 v76.25.0
	go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp v0.72.0
)

replace github.com/codex-platform/codex/migrations => ../../migrations
