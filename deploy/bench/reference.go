package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
	"github.com/jackc/pgx/v5"
)

// reference starts better-auth on Node with a database of its own in our
// PostgreSQL.
func (a *authBench) reference(ctx context.Context) (peer, error) {
	folder := filepath.Join(a.root, "deploy/e2e/better-auth")
	node, err := exec.LookPath("node")
	if err != nil {
		return peer{}, errors.New("there is no Node.js on this machine")
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		return peer{}, errors.New("make deps fetches it")
	}
	conn, err := pgx.Connect(ctx, a.postgres.URL("postgres"))
	if err != nil {
		return peer{}, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE reference"); err != nil {
		return peer{}, err
	}
	free, err := port.Free()
	if err != nil {
		return peer{}, err
	}
	return a.peer(ctx, free, parts.Spec{
		Name: "better-auth", Path: node, Args: []string{"serve.mjs"}, Dir: folder,
		Env: []string{
			"PATH=" + os.Getenv("PATH"), "NODE_ENV=production", "DATABASE_URL=" + a.postgres.URL("reference"),
			"SECRET=" + secret(), "PORT=" + strconv.Itoa(free),
		},
	})
}
