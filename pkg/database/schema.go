package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SchemaTooOldError is the state of a schema that lacks migrations which this
// program needs. Its text is fit for operators and names no host.
type SchemaTooOldError struct {
	Schema     string
	Have, Need uint
}

// Error says what is missing and what to do.
func (e *SchemaTooOldError) Error() string {
	return fmt.Sprintf("schema %s is at version %d, this program needs %d: run `migrate up`", e.Schema, e.Have, e.Need)
}

// Reason is the text, for readiness pages.
func (e *SchemaTooOldError) Reason() string { return e.Error() }

// DirtyError is the state of a schema in which a migration began and did not
// come to its end, because its process was killed.
type DirtyError struct {
	Schema            string
	Version, Previous uint
}

// Error says how to look and how to go on.
func (e *DirtyError) Error() string {
	table := e.Schema + "." + versionTable
	return fmt.Sprintf("schema %[1]s: migration %[2]d began and was not seen to end. Look whether its changes are there: "+
		"a file runs as one transaction, so all of them are or none is. If they are: UPDATE %[3]s SET dirty = false; "+
		"if not: UPDATE %[3]s SET version = %[4]d, dirty = false; then run `migrate up` again",
		e.Schema, e.Version, table, e.Previous)
}

// Reason is the text, for readiness pages.
func (e *DirtyError) Reason() string { return e.Error() }

// CheckSchema tells whether this program can work with the schema as it is:
// nil, *SchemaTooOldError, *DirtyError or the fault of asking. A schema that is
// newer is fine: migrations expand first and contract only when no old program
// runs any more.
func CheckSchema(ctx context.Context, q Querier, m Migrations) error {
	need, err := newest(m)
	if err != nil {
		return err
	}
	have, dirty, err := version(ctx, q, m.Schema())
	switch {
	case err != nil:
		return err
	case dirty && have <= need:
		return dirtyAt(m, have)
	case have < need:
		return &SchemaTooOldError{Schema: m.Schema(), Have: have, Need: need}
	}
	return checkJobs(ctx, q, m.Schema())
}

// version reads how far a schema is; 0 when it was never migrated.
func version(ctx context.Context, q Querier, schema string) (have uint, dirty bool, err error) {
	table := pgx.Identifier{schema, versionTable}.Sanitize()
	var at int64
	err = q.QueryRow(ctx, "SELECT version, dirty FROM "+table+" LIMIT 1").Scan(&at, &dirty)
	switch {
	case errors.Is(err, pgx.ErrNoRows), missingTable(err):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("read the version of schema %s: %w", schema, err)
	case at < 0: // a first step that failed and was taken back
		return 0, dirty, nil
	}
	return uint(at), dirty, nil
}

func missingTable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == undefinedTable
}

// dirtyAt gives the error for a schema whose step to this version did not end.
func dirtyAt(m Migrations, at uint) error {
	all, err := steps(m)
	if err != nil {
		return err
	}
	var previous uint
	for _, s := range all {
		if s.version < at {
			previous = s.version
		}
	}
	return &DirtyError{Schema: m.Schema(), Version: at, Previous: previous}
}
