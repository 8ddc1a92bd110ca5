// Package takeover takes over the database of a better-auth server: people with
// their ids, passwords, sessions, second factors, passkeys and keys. The source is
// only read. A run that was stopped goes on where it was; a run after that takes
// what is new or newer.
package takeover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/field"
)

// batch is how many rows are one step: read, written and noted together.
const batch = 2000

// Takeover is one run.
type Takeover struct {
	Source Source
	DB     database.Beginner
	Store  Store
	// From opens what the source sealed; To seals it for us.
	From, To security.Keyring
	// Role tells whether there is a role of this name here; nil: all are.
	Role func(name string) bool
	// UserFields and SessionFields are the additional fields here.
	UserFields, SessionFields field.Fields
	Now                       func() time.Time
	// Report hears how many rows of a table there are, how many a run that was
	// stopped saw, and how many were seen by now.
	Report func(relation string, total, before, seen int64)
	// LeftOut hears of each row that is not taken, and why.
	LeftOut func(relation, id, reason string)
}

// Result is what became of one table.
type Result struct {
	Relation string
	Total    int64 // rows in the source
	Taken    int64 // rows that are here now
	Reasons  map[string]int64
	// Altered are rows that are taken otherwise than they are there, by how.
	Altered map[string]int64
}

// LeftOut sums the rows that were not taken.
func (r Result) LeftOut() (n int64) {
	for _, count := range r.Reasons {
		n += count
	}
	return n
}

// errCounts says that rows were lost on the way, which must not be.
var errCounts = errors.New("the counts do not add up: was the source written to meanwhile? Run it again")

// Run takes every table that is known, in the order of dependence, and names the
// tables that are not.
func (t *Takeover) Run(ctx context.Context) (results []Result, foreign []string, err error) {
	tables, err := t.Source.Relations(ctx)
	if err != nil {
		return nil, nil, err
	}
	found := map[string]string{}
	for _, table := range tables {
		if r := of(table); r != nil {
			found[r.name] = table
		} else {
			foreign = append(foreign, table)
		}
	}
	if found["user"] == "" {
		return nil, nil, errors.New("there is no table user: this is not a better-auth database, or it is in another schema (--schema)")
	}
	if err := t.secretFits(ctx, found); err != nil {
		return nil, nil, err
	}
	for _, r := range relations {
		table, ok := found[r.name]
		if !ok {
			continue
		}
		result, err := t.relation(ctx, r, table)
		results = append(results, result)
		if err != nil {
			return results, foreign, fmt.Errorf("%s: %w", table, err)
		}
	}
	return results, foreign, nil
}

func (t *Takeover) relation(ctx context.Context, r relation, table string) (Result, error) {
	result := Result{Relation: table, Reasons: map[string]int64{}, Altered: map[string]int64{}}
	total, err := t.Source.Count(ctx, table)
	if err != nil {
		return result, err
	}
	from, err := t.Store.Mark(ctx, t.Source.Name(), table, t.Now())
	if err != nil {
		return result, err
	}
	result.Total, result.Taken = total, from.Taken
	if from.LeftOut > 0 {
		result.Reasons["left out before the run was stopped: the next run names them again"] = from.LeftOut
	}
	before := from.Taken + from.LeftOut
	for {
		rows, err := t.Source.Rows(ctx, table, from.LastID, batch)
		if err != nil {
			return result, err
		}
		if len(rows) == 0 {
			break
		}
		from.LastID = rows[len(rows)-1].text("id")
		if err := t.take(ctx, r, table, rows, from, &result); err != nil {
			return result, err
		}
		t.Report(table, total, before, result.Taken+result.LeftOut())
	}
	if result.Taken+result.LeftOut() != total {
		return result, errCounts
	}
	return result, t.Store.Finish(ctx, t.Source.Name(), table, t.Now())
}

// lost is a row that is not taken.
type lost struct{ id, reason string }

