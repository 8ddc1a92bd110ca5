package database

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// guardVersions takes the right to write the version tables from everybody but
// their owner. The default privileges that let a service write its rows cover
// these as well, and whoever breaks into a service could make the next
// migration skip its steps.
func guardVersions(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	type grant struct{ Table, Grantee string }
	rows, _ := pool.Query(ctx, `
		SELECT DISTINCT c.oid::regclass::text AS table, coalesce(quote_ident(r.rolname), 'PUBLIC') AS grantee
		FROM pg_class c
		CROSS JOIN LATERAL aclexplode(c.relacl) AS a
		LEFT JOIN pg_roles r ON r.oid = a.grantee
		WHERE c.oid IN (to_regclass($1), to_regclass($2))
		  AND a.grantee <> c.relowner AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE')`,
		pgx.Identifier{schema, versionTable}.Sanitize(), pgx.Identifier{schema, jobsVersionTable}.Sanitize())
	grants, err := pgx.CollectRows(rows, pgx.RowToStructByName[grant])
	if err != nil {
		return fmt.Errorf("read who may write the versions of schema %s: %w", schema, err)
	}
	for _, g := range grants {
		// Both names were quoted by the server.
		if _, err := pool.Exec(ctx, "REVOKE INSERT, UPDATE, DELETE ON "+g.Table+" FROM "+g.Grantee); err != nil {
			return fmt.Errorf("guard %s: %w", g.Table, err)
		}
	}
	return nil
}
