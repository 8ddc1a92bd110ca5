package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/testkit"
)

func TestMain(m *testing.M) {
	otel.SetTextMapPropagator(propagation.TraceContext{}) // as observability.Start does
	os.Exit(m.Run())
}

// tables is a schema with a job queue and little else.
type tables struct{ fstest.MapFS }

func (tables) Schema() string { return "storage" }

var schema = tables{fstest.MapFS{
	"0001_done.up.sql":   {Data: []byte("CREATE TABLE storage.done (what text);")},
	"0001_done.down.sql": {Data: []byte("DROP TABLE storage.done;")},
}}

// as gives an address for the role that serves or that migrates: the queue must
// work with the least rights.
func as(t *testing.T, address, role string) config.DSN {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return config.DSN(u.String())
}

func migrate(t *testing.T, address string) {
	t.Helper()
	if err := database.MigrateUp(t.Context(), as(t, address, "codex_storage_migrate"), schema, io.Discard); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := database.Open(t.Context(), database.Settings{URL: as(t, address, "codex_storage"), MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// task is a job of which the test decides what happens.
type task struct {
	Name string `json:"name"`
}

func (task) Kind() string { return "task" }

type worker struct {
	river.WorkerDefaults[task]
	work func(ctx context.Context, job *river.Job[task]) error
}

func (w *worker) Work(ctx context.Context, job *river.Job[task]) error { return w.work(ctx, job) }

// logs collects log lines.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger {
	return observability.NewLogger("test", l, observability.Settings{LogFormat: observability.FormatJSON})
}

// newQueue makes a client that is stopped when the test ends.
func newQueue(t *testing.T, pool *pgxpool.Pool, o jobs.Options, work func(ctx context.Context, job *river.Job[task]) error) *jobs.Client {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{work: work})
	if o.Log == nil {
		o.Log = (&logs{}).logger()
	}
	c, err := jobs.New(pool, schema.Schema(), workers, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	return c
}

func stop(t *testing.T, c *jobs.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// soon receives what must come within half a minute.
func soon[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain for %s", what)
		panic("not reached")
	}
}

// rowIs waits until a question about a job has the answer yes.
func rowIs(t *testing.T, pool *pgxpool.Pool, question string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		var yes bool
		if err := pool.QueryRow(t.Context(), question).Scan(&yes); err != nil {
			t.Fatal(err)
		}
		if yes {
			return
		}
	}
	t.Fatalf("waited in vain for: %s", question)
}

func TestInsertTx_isAsTrueAsItsTransaction(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	migrate(t, address)
	pool := open(t, address)
	worked := make(chan string, 10)
	c := newQueue(t, pool, jobs.Options{}, func(_ context.Context, job *river.Job[task]) error {
		worked <- job.Args.Name
		return nil
	})
	c.Start(t.Context())
	insert := func(name string, end error) error {
		return database.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if err := c.InsertTx(t.Context(), tx, task{Name: name}, nil); err != nil {
				return err
			}
			return end
		})
	}
	if err := insert("taken back", errors.New("no")); err == nil {
		t.Fatal("committed")
	}
	if err := insert("kept", nil); err != nil {
		t.Fatal(err)
	}
	if got := soon(t, worked, "the job"); got != "kept" {
		t.Errorf("worked %q", got)
	}
}

func TestJob_belongsToTheTraceThatInsertedIt(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	migrate(t, address)
	pool := open(t, address)
	type origin struct{ trace, request string }
	worked := make(chan origin, 1)
	c := newQueue(t, pool, jobs.Options{PollOnly: true}, func(ctx context.Context, _ *river.Job[task]) error {
		worked <- origin{trace.SpanContextFromContext(ctx).TraceID().String(), observability.RequestID(ctx)}
		return nil
	})
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4}, TraceFlags: trace.FlagsSampled})
	ctx := observability.WithRequestID(trace.ContextWithSpanContext(t.Context(), span), "request-1")
	if err := c.Insert(ctx, task{}, &river.InsertOpts{Metadata: []byte(`{"own":1}`)}); err != nil {
		t.Fatal(err)
	}
	c.Start(t.Context())
	if got := soon(t, worked, "the job"); got.trace != span.TraceID().String() || got.request != "request-1" {
		t.Errorf("got %+v", got)
	}
	rowIs(t, pool, `SELECT EXISTS (SELECT FROM storage.river_job WHERE metadata @> '{"own": 1}')`)
}

func TestJob_isTriedAgainAfterAFailureAndAPanic(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	migrate(t, address)
	pool := open(t, address)
	l := &logs{}
	attempts := make(chan int, 10)
	c := newQueue(t, pool, jobs.Options{Log: l.logger()}, func(_ context.Context, job *river.Job[task]) error {
		attempts <- job.Attempt
		switch job.Attempt {
		case 1:
			return errors.New("the other side is away")
		case 2:
			panic("oh")
		}
		return nil
	})
	c.Start(t.Context())
	if err := c.Insert(t.Context(), task{}, nil); err != nil {
		t.Fatal(err)
	}
	for want := 1; want <= 3; want++ {
		if got := soon(t, attempts, "an attempt"); got != want {
			t.Errorf("attempt %d, want %d", got, want)
		}
	}
	for _, want := range []string{"job failed and is tried again", "job panicked"} {
		if !bytes.Contains([]byte(l.String()), []byte(want)) {
			t.Errorf("no %q in %s", want, l)
		}
	}
}

