module github.com/codex-platform/codex/deploy/e2e

go 1.26.0

require (
	github.com/codex-platform/codex/migrations v0.0.0
	github.com/codex-platform/codex/pkg v0.0.0
)

replace (
	github.com/codex-platform/codex/migrations => ../../migrations
	github.com/codex-platform/codex/pkg => ../../pkg
)
