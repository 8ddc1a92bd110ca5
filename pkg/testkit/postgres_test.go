package testkit_test

import (
	"context"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/testkit"
)

type sample struct{ fstest.MapFS }

func (sample) Schema() string { return "sample" }

func migrations() database.Migrations {
	return sample{fstest.MapFS{
		"0001_notes.up.sql":   {Data: []byte("CREATE TABLE sample.notes (id bigint PRIMARY KEY, body text NOT NULL);")},
		"0001_notes.down.sql": {Data: []byte("DROP TABLE sample.notes;")},
	}}
}

func TestPostgres_eachTestHasItsOwnMigratedDatabase(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := testkit.Postgres(t, migrations()), testkit.Postgres(t, migrations())

	if _, err := a.Exec(ctx, "INSERT INTO sample.notes (id, body) VALUES (1, 'mine')"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.QueryRow(ctx, "SELECT count(*) FROM sample.notes").Scan(&n); err != nil || n != 0 {
		t.Fatalf("the other test's database holds %d rows (%v), want 0", n, err)
	}
}

func TestPostgres_isGoneAfterTheTest(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("a test", func(t *testing.T) {
		name = testkit.Postgres(t).Config().ConnConfig.Database
	})

	rows, _ := testkit.Postgres(t).Query(t.Context(), "SELECT datname FROM pg_database")
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || slices.Contains(names, name) {
		t.Fatalf("database %s is still among %q (%v)", name, names, err)
	}
}

func TestPostgres_cloneTakesMilliseconds(t *testing.T) {
	testkit.PostgresURL(t, migrations()) // the first one builds the template
	const times = 10
	start := time.Now()
	for range times {
		testkit.PostgresURL(t, migrations())
	}
	each := time.Since(start) / times
	t.Logf("a migrated database takes %s", each.Round(100*time.Microsecond))
	if each > time.Second {
		t.Errorf("a clone takes %s; something makes it run the migrations again", each)
	}
}

func TestStartPostgres_keepsWhatWasCommittedOverAKill(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgres(t, migrations())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	execSQL(ctx, t, server.URL(), "INSERT INTO sample.notes (id, body) VALUES (1, 'kept')")

	server.Kill()
	if _, err := pgx.Connect(ctx, server.URL()); !database.Unavailable(err) {
		t.Fatalf("connect to a dead server: %v, want an error that means unavailable", err)
	}
	server.Start()

	execSQL(ctx, t, server.URL(), "DO $$ BEGIN ASSERT (SELECT count(*) FROM sample.notes) = 1; END $$")
}

func execSQL(ctx context.Context, t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}
