package parts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/port"
	"github.com/jackc/pgx/v5"
)

const (
	superuser  = "postgres"
	readyLimit = 30 * time.Second // crash recovery of a big development database takes a while
)

// PostgresConfig describes one server.
type PostgresConfig struct {
	Programs       PostgresPrograms
	Dir            string // data folder; made on first start
	Port           int
	Password       string    // of the superuser; empty: no password is asked, for throw-away servers
	Durable        bool      // false: nothing is synced to disk; for tests
	MaxConnections int       // 100 when zero
	Output         io.Writer `json:"-"`
}

// Postgres is a running database server.
type Postgres struct {
	*Child
	cfg PostgresConfig
}

// StartPostgres makes the data folder if it is not there, starts the server and waits until it answers.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of PostgreSQL: %w", err)
	}
	attr, err := unprivileged(cfg.Programs.Postgres, cfg.Dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(cfg.Dir, "PG_VERSION")); errors.Is(err, os.ErrNotExist) {
		if err := initdb(ctx, cfg, attr); err != nil {
			return nil, err
		}
	}
	child, err := Start(Spec{
		Name: "postgres", Path: cfg.Programs.Postgres, Args: cfg.args(), Dir: cfg.Dir, Output: cfg.Output,
		Stop: syscall.SIGINT, Orphan: syscall.SIGINT, // the fast shutdown: sessions are ended, data is flushed
		attr: attr,
	})
	if err != nil {
		return nil, err
	}
	p := &Postgres{Child: child, cfg: cfg}
	if err := p.ready(ctx); err != nil {
		child.Kill()
		return nil, err
	}
	return p, nil
}

func (cfg PostgresConfig) args() []string {
	set := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(cfg.Port), "unix_socket_directories=",
		"max_connections=" + strconv.Itoa(max(cfg.MaxConnections, 100)), "timezone=UTC", "log_timezone=UTC", "log_checkpoints=off",
	}
	if !cfg.Durable { // still survives the kill of the server, not of the machine
		set = append(set, "fsync=off", "full_page_writes=off", "autovacuum=off",
			"max_wal_size=4GB", "checkpoint_timeout=1h", "shared_buffers=64MB",
			"dynamic_shared_memory_type=mmap") // in the data folder, so that it goes with it
	}
	args := []string{"-D", cfg.Dir}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

func initdb(ctx context.Context, cfg PostgresConfig, attr func(*syscall.SysProcAttr)) error {
	args := []string{"-D", cfg.Dir, "-U", superuser, "--encoding=UTF8", "--no-locale", "--no-sync"}
	auth := "trust"
	cmd := exec.CommandContext(ctx, cfg.Programs.Initdb)
	if cfg.Password != "" {
		auth = "scram-sha-256"
		cmd.Stdin = strings.NewReader(cfg.Password + "\n")
		args = append(args, "--pwfile=/dev/stdin") // never in a file, never in the process list
	}
	cmd.Args = append(cmd.Args, append(args, "--auth="+auth)...)
	if attr != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
		attr(cmd.SysProcAttr)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// URL is the superuser's address of a database on this server.
func (p *Postgres) URL(database string) string { return p.cfg.URL(database) }

// URL is the superuser's address of a database on the server that this describes.
func (cfg PostgresConfig) URL(database string) string {
	user := url.User(superuser)
	if cfg.Password != "" {
		user = url.UserPassword(superuser, cfg.Password)
	}
	return (&url.URL{Scheme: "postgres", User: user, Host: port.Addr(cfg.Port), Path: "/" + database, RawQuery: "sslmode=disable"}).String()
}

func (p *Postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, p.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.Done():
			return p.Err()
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready: %w (%w)", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Config describes the running server.
func (p *Postgres) Config() PostgresConfig { return p.cfg }

// EndPostgres stops the server that still runs on a data folder because its owner was killed.
func EndPostgres(ctx context.Context, dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return nil //nolint:nilerr // half written: PostgreSQL itself judges such a file
	}
	if p, err := Identify(pid); err == nil && p.Name == "postgres" {
		p.End(ctx, syscall.SIGINT, readyLimit)
	}
	return nil
}
