package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/token"
)

// doctorTime bounds one question.
const doctorTime = 5 * time.Second

// check is one question, with what it is about.
type check struct {
	name string
	ask  func(context.Context) error
}

// doctor asks everything that serve needs, once, and says what it found. That
// the settings can be read is seen by its running at all.
func doctor(ctx context.Context, s settings, _ []string, out io.Writer) error {
	pool, err := database.Open(ctx, s.Database)
	if err != nil {
		return err
	}
	defer pool.Close()
	checks := []check{
		{"settings", func(context.Context) error { return nil }},
		{"secrets", func(context.Context) error { return secretsAreStrong(s) }},
		{"PostgreSQL", func(ctx context.Context) error { return pool.Ping(ctx) }},
		{"schema " + migrations.Auth.Schema(), func(ctx context.Context) error { return database.CheckSchema(ctx, pool, migrations.Auth) }},
		{"read replica", func(ctx context.Context) error { return replicaFollows(ctx, s.Database) }},
		{"clock", func(ctx context.Context) error { return clocksAgree(ctx, pool) }},
		{"administrators", func(ctx context.Context) error { return administrated(ctx, s, pool) }},
		{"signing key", func(ctx context.Context) error { return signs(ctx, s, pool) }},
		{"Redis", func(ctx context.Context) error { return redisAnswers(ctx, s) }},
		{"mail server", func(ctx context.Context) error { return mailServerListens(ctx, s.Mail.URL) }},
	}
	providers, err := s.Providers.checks()
	if err != nil {
		return err
	}
	checks = append(checks, providers...)
	var failed error
	for _, c := range checks {
		limited, cancel := context.WithTimeout(ctx, doctorTime)
		err := c.ask(limited)
		cancel()
		switch {
		case errors.Is(err, errNotSet):
			fmt.Fprintf(out, "%-20s not set\n", c.name)
		case err != nil:
			fmt.Fprintf(out, "%-20s no\n", c.name)
			failed = errors.Join(failed, fmt.Errorf("%s: %w", c.name, err))
		default:
			fmt.Fprintf(out, "%-20s ok\n", c.name)
		}
	}
	fmt.Fprintf(out, "%-20s %s\n", "plugins", s.Plugins.switchedOn())
	return failed
}

// errNotSet says that a part is not there by choice.
var errNotSet = errors.New("not set")

// signs tells whether the signing key opens with AUTH_SECRETS. A database
// without one is fine: serve makes it.
func signs(ctx context.Context, s settings, pool database.Querier) error {
	ring, err := security.NewKeyring(s.Secrets.Reveal())
	if err != nil {
		return err
	}
	return token.Check(ctx, token.Store{DB: pool}, ring)
}

func redisAnswers(ctx context.Context, s settings) error {
	if s.Redis.URL == "" {
		return errNotSet
	}
	rdb, err := cache.Open(s.Redis, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer rdb.Close()
	return rdb.Ping(ctx).Err()
}

// mailServerListens makes a connection and says nothing: a greeting is no proof
// that letters arrive, a refused connection is proof that none do.
func mailServerListens(ctx context.Context, dsn config.DSN) error {
	u, err := url.Parse(dsn.Reveal())
	if err != nil {
		return errors.New("SMTP_URL is not an address")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return errors.New("nobody listens there")
	}
	return conn.Close()
}
