// Package migrations holds the SQL that makes each service's schema: one folder
// a service, one pair of files a step, run by `<service> migrate up`.
//
// A step must be safe while programs of the release before it still run: it
// adds (expand) and takes away only what no running program uses any more
// (contract), so it names no change of type or name in place. A file is one
// transaction: it holds no BEGIN, COMMIT or CONCURRENTLY, unless that is all
// it does. Every name carries its schema. The SQL stays within PostgreSQL 15.
//
// The package imports nothing of ours, so that every program may import it.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed */*.sql
var files embed.FS

// Bootstrap makes the schemas and the roles of all services. An administrator
// runs it once for a database; running it again changes nothing.
//
//go:embed bootstrap.sql
var Bootstrap string

// The schemas, by service.
var (
	Auth    = Set{folder: "auth", schema: "better_auth"}
	Webhook = Set{folder: "webhook", schema: "billing"}
	Storage = Set{folder: "storage", schema: "storage"}
)

// Set is the migrations of one schema, as a file system with the steps at its root.
type Set struct {
	folder, schema string
}

// Schema is where the tables of this set live.
func (s Set) Schema() string { return s.schema }

// Open opens one of the set's files, or "." for the list of them.
func (s Set) Open(name string) (fs.File, error) {
	sub, err := fs.Sub(files, s.folder)
	if err != nil {
		return nil, err
	}
	return sub.Open(name)
}
