module github.com/codex-platform/codex/services/storage

go 1.26.0

require github.com/codex-platform/codex/pkg v0.0.0

replace github.com/codex-platform/codex/pkg => ../../pkg

require github.com/codex-platform/codex/migrations v0.0.0

replace github.com/codex-platform/codex/migrations => ../../migrations

require github.com/gabriel-vasile/mimetype v1.4.16

require (
	github.com/google/uuid v1.6.0
	github.com/jackc/pgx/v5 v5.12.0
)

require (
	github.com/danielgtaylor/huma/v2 v2.39.0
	github.com/riverqueue/river v0.51.1
)
