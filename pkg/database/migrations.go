package database

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/golang-migrate/migrate/v4/source"
)

// Migrations are the steps of one schema: files named 0001_words.up.sql and
// 0001_words.down.sql at the root of the file system.
type Migrations interface {
	fs.FS
	// Schema is where the tables live, and the table that counts the steps.
	Schema() string
}

// versionTable counts the steps inside the schema that they change.
const versionTable = "schema_migrations"

// step is one migration upwards.
type step struct {
	version uint
	name    string // 0001_words
}

// steps lists the migrations in their order.
func steps(m Migrations) ([]step, error) {
	files, err := fs.Glob(m, "*.up.sql")
	if err != nil {
		return nil, fmt.Errorf("list the migrations of %s: %w", m.Schema(), err)
	}
	var found []step
	for _, file := range files {
		parsed, err := source.Parse(file)
		if err != nil {
			return nil, fmt.Errorf("migration %s of %s: the name is not 0001_words.up.sql", file, m.Schema())
		}
		found = append(found, step{parsed.Version, file[:len(file)-len(".up.sql")]})
	}
	slices.SortFunc(found, func(a, b step) int { return int(a.version) - int(b.version) })
	return found, nil
}

// newest gives the version that this program needs; 0 when there are no migrations.
func newest(m Migrations) (uint, error) {
	all, err := steps(m)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].version, nil
}