// A dependency may be away for days: the job waits a minute at a time, and its
// row does not grow by an error each time.
func TestJob_isPutOffForDaysAndThenGivenUp(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	migrate(t, address)
	pool := open(t, address)
	c := newQueue(t, pool, jobs.Options{}, func(context.Context, *river.Job[task]) error { return errors.New("still away") })
	for _, name := range []string{"young", "old"} {
		if err := c.Insert(t.Context(), task{Name: name}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), `UPDATE storage.river_job SET attempt = 5, created_at = CASE WHEN args ->> 'name' = 'old' THEN now() - interval '8 days' ELSE created_at END`); err != nil {
		t.Fatal(err)
	}
	c.Start(t.Context())
	rowIs(t, pool, `SELECT EXISTS (SELECT FROM storage.river_job WHERE args ->> 'name' = 'young' AND state = 'scheduled' AND attempt = 5
		AND scheduled_at BETWEEN now() + interval '40 seconds' AND now() + interval '70 seconds' AND coalesce(cardinality(errors), 0) = 0)`)
	rowIs(t, pool, `SELECT EXISTS (SELECT FROM storage.river_job WHERE args ->> 'name' = 'old' AND state = 'cancelled')`)
}

func TestJob_ofAKilledProcessIsTakenUp(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	migrate(t, address)
	pool := open(t, address)
	worked := make(chan int, 1)
	c := newQueue(t, pool, jobs.Options{}, func(_ context.Context, job *river.Job[task]) error {
		worked <- job.Attempt
		return nil
	})
	if err := c.Insert(t.Context(), task{}, nil); err != nil {
		t.Fatal(err)
	}
	// What kill -9 leaves behind.
	if _, err := pool.Exec(t.Context(), `UPDATE storage.river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '3 minutes', attempted_by = ARRAY['killed']`); err != nil {
		t.Fatal(err)
	}
	c.Start(t.Context())
	if got := soon(t, worked, "the job of the killed process"); got != 2 {
		t.Errorf("attempt %d", got)
	}
}

func TestPeriodic_comesByItself(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	migrate(t, address)
	worked := make(chan string, 10)
	c := newQueue(t, open(t, address), jobs.Options{Periodic: []jobs.Periodic{{Every: time.Hour, AtStart: true, Args: task{Name: "sweep"}}}},
		func(_ context.Context, job *river.Job[task]) error {
			worked <- job.Args.Name
			return nil
		})
	c.Start(t.Context())
	if got := soon(t, worked, "the periodic job"); got != "sweep" {
		t.Errorf("got %q", got)
	}
}

func TestStop_waitsForWhatRunsAndThenEndsIt(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	migrate(t, address)
	pool := open(t, address)
	entered, release := make(chan struct{}, 2), make(chan struct{})
	c := newQueue(t, pool, jobs.Options{}, func(ctx context.Context, job *river.Job[task]) error {
		entered <- struct{}{}
		if job.Args.Name == "endless" {
			<-ctx.Done()
			return ctx.Err()
		}
		<-release
		return nil
	})
	c.Start(t.Context())
	for _, name := range []string{"endless", "short"} {
		if err := c.Insert(t.Context(), task{Name: name}, nil); err != nil {
			t.Fatal(err)
		}
		soon(t, entered, "a job")
	}
	close(release)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	rowIs(t, pool, `SELECT EXISTS (SELECT FROM storage.river_job WHERE args ->> 'name' = 'short' AND state = 'completed')`)
	rowIs(t, pool, `SELECT EXISTS (SELECT FROM storage.river_job WHERE args ->> 'name' = 'endless' AND state IN ('retryable', 'available'))`)
}

func TestStart_waitsForTheDatabaseAndItsSchema(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgres(t)
	pool := open(t, server.URL())
	server.Stop()
	l := &logs{}
	worked := make(chan string, 10)
	c := newQueue(t, pool, jobs.Options{Log: l.logger(), Ready: func(ctx context.Context) error { return database.CheckSchema(ctx, pool, schema) }},
		func(_ context.Context, job *river.Job[task]) error {
			worked <- job.Args.Name
			return nil
		})
	c.Start(t.Context())
	server.Start()
	migrate(t, server.URL())
	if err := c.Insert(t.Context(), task{Name: "first"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := soon(t, worked, "the first job"); got != "first" {
		t.Errorf("got %q", got)
	}

	server.Kill()
	if err := c.Insert(t.Context(), task{Name: "lost"}, nil); !database.Unavailable(err) {
		t.Errorf("insert without a server: %v", err)
	}
	server.Start()
	if err := c.Insert(t.Context(), task{Name: "second"}, nil); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if got := soon(t, worked, "the job after the crash"); got != "second" {
		t.Errorf("got %q", got)
	}
	t.Logf("worked again %s after the server was back", time.Since(begun).Round(time.Millisecond))
	if n := bytes.Count([]byte(l.String()), []byte("\n")); n > 20 {
		t.Errorf("%d log lines about one outage:\n%s", n, l)
	}
}

func TestStop_beforeItCouldBegin(t *testing.T) {
	t.Parallel()
	pool, err := database.Open(t.Context(), database.Settings{URL: "postgres://nobody@127.0.0.1:1/x?sslmode=disable", MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := newQueue(t, pool, jobs.Options{}, func(context.Context, *river.Job[task]) error { return nil })
	c.Start(t.Context())
	stop(t, c)
}
