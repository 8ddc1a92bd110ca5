package takeover

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

// Store writes what is taken. DB is a pool, or the transaction that a step is
// part of.
type Store struct {
	DB database.Querier
}

// Mark is how far a table has come.
type Mark struct {
	LastID         string
	Taken, LeftOut int64
	Began          time.Time // when the run did
	Since          time.Time // when the finished run before it did; zero: there was none
}

// Mark reads how far a table has come: where a run was stopped, or the beginning of
// a new one, now.
func (s Store) Mark(ctx context.Context, source, relation string, now time.Time) (Mark, error) {
	var m Mark
	var since *time.Time
	err := s.DB.QueryRow(ctx, `
		SELECT last_id, taken, left_out, coalesce(began_at, updated_at), since FROM better_auth.takeovers
		WHERE source = $1 AND relation = $2`, source, relation).Scan(&m.LastID, &m.Taken, &m.LeftOut, &m.Began, &since)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Mark{Began: now}, nil
	case err != nil:
		return Mark{}, fmt.Errorf("read mark: %w", err)
	case m.LastID == "":
		return Mark{Began: now, Since: m.Began}, nil
	case since != nil:
		m.Since = *since
	}
	return m, nil
}

// Set notes how far a table has come.
func (s Store) Set(ctx context.Context, source, relation string, m Mark, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.takeovers (source, relation, last_id, taken, left_out, began_at, since, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (source, relation) DO UPDATE
		SET last_id = EXCLUDED.last_id, taken = EXCLUDED.taken, left_out = EXCLUDED.left_out, began_at = EXCLUDED.began_at, since = EXCLUDED.since,
		    updated_at = EXCLUDED.updated_at`,
		source, relation, m.LastID, m.Taken, m.LeftOut, m.Began, null(m.Since), now)
	if err != nil {
		return fmt.Errorf("set mark: %w", err)
	}
	return nil
}

func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Finish notes that a table was taken to its end: the next run begins anew.
func (s Store) Finish(ctx context.Context, source, relation string, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE better_auth.takeovers SET last_id = '', updated_at = $3
		WHERE source = $1 AND relation = $2`, source, relation, now)
	if err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	return nil
}

// write inserts the fresh rows, changes those that are newer, of those that may be,
// and gives the keys of the rows that are not here now.
func (s Store) write(ctx context.Context, r relation, rows, fresh, newer []columns, since time.Time) (missing []lost, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	content, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", r.into, err)
	}
	added, err := json.Marshal(fresh)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", r.into, err)
	}
	later, err := json.Marshal(newer)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", r.into, err)
	}
	text, names := string(content), slices.Sorted(maps.Keys(rows[0]))
	from := ` FROM jsonb_populate_recordset(NULL::better_auth.` + r.into + `, $1::jsonb) s `
	owner := `true`
	if r.owned {
		owner = `EXISTS (SELECT FROM better_auth.users u WHERE u.id = s.user_id` + r.wanted + `)`
	}
	// Whatever is in a row's place here stays: it may have been changed since. Of rows
	// for one place the first made is taken, as the source goes by it, in any plan.
	_, err = s.DB.Exec(ctx, `INSERT INTO better_auth.`+r.into+` (`+strings.Join(names, ", ")+`) SELECT s.`+strings.Join(names, ", s.")+from+
		`WHERE `+owner+` ORDER BY s.created_at, s.`+r.keyed()+` ON CONFLICT DO NOTHING`, string(added))
	if err != nil {
		return nil, fmt.Errorf("insert %s: %w", r.into, err)
	}
	if r.newer != "" {
		if err := s.change(ctx, r, names, from, string(later), since); err != nil {
			return nil, err
		}
	}
	key := r.keyed()
	found, _ := s.DB.Query(ctx, `
		SELECT s.`+key+`::text, CASE WHEN `+owner+` THEN 'something else has its place here: address, name, link or key' ELSE $2 END`+from+`
		WHERE NOT EXISTS (SELECT FROM better_auth.`+r.into+` t WHERE t.`+key+` = s.`+key+`)`, text, cmp.Or(r.unwanted, "it belongs to nobody who was taken, or who has use for it"))
	missing, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (one lost, err error) {
		return one, row.Scan(&one.id, &one.reason)
	})
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", r.into, err)
	}
	return missing, nil
}

// change brings rows up to the source's where it is newer. What an administrator
// changed here since the run before stays.
func (s Store) change(ctx context.Context, r relation, names []string, from, text string, since time.Time) error {
	var set []string
	for _, name := range names {
		if slices.Contains(r.ours, name) {
			set = append(set, name+" = CASE WHEN t.updated_at > $2 THEN t."+name+" ELSE s."+name+" END")
		} else if name != "id" && name != "created_at" && !slices.Contains(r.keep, name) {
			set = append(set, name+" = s."+name)
		}
	}
	if r.into == "users" || r.into == "sessions" {
		set = append(set, "version = t.version + 1")
	}
	where := ` WHERE t.id = s.id AND ` + r.newer
	if r.guard != "" {
		where += ` AND ` + r.guard
	}
	args := []any{text}
	if len(r.ours) > 0 {
		args = append(args, since)
	}
	if _, err := s.DB.Exec(ctx, `UPDATE better_auth.`+r.into+` t SET `+strings.Join(set, ", ")+from+where, args...); err != nil {
		return fmt.Errorf("change %s: %w", r.into, err)
	}
	return nil
}
