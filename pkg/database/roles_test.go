package database_test

import (
	"io"
	"net/url"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/testkit"
)

// rows is one table in one service's schema.
type rows struct {
	fstest.MapFS
	schema string
}

func (r rows) Schema() string { return r.schema }

var roles = map[string]string{"codex_auth": "better_auth", "codex_webhook": "billing", "codex_storage": "storage"}

// as gives the address of a database for another role. The test's server trusts
// everybody; what is tested is what a role may do once it is in.
func as(t *testing.T, address, role string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

// DEP-03: a service reads and writes its own rows, changes no table, and sees
// nothing of the others. testkit has run bootstrap.sql.
func TestRoles_mayDoWhatTheirServiceNeedsAndNoMore(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	for role, schema := range roles {
		m := rows{fstest.MapFS{
			"0001_rows.up.sql":   {Data: []byte("CREATE TABLE " + schema + ".things (id bigserial PRIMARY KEY, name text);")},
			"0001_rows.down.sql": {Data: []byte("DROP TABLE " + schema + ".things;")},
		}, schema}
		if err := database.MigrateUp(t.Context(), config.DSN(as(t, address, role+"_migrate")), m, io.Discard); err != nil {
			t.Fatalf("%s_migrate: %v", role, err)
		}
	}
	for role, own := range roles {
		t.Run(role, func(t *testing.T) {
			conn, err := pgx.Connect(t.Context(), as(t, address, role))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			for _, sql := range []string{
				"INSERT INTO " + own + ".things (name) VALUES ('a')", "SELECT id, name FROM " + own + ".things",
				"UPDATE " + own + ".things SET name = 'b'", "DELETE FROM " + own + ".things",
				"SELECT count(*) FROM " + own + ".river_job", "SELECT version FROM " + own + ".schema_migrations",
			} {
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Errorf("%s: %v", sql, err)
				}
			}
			forbidden := []string{
				"ALTER TABLE " + own + ".things ADD COLUMN x int", "DROP TABLE " + own + ".things", "TRUNCATE " + own + ".things",
				"CREATE TABLE " + own + ".more (id int)", "CREATE TABLE public.more (id int)", "CREATE SCHEMA more",
				"UPDATE " + own + ".schema_migrations SET version = 9", "DELETE FROM " + own + ".river_migration",
				"SET ROLE " + role + "_migrate", "CREATE ROLE another",
			}
			for other, schema := range roles {
				if other != role {
					forbidden = append(forbidden, "SELECT * FROM "+schema+".things", "INSERT INTO "+schema+".things (name) VALUES ('a')",
						"SELECT * FROM "+schema+".river_job", "SET ROLE "+other)
				}
			}
			for _, sql := range forbidden {
				if _, err := conn.Exec(t.Context(), sql); !refusedOrUnowned(err) {
					t.Errorf("%s: %v", sql, err)
				}
			}
		})
	}
}

func TestRoles_migrateOnlyTheirOwnSchema(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresURL(t)
	for role, own := range roles {
		for _, schema := range roles {
			if schema == own {
				continue
			}
			m := rows{fstest.MapFS{"0001_rows.up.sql": {Data: []byte("SELECT 1;")}}, schema}
			err := database.MigrateUp(t.Context(), config.DSN(as(t, address, role+"_migrate")), m, io.Discard)
			if !refusedOrUnowned(err) {
				t.Errorf("%s_migrate in %s: %v", role, schema, err)
			}
		}
	}
}
