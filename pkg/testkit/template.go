package testkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/testkit/internal/keeper"
	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// testServer is the server on which the tests of this process have their databases.
type testServer struct {
	address *url.URL // of its maintenance database
	admin   *pgxpool.Pool
	owner   string // begins the name of every database of this process
	shared  bool   // it is our cluster, not one named in the environment

	count     atomic.Int64
	mu        sync.Mutex
	templates map[string]bool // that this process knows to be finished
}

// sharedServer joins the run's server once for this process.
var sharedServer = sync.OnceValues(openServer)

func openServer() (*testServer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience*4)
	defer cancel()
	s := &testServer{templates: map[string]bool{}}
	address := os.Getenv("TEST_DATABASE_URL")
	if address == "" {
		if Root() == "" {
			return nil, errors.New("testkit: run the tests from inside the repository")
		}
		cfg, err := keeper.Postgres(ctx, Root(), cache())
		if err != nil {
			return nil, err
		}
		address, s.shared = cfg.URL("postgres"), true
	}
	var err error
	if s.address, err = url.Parse(address); err != nil {
		return nil, errors.New("TEST_DATABASE_URL is not a URL")
	}
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("test database server: %w", err)
	}
	cfg.MaxConns = 4
	if s.admin, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("test database server: %w", err)
	}
	if s.owner, err = ownerName(); err != nil {
		return nil, err
	}
	return s, s.reap(ctx)
}

// url is the address of a database on this server.
func (s *testServer) url(name string) string {
	u := *s.address
	u.Path = "/" + name
	return u.String()
}

// clone makes a database from the template with these migrations.
func (s *testServer) clone(ctx context.Context, migrations []database.Migrations) (string, error) {
	tpl, err := s.template(ctx, migrations)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s%d", s.owner, s.count.Add(1))
	// Copying files takes half the time of logging every page, and a test's data needs no log.
	_, err = s.admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", name, tpl))
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code != "53300" {
		_, err = s.admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, tpl))
	}
	if err != nil {
		return "", fmt.Errorf("clone: %w", err)
	}
	return name, nil
}

func (s *testServer) drop(ctx context.Context, name string) error {
	_, err := s.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// keep leaves a failed test's database for a look, out of the reach of the next run's reaping.
func (s *testServer) keep(t testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	kept := "kept_" + name
	_, err := s.admin.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
	if err == nil {
		_, err = s.admin.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", name, kept))
	}
	if err == nil && s.shared {
		err = keeper.KeepPostgres(Root())
	}
	if err != nil {
		t.Errorf("keep the database: %v", err)
		return
	}
	t.Logf("kept the database for an hour: %s", s.url(kept))
}

// template returns the name of a database in which the migrations have run, and makes it when nobody has yet.
func (s *testServer) template(ctx context.Context, migrations []database.Migrations) (string, error) {
	sum, err := fingerprint(migrations)
	if err != nil {
		return "", err
	}
	name := "tpl_" + sum
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.templates[name] {
		return name, nil
	}
	if err := s.build(ctx, name, migrations); err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	s.templates[name] = true
	return name, nil
}

// build works under a lock for all test processes: many start at once and need the same template. The name appears
// only when the migrations are done, so a killed builder leaves nothing that looks finished.
func (s *testServer) build(ctx context.Context, name string, migrations []database.Migrations) error {
	lock, err := s.admin.Begin(ctx)
	if err != nil {
		return err
	}
	defer lock.Rollback(context.WithoutCancel(ctx))
	if _, err := lock.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('codex test templates'))"); err != nil {
		return err
	}
	var there bool
	if err := lock.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return err
	}
	raw := name + "_new"
	if err := s.each(ctx, "DROP DATABASE IF EXISTS "+raw+" WITH (FORCE)", "CREATE DATABASE "+raw); err != nil {
		return err
	}
	if err := migrate(ctx, s.url(raw), migrations); err != nil {
		return err
	}
	// A database that somebody is connected to cannot be cloned.
	return s.each(ctx, "ALTER DATABASE "+raw+" ALLOW_CONNECTIONS false", "ALTER DATABASE "+raw+" RENAME TO "+name)
}

// each runs statements one by one, outside a transaction, as those about whole databases must be.
func (s *testServer) each(ctx context.Context, statements ...string) error {
	for _, q := range statements {
		if _, err := s.admin.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// bootstrap makes the schemas and roles of the product, when the repository has them.
func bootstrap(ctx context.Context, url string) error {
	sql, err := bootstrapSQL()
	if err != nil || sql == "" {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("migrations/bootstrap.sql: %w", err)
	}
	return nil
}

// bootstrapSQL is read from the tree: pkg must not depend on the module that holds the product's tables.
func bootstrapSQL() (string, error) {
	raw, err := os.ReadFile(filepath.Join(Root(), "migrations", "bootstrap.sql"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return string(raw), err
}

// fingerprint changes with everything that decides what a migrated database looks like.
func fingerprint(migrations []database.Migrations) (string, error) {
	h := sha256.New()
	sql, err := bootstrapSQL()
	if err != nil {
		return "", err
	}
	io.WriteString(h, sql)
	io.WriteString(h, riverVersion())
	for _, m := range migrations {
		fmt.Fprintf(h, "\x00schema %s\x00", m.Schema())
		err := fs.WalkDir(m, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := fs.ReadFile(m, path)
			fmt.Fprintf(h, "\x00%s\x00%s", path, content)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("read migrations of %s: %w", m.Schema(), err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// riverVersion: the job queue's own tables come with that module.
func riverVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/riverqueue/river" {
			return dep.Version
		}
	}
	return ""
}

// ownerName says which process of which machine a database belongs to.
func ownerName() (string, error) {
	me, err := parts.Identify(os.Getpid())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("test_%s_%d_%s_", hostHash(), me.Pid, startedHash(me)), nil
}

func hostHash() string {
	host, _ := os.Hostname()
	return shortHash(host)
}

func startedHash(p parts.Process) string { return shortHash(p.Started) }

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
