package database

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"regexp"
	"time"

	"github.com/golang-migrate/migrate/v4"
	migratedb "github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/codex-platform/codex/pkg/config"
)

const (
	// lockPatience bounds how long a step may wait for a table that others use.
	// Everybody who comes later waits behind the step, so it must not be long.
	lockPatience = "5s"
	turnPause    = 200 * time.Millisecond
)

// MigrateUp brings a schema, and the job queue in it, up to what this program
// needs. It writes a line for each step with the time that it took. Two runners
// may start at once: the second one says that it waits and finds nothing left.
// A schema that is newer than this program is left alone.
func MigrateUp(ctx context.Context, direct config.DSN, m Migrations, out io.Writer) error {
	pool, err := migrationPool(direct)
	if err != nil {
		return err
	}
	defer pool.Close()
	return inTurn(ctx, pool, m.Schema(), out, func() error {
		if err := ensureSchema(ctx, pool, m.Schema()); err != nil {
			return err
		}
		if err := migrateJobs(ctx, pool, m.Schema(), out); err != nil {
			return err
		}
		if err := migrateOwn(ctx, pool, m, out); err != nil {
			return err
		}
		return guardVersions(ctx, pool, m.Schema())
	})
}

// migrationPool connects as the role that may change the schema. Steps may take
// long, so no statement is cut off; only their wait for locks is.
func migrationPool(direct config.DSN) (*pgxpool.Pool, error) {
	cfg, err := poolConfig(Settings{MaxConns: 4}, "DATABASE_DIRECT_URL", direct)
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "codex-migrate"
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = "0"
	cfg.ConnConfig.RuntimeParams["lock_timeout"] = lockPatience
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("open the pool for migrations: %w", err)
	}
	return pool, nil
}

// inTurn runs f while no other runner works on the same schema. The lock is one
// of the session's, so it ends with the process that holds it, however it ends.
// (golang-migrate takes one of its own for each step; this one also covers what
// lies between the steps and the job queue, and lets us say why nothing happens.)
func inTurn(ctx context.Context, pool *pgxpool.Pool, schema string, out io.Writer, f func() error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Release()
	key := lockKey(schema)
	for said := false; ; said = true {
		var ours bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&ours); err != nil {
			return fmt.Errorf("take the migration lock of schema %s: %w", schema, err)
		}
		if ours {
			break
		}
		if !said {
			fmt.Fprintf(out, "%-12s waits for another migration to end\n", schema)
		}
		if err := wait(ctx, turnPause); err != nil {
			return fmt.Errorf("wait for the migration lock of schema %s: %w", schema, err)
		}
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key)
	}()
	return f()
}

func lockKey(schema string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("codex migrations of " + schema))
	return int64(h.Sum64())
}

// ensureSchema makes the schema where nobody has: in a database of one's own.
// Elsewhere bootstrap.sql has made it, and this role may not.
func ensureSchema(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	var there bool
	if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&there); err != nil {
		return fmt.Errorf("look for schema %s: %w", schema, err)
	}
	if there {
		return nil
	}
	if _, err := pool.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return fmt.Errorf("make schema %s (an administrator runs bootstrap.sql once to make schemas and roles): %w", schema, err)
	}
	return nil
}

// migrateOwn runs the service's own steps, one at a time.
func migrateOwn(ctx context.Context, pool *pgxpool.Pool, m Migrations, out io.Writer) error {
	all, err := steps(m)
	if err != nil {
		return err
	}
	runner, err := newRunner(pool, m)
	if err != nil {
		return err
	}
	defer runner.Close()
	at, dirty, err := version(ctx, pool, m.Schema())
	switch {
	case err != nil:
		return err
	case dirty:
		return dirtyAt(m, at)
	}
	for _, s := range all {
		if s.version <= at {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("stopped before migration %s of %s: %w", s.name, m.Schema(), err)
		}
		begun := time.Now()
		if err := runStep(runner, m, s, at); err != nil {
			return err
		}
		at = s.version
		progress(out, m.Schema(), s.name, time.Since(begun))
	}
	fmt.Fprintf(out, "%-12s is at version %d\n", m.Schema(), at)
	return nil
}

func newRunner(pool *pgxpool.Pool, m Migrations) (*migrate.Migrate, error) {
	files, err := iofs.New(m, ".")
	if err != nil {
		return nil, fmt.Errorf("read the migrations of %s: %w", m.Schema(), err)
	}
	target, err := migratepgx.WithInstance(stdlib.OpenDBFromPool(pool), &migratepgx.Config{
		MigrationsTable: versionTable, SchemaName: m.Schema(),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations of %s: %w", m.Schema(), plain(err))
	}
	runner, err := migrate.NewWithInstance("iofs", files, "pgx5", target)
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations of %s: %w", m.Schema(), err)
	}
	return runner, nil
}

// runStep takes one step up. golang-migrate marks the schema as dirty before a
// step and leaves it so when the step fails. A file is one transaction, though,
// so once the server has refused it nothing of it is there, and the mark is
// taken back: the next run starts where this one did.
func runStep(runner *migrate.Migrate, m Migrations, s step, from uint) error {
	err := runner.Steps(1)
	if err == nil {
		return nil
	}
	cause := plain(err)
	var refused *pgconn.PgError
	if errors.As(cause, &refused) && !endsTransactions(m, s) {
		back := int(from)
		if from == 0 {
			back = migratedb.NilVersion
		}
		if err := runner.Force(back); err != nil {
			cause = errors.Join(cause, plain(err))
		}
		if refused.Code == lockNotAvailable {
			cause = fmt.Errorf("a table is in use by others for more than %s, nothing was changed, run it again: %w", lockPatience, cause)
		}
	}
	return fmt.Errorf("migration %s of %s: %w", s.name, m.Schema(), cause)
}

var leavesTransaction = regexp.MustCompile(`(?i)\b(COMMIT|CONCURRENTLY)\b`)

// endsTransactions tells whether a file may keep a part of its work when it fails.
func endsTransactions(m Migrations, s step) bool {
	text, err := fs.ReadFile(m, s.name+".up.sql")
	return err != nil || leavesTransaction.Match(text)
}

// plain gives the server's own error out of golang-migrate's, which does not
// unwrap and quotes the whole file.
func plain(err error) error {
	var value migratedb.Error
	if errors.As(err, &value) && value.OrigErr != nil {
		return fmt.Errorf("line %d: %w", value.Line, value.OrigErr)
	}
	var pointer *migratedb.Error
	if errors.As(err, &pointer) && pointer.OrigErr != nil {
		return pointer.OrigErr
	}
	return err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
