package database

import (
	"time"

	"github.com/codex-platform/codex/pkg/config"
)

// Settings are the variables that say where PostgreSQL is and how to use it.
type Settings struct {
	URL       config.DSN `env:"DATABASE_URL,required" example:"postgres://codex:password@db.example.com:5432/codex" help:"PostgreSQL; may be a transaction pooler (see DATABASE_POOLER)"`
	DirectURL config.DSN `env:"DATABASE_DIRECT_URL" example:"postgres://codex_migrate:password@db.example.com:5432/codex" help:"PostgreSQL without a pooler between, for migrations and the job queue; default: DATABASE_URL"`

	ReadURL config.DSN `env:"DATABASE_READ_URL" example:"postgres://codex:password@replica.example.com:5432/codex" help:"a PostgreSQL replica for reads that may lag behind, where the service has such; default: DATABASE_URL"`

	MaxConns         int32         `env:"DATABASE_MAX_CONNS" envDefault:"10" unit:"connections" help:"the most that one process opens at once"`
	PoolerMode       bool          `env:"DATABASE_POOLER" envDefault:"false" help:"DATABASE_URL is a transaction pooler: nothing is prepared, and jobs are polled for"`
	StatementTimeout time.Duration `env:"DATABASE_STATEMENT_TIMEOUT" envDefault:"10s" help:"how long one statement may run; a pooler takes it from the role instead"`
}

// Direct is the address for what needs a session of its own: migrations,
// advisory locks, LISTEN.
func (s Settings) Direct() config.DSN {
	if s.DirectURL != "" {
		return s.DirectURL
	}
	return s.URL
}

// Validate refuses addresses that cannot be read and numbers that no pool can work with.
func (s Settings) Validate() []config.Fault {
	var faults []config.Fault
	for _, one := range []struct {
		name string
		dsn  config.DSN
	}{{"DATABASE_URL", s.URL}, {"DATABASE_DIRECT_URL", s.DirectURL}, {"DATABASE_READ_URL", s.ReadURL}} {
		if one.dsn == "" {
			continue
		}
		if _, _, err := secure(one.name, one.dsn.Reveal()); err != nil {
			faults = append(faults, unreadableFault(one.name))
		}
	}
	if s.MaxConns < 1 {
		faults = append(faults, config.Fault{Name: "DATABASE_MAX_CONNS", Problem: "is less than 1", Example: "10"})
	}
	return faults
}
