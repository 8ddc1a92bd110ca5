package testkit

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/testkit/internal/keeper"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

// Postgres gives the test a database of its own, with these migrations run, and a superuser's pool on it.
// Both are gone when the test ends. With KEEP_DB=1 the database of a failed test stays for an hour and its address is printed.
func Postgres(t testing.TB, migrations ...database.Migrations) *pgxpool.Pool {
	t.Helper()
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(PostgresURL(t, migrations...)), MaxConns: 10})
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	t.Cleanup(func() { closePool(t, pool) })
	return pool
}

// PostgresURL is Postgres for what opens its own connections.
func PostgresURL(t testing.TB, migrations ...database.Migrations) string {
	t.Helper()
	need(t, "PostgreSQL")
	server, err := sharedServer()
	if err != nil {
		t.Fatal(err)
	}
	name, err := server.clone(limited(t), migrations)
	if err != nil {
		t.Fatalf("test's database: %v", err)
	}
	url := server.url(name)
	t.Cleanup(func() {
		if t.Failed() && os.Getenv("KEEP_DB") == "1" {
			server.keep(t, name)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.drop(ctx, name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return url
}

// closePool reports a connection that the code under test never gave back, instead of waiting for it forever.
func closePool(t testing.TB, pool *pgxpool.Pool) {
	done := make(chan struct{})
	go func() { pool.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Errorf("%d database connections were not given back when the test ended", pool.Stat().AcquiredConns())
	}
}

// PostgresServer is a database server of the test's own, to be stopped and killed.
type PostgresServer struct {
	t      testing.TB
	cfg    parts.PostgresConfig
	server *parts.Postgres
}

// StartPostgres starts a server with one database, "codex", in which these migrations have run. It takes about a second;
// it ends with the test. What was committed survives Kill.
func StartPostgres(t testing.TB, migrations ...database.Migrations) *PostgresServer {
	t.Helper()
	need(t, "PostgreSQL")
	ctx := limited(t)
	programs, err := parts.FindPostgres(ctx, cache())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(keeper.FastDir(), "codex-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &PostgresServer{t: t, cfg: parts.PostgresConfig{Programs: programs, Dir: filepath.Join(dir, "data"), Port: freePort(t), MaxConnections: 100}}
	s.Start()
	t.Cleanup(s.end)
	s.prepare(ctx, migrations)
	return s
}

func (s *PostgresServer) prepare(ctx context.Context, migrations []database.Migrations) {
	s.t.Helper()
	conn, err := pgx.Connect(ctx, s.cfg.URL("postgres"))
	if err == nil {
		_, err = conn.Exec(ctx, "CREATE DATABASE codex")
		conn.Close(ctx)
	}
	if err == nil {
		err = migrate(ctx, s.URL(), migrations)
	}
	if err != nil {
		s.t.Fatalf("prepare the test's own server: %v", err)
	}
}

// end stops the server in order. A killed one left a piece of shared memory that only its own next start removes.
func (s *PostgresServer) end() {
	select {
	case <-s.server.Done():
		s.Start()
	default:
	}
	s.Stop()
}

// URL is the superuser's address of the database; it stays the same over Stop, Kill and Start.
func (s *PostgresServer) URL() string { return s.cfg.URL("codex") }

// Stop ends the server in order: sessions are cut off, data is flushed.
func (s *PostgresServer) Stop() {
	s.t.Helper()
	if err := s.server.Stop(); err != nil {
		s.t.Fatal(err)
	}
}

// Kill ends the server as a crash would.
func (s *PostgresServer) Kill() { s.server.Kill() }

// Start brings the server back on the same port and waits until it answers.
func (s *PostgresServer) Start() {
	s.t.Helper()
	server, err := parts.StartPostgres(limited(s.t), s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = server
}

func freePort(t testing.TB) int {
	t.Helper()
	p, err := port.Free()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// migrate makes schemas and roles and then runs the migrations.
func migrate(ctx context.Context, url string, migrations []database.Migrations) error {
	if err := bootstrap(ctx, url); err != nil {
		return err
	}
	for _, m := range migrations {
		var log strings.Builder
		if err := database.MigrateUp(ctx, config.DSN(url), m, &log); err != nil {
			return err
		}
	}
	return nil
}
