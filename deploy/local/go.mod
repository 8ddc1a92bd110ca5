module github.com/codex-platform/codex/deploy/local

go 1.26.0

require (
	github.com/codex-platform/codex/migrations v0.0.0
	github.com/codex-platform/codex/pkg v0.0.0
)

require (
	github.com/alicebob/miniredis/v2 v2.40.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/pgx/v5 v5.12.0 // indirect
	github.com/yuin/gopher-lua v1.1.1 // indirect
	golang.org/x/sync v0.25.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace (
	github.com/codex-platform/codex/migrations => ../../migrations
	github.com/codex-platform/codex/pkg => ../../pkg
)
