module github.com/codex-platform/codex/migrations

go 1.26.0
