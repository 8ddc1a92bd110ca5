package database

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// The job queue's tables live in each service's schema and are migrated with
// it, before the service's own steps: a schema at the service's newest version
// has its queue.

// jobsVersionTable is River's own.
const jobsVersionTable = "river_migration"

func jobsMigrator(pool *pgxpool.Pool, schema string) (*rivermigrate.Migrator[pgx.Tx], error) {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: schema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("prepare the job queue's migrations: %w", err)
	}
	return m, nil
}

// migrateJobs brings the queue's tables up to date, one line a step.
func migrateJobs(ctx context.Context, pool *pgxpool.Pool, schema string, out io.Writer) error {
	m, err := jobsMigrator(pool, schema)
	if err != nil {
		return err
	}
	done, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("migrate the job queue in schema %s: %w", schema, err)
	}
	for _, v := range done.Versions {
		progress(out, schema, fmt.Sprintf("job queue %03d %s", v.Version, v.Name), v.Duration)
	}
	return nil
}

// newestJobs is the version of the queue's tables that this program needs. It
// is read once: readiness asks every second.
var newestJobs = sync.OnceValues(func() (int, error) {
	m, err := jobsMigrator(nil, "")
	if err != nil {
		return 0, err
	}
	all := m.AllVersions()
	return all[len(all)-1].Version, nil
})

// checkJobs tells whether the queue's tables are as new as this program needs them.
func checkJobs(ctx context.Context, q Querier, schema string) error {
	need, err := newestJobs()
	if err != nil {
		return err
	}
	var have int
	table := pgx.Identifier{schema, jobsVersionTable}.Sanitize()
	err = q.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+table+" WHERE line = 'main'").Scan(&have)
	switch {
	case missingTable(err):
	case err != nil:
		return fmt.Errorf("read the version of the job queue in schema %s: %w", schema, err)
	}
	if have < need {
		return &SchemaTooOldError{Schema: schema + " (job queue)", Have: uint(have), Need: uint(need)}
	}
	return nil
}

func progress(out io.Writer, schema, what string, took time.Duration) {
	fmt.Fprintf(out, "%-12s %-44s %6d ms\n", schema, what, took.Milliseconds())
}
