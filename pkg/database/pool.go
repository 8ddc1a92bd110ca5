package database

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/config"
)

const (
	// connectTimeout bounds one attempt to reach the server.
	connectTimeout = 2 * time.Second
	// acquireTimeout bounds the wait for a connection, old or new, so that a
	// handler can answer 503 while its client still listens.
	acquireTimeout = 2 * time.Second
)

// Open makes the pool of DATABASE_URL. It does not need the server: a pool whose
// server is away fails each call until it is there (see Unavailable). An error
// means that the address cannot be read.
func Open(_ context.Context, s Settings) (*pgxpool.Pool, error) {
	return open(s, "DATABASE_URL", s.URL)
}

// OpenRead makes the pool of DATABASE_READ_URL, as Open does. What it gives may lag
// behind: it is for lists that people look at, never for a decision about access.
func OpenRead(_ context.Context, s Settings) (*pgxpool.Pool, error) {
	return open(s, "DATABASE_READ_URL", s.ReadURL)
}

func open(s Settings, name string, dsn config.DSN) (*pgxpool.Pool, error) {
	cfg, err := poolConfig(s, name, dsn)
	if err != nil {
		return nil, err
	}
	// The pool's own life ends with Close, not with the caller's context.
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("open the pool of %s: %w", name, err)
	}
	if err := otelpgx.RecordStats(pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("measure the pool of %s: %w", name, err)
	}
	return pool, nil
}

func poolConfig(s Settings, name string, dsn config.DSN) (*pgxpool.Config, error) {
	secured, mode, err := secure(name, dsn.Reveal())
	if err != nil {
		return nil, err
	}
	if mode != "" {
		slog.Warn("the database's certificate is not checked", "setting", name, "sslmode", mode)
	}
	cfg, err := pgxpool.ParseConfig(secured)
	if err != nil {
		return nil, unreadable(name)
	}
	cfg.MaxConns = max(s.MaxConns, 1)
	cfg.MaxConnLifetime = 30 * time.Minute
	cfg.MaxConnLifetimeJitter = 5 * time.Minute // replicas must not reconnect all at once
	cfg.MaxConnIdleTime = 5 * time.Minute
	cfg.PingTimeout = connectTimeout
	cfg.AfterConnect = speakUTC
	tune(cfg.ConnConfig, s)
	return cfg, nil
}

// tune sets what every connection shares.
func tune(c *pgx.ConnConfig, s Settings) {
	c.ConnectTimeout = connectTimeout
	c.Tracer = newTracer(acquireTimeout)
	c.RuntimeParams["timezone"] = "UTC"
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "codex"
	}
	if s.PoolerMode {
		// A transaction pooler hands each transaction to another server session:
		// nothing prepared survives, and unknown start-up parameters are refused.
		c.DefaultQueryExecMode = pgx.QueryExecModeExec
		c.StatementCacheCapacity = 0
		c.DescriptionCacheCapacity = 0
		return
	}
	if s.StatementTimeout > 0 {
		c.RuntimeParams["statement_timeout"] = strconv.FormatInt(s.StatementTimeout.Milliseconds(), 10)
	}
}

// speakUTC makes times come out in UTC, not in the zone of the machine.
func speakUTC(_ context.Context, conn *pgx.Conn) error {
	m := conn.TypeMap()
	one := &pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}}
	m.RegisterType(one)
	m.RegisterType(&pgtype.Type{Name: "_timestamptz", OID: pgtype.TimestamptzArrayOID, Codec: &pgtype.ArrayCodec{ElementType: one}})
	return nil
}
