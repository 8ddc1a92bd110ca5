package database_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/testkit"
)

// shop is the migrations of a schema of the test's own.
type shop struct{ fs.FS }

func (shop) Schema() string { return "shop" }

// shopAt gives the first n of the shop's steps.
func shopAt(n int) shop {
	steps := []string{
		"CREATE TABLE shop.orders (id bigint PRIMARY KEY);\nCREATE INDEX orders_id ON shop.orders (id);",
		"ALTER TABLE shop.orders ADD COLUMN note text NOT NULL DEFAULT '';",
		"CREATE TABLE shop.items (id bigint PRIMARY KEY);",
	}
	files := fstest.MapFS{}
	for i, sql := range steps[:n] {
		files[fmt.Sprintf("%04d_step.up.sql", i+1)] = &fstest.MapFile{Data: []byte(sql)}
		files[fmt.Sprintf("%04d_step.down.sql", i+1)] = &fstest.MapFile{Data: []byte("SELECT 1;")}
	}
	return shop{files}
}

// broken adds a step that fails after it has done something.
func broken(m shop, sql string) shop {
	files := fstest.MapFS{"0003_bad.up.sql": &fstest.MapFile{Data: []byte(sql)}}
	for name, f := range m.FS.(fstest.MapFS) {
		files[name] = f
	}
	return shop{files}
}

