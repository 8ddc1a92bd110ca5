package takeover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Source is what is taken over: a database, or a file of its rows.
type Source interface {
	// Name tells sources apart, without any secret.
	Name() string
	// Relations names the tables as they are spelled there.
	Relations(ctx context.Context) ([]string, error)
	Count(ctx context.Context, relation string) (int64, error)
	// Rows gives up to n rows behind an id, in the order of ids.
	Rows(ctx context.Context, relation, after string, n int) ([]Row, error)
	// Has tells whether a row has this text in a column, which is spelled as there.
	Has(ctx context.Context, relation, column, text string) (bool, error)
}

// folded is a name without the ways in which adapters spell it: emailVerified,
// email_verified.
func folded(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// Database is a better-auth database. It is only read.
type Database struct {
	Pool   *pgxpool.Pool
	Schema string
}

// Name is where the database is.
func (d Database) Name() string {
	c := d.Pool.Config().ConnConfig
	return fmt.Sprintf("%s:%d/%s/%s", c.Host, c.Port, c.Database, d.Schema)
}

// Relations are the tables of the schema.
func (d Database) Relations(ctx context.Context) ([]string, error) {
	rows, _ := d.Pool.Query(ctx, `
		SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY 1`, d.Schema)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	return names, nil
}

func (d Database) quoted(relation string) string {
	return pgx.Identifier{d.Schema, relation}.Sanitize()
}

// Count counts the rows of a table.
func (d Database) Count(ctx context.Context, relation string) (n int64, err error) {
	if err := d.Pool.QueryRow(ctx, `SELECT count(*) FROM `+d.quoted(relation)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", relation, err)
	}
	return n, nil
}

// Rows reads rows as JSON, whatever columns there are.
func (d Database) Rows(ctx context.Context, relation, after string, n int) ([]Row, error) {
	// In the order of the key's own index, whatever its collation or type.
	where, args := "", []any{n}
	if after != "" {
		where, args = ` WHERE t.id > $2`, append(args, after)
	}
	rows, _ := d.Pool.Query(ctx, `SELECT to_jsonb(t)::text FROM `+d.quoted(relation)+` t`+where+` ORDER BY t.id LIMIT $1`, args...)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", relation, err)
	}
	found := make([]Row, len(texts))
	for i, text := range texts {
		if found[i], err = readRow(strings.NewReader(text)); err != nil {
			return nil, fmt.Errorf("read %s: %w", relation, err)
		}
	}
	return found, nil
}

// Has looks for a row.
func (d Database) Has(ctx context.Context, relation, column, text string) (yes bool, err error) {
	if err := d.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+d.quoted(relation)+` WHERE `+pgx.Identifier{column}.Sanitize()+` = $1)`, text).Scan(&yes); err != nil {
		return false, fmt.Errorf("look into %s: %w", relation, err)
	}
	return yes, nil
}

// File is an export: {"user": [{"id": …}, …], "session": […], …}.
type File struct {
	name   string
	tables map[string][]Row
}

// ReadFile reads an export whole.
func ReadFile(name string, r io.Reader) (File, error) {
	var raw map[string][]json.RawMessage
	if err := json.NewDecoder(r).Decode(&raw); err != nil {
		return File{}, errors.New(name + ` is not an export: {"user": [{"id": …}], "session": […]}`)
	}
	f := File{name: name, tables: map[string][]Row{}}
	for relation, list := range raw {
		for i, text := range list {
			row, err := readRow(strings.NewReader(string(text)))
			if err != nil {
				return File{}, fmt.Errorf("%s, %s %d: %w", name, relation, i+1, err)
			}
			f.tables[relation] = append(f.tables[relation], row)
		}
		slices.SortFunc(f.tables[relation], func(a, b Row) int { return strings.Compare(a.text("id"), b.text("id")) })
	}
	return f, nil
}

// Name is the file's, wherever it lies: a later export goes on under the same one.
func (f File) Name() string { return "file " + filepath.Base(f.name) }

// Relations are the members of the file.
func (f File) Relations(context.Context) ([]string, error) {
	var names []string
	for name := range f.tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Count counts the rows of a table.
func (f File) Count(_ context.Context, relation string) (int64, error) {
	return int64(len(f.tables[relation])), nil
}

// Rows gives rows of a table.
func (f File) Rows(_ context.Context, relation, after string, n int) ([]Row, error) {
	all := f.tables[relation]
	from, _ := slices.BinarySearchFunc(all, after, func(r Row, id string) int {
		if r.text("id") <= id {
			return -1
		}
		return 1
	})
	return all[from:min(from+n, len(all))], nil
}

// Has looks for a row.
func (f File) Has(_ context.Context, relation, column, text string) (bool, error) {
	return slices.ContainsFunc(f.tables[relation], func(r Row) bool { return r.text(folded(column)) == text }), nil
}
