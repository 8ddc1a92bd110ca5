package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/testkit"
)

func TestPool_givesUpWhenEveryConnectionIsInUse(t *testing.T) {
	t.Parallel()
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(testkit.PostgresURL(t)), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	_, err = pool.Exec(t.Context(), "SELECT 1")
	if took := time.Since(begun); !database.Unavailable(err) || took > 2500*time.Millisecond {
		t.Errorf("after %s: %v", took, err)
	}
	held.Release()
	if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("after the release: %v", err)
	}
}

func TestPool_speaksUTCAndBoundsStatements(t *testing.T) {
	t.Parallel()
	for name, pooler := range map[string]bool{"direct": false, "through a pooler": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := database.Open(t.Context(), database.Settings{
				URL: config.DSN(testkit.PostgresURL(t)), MaxConns: 2, PoolerMode: pooler, StatementTimeout: 200 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			var at time.Time
			var list []time.Time
			var zone, app string
			err = pool.QueryRow(t.Context(), "SELECT now(), ARRAY[now()], current_setting('timezone'), current_setting('application_name') WHERE $1::text = 'a'", "a").Scan(&at, &list, &zone, &app)
			if err != nil || at.Location() != time.UTC || len(list) != 1 || list[0].Location() != time.UTC || zone != "UTC" || app != "codex" {
				t.Errorf("now = %v, %v, zone = %s, app = %s, err = %v", at, list, zone, app, err)
			}
			var prepared int
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&prepared); err != nil || pooler && prepared > 0 {
				t.Errorf("%d prepared statements, %v", prepared, err)
			}
			if pooler {
				return // where the role brings the bound
			}
			if _, err := pool.Exec(t.Context(), "SELECT pg_sleep(5)"); !database.Unavailable(err) {
				t.Errorf("a slow statement: %v", err)
			}
		})
	}
}

func TestInTx_settlesARaceBetweenTwo(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if _, err := pool.Exec(t.Context(), "CREATE TABLE counters (id int PRIMARY KEY, n int); INSERT INTO counters VALUES (1, 0), (2, 0)"); err != nil {
		t.Fatal(err)
	}
	// Two transactions that take the same rows in opposite order: a deadlock,
	// until one of them runs again.
	add := func(first, second int, meet, met chan struct{}) error {
		runs := 0
		return database.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			runs++
			if _, err := tx.Exec(t.Context(), "UPDATE counters SET n = n + 1 WHERE id = $1", first); err != nil {
				return err
			}
			if runs == 1 {
				close(meet)
				<-met
			}
			_, err := tx.Exec(t.Context(), "UPDATE counters SET n = n + 1 WHERE id = $1", second)
			return err
		})
	}
	a, b := make(chan struct{}), make(chan struct{})
	other := make(chan error, 1)
	go func() { other <- add(2, 1, b, a) }()
	if err := add(1, 2, a, b); err != nil {
		t.Error(err)
	}
	if err := <-other; err != nil {
		t.Error(err)
	}
	var sum int
	if err := pool.QueryRow(t.Context(), "SELECT sum(n) FROM counters").Scan(&sum); err != nil || sum != 4 {
		t.Errorf("sum = %d, %v", sum, err)
	}
}

func TestInTx_keepsNothingOfWhatFailed(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if _, err := pool.Exec(t.Context(), "CREATE TABLE notes (id int PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("no")
	err := database.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "INSERT INTO notes VALUES (1)"); err != nil {
			return err
		}
		return refusal
	})
	var n int
	if scan := pool.QueryRow(t.Context(), "SELECT count(*) FROM notes").Scan(&n); !errors.Is(err, refusal) || n != 0 || scan != nil {
		t.Errorf("err = %v, %d rows, %v", err, n, scan)
	}
}

// A caller that hangs up costs its transaction, not the pool's connection.
func TestInTx_givesTheConnectionBackWhenTheCallerHangsUp(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := database.InTx(ctx, pool, func(tx pgx.Tx) error {
		cancel()
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) || pool.Stat().AcquiredConns() != 0 || pool.Stat().TotalConns() != 1 {
		t.Errorf("err = %v, %d of %d connections in use", err, pool.Stat().AcquiredConns(), pool.Stat().TotalConns())
	}
}

func TestPool_outlivesItsServer(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgres(t)
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(server.URL()), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, how := range []struct {
		name string
		end  func()
	}{{"stopped", server.Stop}, {"killed", server.Kill}} {
		if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Fatalf("before it was %s: %v", how.name, err)
		}
		running := make(chan error, 1)
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, err := conn.Exec(t.Context(), "SELECT pg_sleep(30)")
			conn.Release()
			running <- err
		}()
		waitFor(t, pool, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)')")
		how.end()
		if err := <-running; !database.Unavailable(err) {
			t.Errorf("%s: the running statement got %v", how.name, err)
		}
		begun := time.Now()
		for range 6 { // more often than there are dead connections in the pool
			if _, err := pool.Exec(t.Context(), "SELECT 1"); !database.Unavailable(err) {
				t.Errorf("%s: %v", how.name, err)
			}
			if err := database.InTx(t.Context(), pool, func(pgx.Tx) error { return nil }); !database.Unavailable(err) {
				t.Errorf("%s, transaction: %v", how.name, err)
			}
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("%s: twelve refusals took %s", how.name, took)
		}
		server.Start()
		if _, err := pool.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Errorf("after it was %s and started again: %v", how.name, err)
		}
	}
}

// refusedOrUnowned tells whether the server did not let a role do something.
func refusedOrUnowned(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}