func emptyDatabase(t *testing.T) (config.DSN, *pgxpool.Pool) {
	t.Helper()
	url := config.DSN(testkit.PostgresURL(t))
	pool, err := database.Open(t.Context(), database.Settings{URL: url, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return url, pool
}

func TestMigrateUp_goesStepByStepAndOnlyForwards(t *testing.T) {
	t.Parallel()
	url, pool := emptyDatabase(t)
	var old *database.SchemaTooOldError
	if err := database.CheckSchema(t.Context(), pool, shopAt(2)); !errors.As(err, &old) || old.Have != 0 || old.Need != 2 {
		t.Errorf("before: %v", err)
	}

	var out strings.Builder
	if err := database.MigrateUp(t.Context(), url, shopAt(2), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"job queue 001", "0001_step", "0002_step", " ms\n", "is at version 2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
	if err := database.CheckSchema(t.Context(), pool, shopAt(2)); err != nil {
		t.Errorf("after: %v", err)
	}
	if err := database.CheckSchema(t.Context(), pool, shopAt(3)); !errors.As(err, &old) || !strings.Contains(old.Reason(), "is at version 2, this program needs 3") {
		t.Errorf("for a newer program: %v", err)
	}
	if err := database.CheckSchema(t.Context(), pool, shopAt(1)); err != nil {
		t.Errorf("for an older program: %v", err)
	}

	out.Reset()
	if err := database.MigrateUp(t.Context(), url, shopAt(1), &out); err != nil || strings.Contains(out.String(), "step") {
		t.Errorf("an older program: %v\n%s", err, &out)
	}
	out.Reset()
	if err := database.MigrateUp(t.Context(), url, shopAt(3), &out); err != nil || strings.Contains(out.String(), "0002") || !strings.Contains(out.String(), "0003_step") {
		t.Errorf("the next program: %v\n%s", err, &out)
	}

	out.Reset()
	if err := database.MigrateStatus(t.Context(), url, shopAt(3), &out); err != nil || strings.Count(out.String(), "done") != 3 {
		t.Errorf("status: %v\n%s", err, &out)
	}
}

func TestMigrateUp_aStepThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	url, pool := emptyDatabase(t)
	bad := broken(shopAt(2), "CREATE TABLE shop.half (id int);\nCREATE TABLE nowhere.half (id int);")
	err := database.MigrateUp(t.Context(), url, bad, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "0003_bad") || !strings.Contains(err.Error(), "nowhere") || strings.Contains(err.Error(), "shop.half") {
		t.Errorf("err = %v", err)
	}
	var there bool
	if err := pool.QueryRow(t.Context(), "SELECT to_regclass('shop.half') IS NOT NULL").Scan(&there); err != nil || there {
		t.Errorf("half a step is there: %v, %v", there, err)
	}
	if err := database.CheckSchema(t.Context(), pool, shopAt(2)); err != nil {
		t.Errorf("the old program cannot work any more: %v", err)
	}
	if err := database.MigrateUp(t.Context(), url, shopAt(3), io.Discard); err != nil {
		t.Errorf("the mended step: %v", err)
	}
}

func TestMigrateUp_saysWhatToDoAboutAStepThatWasKilled(t *testing.T) {
	t.Parallel()
	url, pool := emptyDatabase(t)
	if err := database.MigrateUp(t.Context(), url, shopAt(2), io.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "UPDATE shop.schema_migrations SET dirty = true"); err != nil {
		t.Fatal(err)
	}
	var dirty *database.DirtyError
	for name, err := range map[string]error{
		"up":     database.MigrateUp(t.Context(), url, shopAt(3), io.Discard),
		"status": database.MigrateStatus(t.Context(), url, shopAt(3), io.Discard),
		"check":  database.CheckSchema(t.Context(), pool, shopAt(3)),
	} {
		if !errors.As(err, &dirty) || !strings.Contains(err.Error(), "UPDATE shop.schema_migrations SET version = 1, dirty = false") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMigrateUp_waitsForItsTurn(t *testing.T) {
	t.Parallel()
	url, pool := emptyDatabase(t)
	// The first runner stands still in its step until the test lets it go.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock(4711)"); err != nil {
		t.Fatal(err)
	}
	slow := broken(shopAt(2), "SET lock_timeout = 0;\nSELECT pg_advisory_xact_lock(4711);\nCREATE TABLE shop.once (id int);")
	first := make(chan error, 1)
	go func() { first <- database.MigrateUp(t.Context(), url, slow, io.Discard) }()
	waitFor(t, pool, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database())")

	out := &line{want: "waits for another migration", seen: make(chan struct{})}
	second := make(chan error, 1)
	go func() { second <- database.MigrateUp(t.Context(), url, slow, out) }()
	select {
	case <-out.seen:
	case <-time.After(20 * time.Second):
		t.Fatal("the second runner does not say that it waits")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Errorf("first: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("second: %v", err) // it would fail if it ran the step again
	}
}

func TestMigrateUp_doesNotQueueUpBehindALongTransaction(t *testing.T) {
	t.Parallel()
	url, pool := emptyDatabase(t)
	if err := database.MigrateUp(t.Context(), url, shopAt(1), io.Discard); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "SELECT count(*) FROM shop.orders"); err != nil {
		t.Fatal(err)
	}
	err = database.MigrateUp(t.Context(), url, shopAt(2), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "nothing was changed, run it again") {
		t.Errorf("err = %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := database.MigrateUp(t.Context(), url, shopAt(2), io.Discard); err != nil {
		t.Error(err)
	}
}

func TestMigrateUp_refusesAFileThatIsNoStep(t *testing.T) {
	t.Parallel()
	url, _ := emptyDatabase(t)
	odd := shop{fstest.MapFS{"one.up.sql": &fstest.MapFile{Data: []byte("SELECT 1")}}}
	if err := database.MigrateUp(t.Context(), url, odd, io.Discard); err == nil || !strings.Contains(err.Error(), "one.up.sql") {
		t.Errorf("err = %v", err)
	}
}

// line is a writer that reports when a text comes by.
type line struct {
	want string
	once sync.Once
	seen chan struct{}
}

func (l *line) Write(p []byte) (int, error) {
	if strings.Contains(string(p), l.want) {
		l.once.Do(func() { close(l.seen) })
	}
	return len(p), nil
}

// waitFor asks until the answer is true.
func waitFor(t *testing.T, q database.Querier, question string, args ...any) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		var yes bool
		if err := q.QueryRow(t.Context(), question, args...).Scan(&yes); err != nil {
			t.Fatal(err)
		}
		if yes {
			return
		}
	}
	t.Fatalf("waited in vain for: %s", question)
}