// take takes a batch. One in which the database refuses a value is taken in halves,
// down to the row that holds it, which is left out.
func (t *Takeover) take(ctx context.Context, r relation, table string, rows []Row, at Mark, result *Result) error {
	err := t.step(ctx, r, table, rows, at, result)
	switch {
	case !unfitting(err):
		return err
	case len(rows) == 1:
		r.convert = func(mapper, Row) (columns, error) { return nil, errUnfitting }
		return t.step(ctx, r, table, rows, at, result)
	}
	half := len(rows) / 2
	for _, part := range [][]Row{rows[:half], rows[half:]} {
		at.LastID = part[len(part)-1].text("id")
		if err := t.take(ctx, r, table, part, at, result); err != nil {
			return err
		}
	}
	return nil
}

const errUnfitting = leftOut("a value that has no place here")

// unfitting tells whether the database refused a value: a data exception or a
// violated constraint.
func unfitting(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23"))
}

// step takes some rows: they and the mark are one transaction.
func (t *Takeover) step(ctx context.Context, r relation, table string, rows []Row, at Mark, result *Result) error {
	var said []string
	m := mapper{
		from: t.From, to: t.To, now: t.Now(), known: t.Role, say: func(what string) { said = append(said, what) },
		inUse:      func(column, address string) (bool, error) { return t.Source.Has(ctx, table, column, address) },
		userFields: byFolded(t.UserFields), sessionFields: byFolded(t.SessionFields),
	}
	altered := map[string][]string{} // how, by our key
	var ours []columns
	fresh, newer := []columns{}, []columns{}
	known := map[string]bool{} // by our key: the run before saw it
	var unfit []lost
	ids := map[string]string{} // of the source, by our key
	for _, row := range rows {
		said = nil
		converted, err := r.convert(m, row)
		var reason leftOut
		switch {
		case errors.As(err, &reason):
			unfit = append(unfit, lost{row.text("id"), string(reason)})
		case err != nil:
			return err
		default:
			ours = append(ours, converted)
			key := converted.text(r.keyed())
			if row.moment("updatedat").After(m.now) { // nobody can tell whether it is newer than what is here
				said = append(said, "without what changes later, for it was changed in the future: run again when that is over")
			} else {
				newer = append(newer, converted)
			}
			ids[key], altered[key] = row.text("id"), said
			if !at.Since.IsZero() && !r.timeless && !r.begun(row, at.Since, m.now) {
				known[key] = true
			} else {
				fresh = append(fresh, converted)
			}
		}
	}
	var all []lost
	var reasons map[string]int64
	err := database.InTx(ctx, t.DB, func(tx pgx.Tx) error {
		store := Store{DB: tx}
		missing, err := store.write(ctx, r, ours, fresh, newer, at.Since)
		if err != nil {
			return err
		}
		all, reasons = unfit, maps.Clone(result.Reasons)
		for _, one := range missing {
			delete(altered, one.id)
			if known[one.id] {
				one.reason = "an earlier run saw it, and it was ended or deleted here since, or was left out then"
			}
			all = append(all, lost{ids[one.id], one.reason})
		}
		for _, one := range all {
			reasons[one.reason]++
		}
		at.Taken, at.LeftOut = result.Taken+int64(len(ours)-len(missing)), Result{Reasons: reasons}.LeftOut()
		return store.Set(ctx, t.Source.Name(), table, at, t.Now())
	})
	if err != nil {
		return err
	}
	result.Taken, result.Reasons = at.Taken, reasons
	for _, list := range altered {
		for _, how := range list {
			result.Altered[how]++
		}
	}
	for _, one := range all {
		t.LeftOut(table, one.id, one.reason)
	}
	return nil
}

// byFolded finds fields by how columns are compared.
func byFolded(fields field.Fields) map[string]field.Field {
	m := map[string]field.Field{}
	for _, one := range fields {
		m[folded(one.Name)] = one
	}
	return m
}

// Sorted gives the reasons in a fixed order.
func (r Result) Sorted() []string { return slices.Sorted(maps.Keys(r.Reasons)) }

// Alterations are how rows were altered, in a fixed order.
func (r Result) Alterations() []string { return slices.Sorted(maps.Keys(r.Altered)) }
