module github.com/codex-platform/codex/services/auth

go 1.26.0

require github.com/codex-platform/codex/pkg v0.0.0

replace github.com/codex-platform/codex/pkg => ../../pkg

require github.com/codex-platform/codex/migrations v0.0.0

replace github.com/codex-platform/codex/migrations => ../../migrations
