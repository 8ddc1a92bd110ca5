package takeover

import (
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
}

// Mark reads how far a table has come; the zero Mark begins, or begins again.
func (s Store) Mark(ctx context.Context, source, relation string) (Mark, error) {
	var m Mark
	err := s.DB.QueryRow(ctx, `
		SELECT last_id, taken, left_out FROM better_auth.takeovers
		WHERE source = $1 AND relation = $2 AND last_id <> ''`, source, relation).Scan(&m.LastID, &m.Taken, &m.LeftOut)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Mark{}, fmt.Errorf("read mark: %w", err)
	}
	return m, nil
}

// Set notes how far a table has come.
func (s Store) Set(ctx context.Context, source, relation string, m Mark, now time.Time) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO better_auth.takeovers (source, relation, last_id, taken, left_out, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (source, relation) DO UPDATE
		SET last_id = EXCLUDED.last_id, taken = EXCLUDED.taken, left_out = EXCLUDED.left_out, updated_at = EXCLUDED.updated_at`,
		source, relation, m.LastID, m.Taken, m.LeftOut, now)
	if err != nil {
		return fmt.Errorf("set mark: %w", err)
	}
	return nil
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

// write inserts rows that are new, changes those that are newer, and gives the keys
// of those that are not here now.
func (s Store) write(ctx context.Context, r relation, rows []columns) (missing []lost, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	content, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", r.into, err)
	}
	text, names := string(content), slices.Sorted(maps.Keys(rows[0]))
	from := ` FROM jsonb_populate_recordset(NULL::better_auth.` + r.into + `, $1::jsonb) s `
	owner := `true`
	if r.owned {
		owner = `EXISTS (SELECT FROM better_auth.users u WHERE u.id = s.user_id)`
	}
	// Whatever is in a row's place here stays: it may have been changed since.
	_, err = s.DB.Exec(ctx, `INSERT INTO better_auth.`+r.into+` (`+strings.Join(names, ", ")+`) SELECT s.`+strings.Join(names, ", s.")+from+
		`WHERE `+owner+` ON CONFLICT DO NOTHING`, text)
	if err != nil {
		return nil, fmt.Errorf("insert %s: %w", r.into, err)
	}
	if r.newer != "" {
		if err := s.change(ctx, r, names, from, text); err != nil {
			return nil, err
		}
	}
	key := r.keyed()
	found, _ := s.DB.Query(ctx, `
		SELECT s.`+key+`::text, CASE WHEN `+owner+` THEN 'something else has its place here: address, name, link or key' ELSE 'it belongs to nobody who was taken' END`+from+`
		WHERE NOT EXISTS (SELECT FROM better_auth.`+r.into+` t WHERE t.`+key+` = s.`+key+`)`, text)
	missing, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (one lost, err error) {
		return one, row.Scan(&one.id, &one.reason)
	})
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", r.into, err)
	}
	return missing, nil
}

// change brings rows up to the source's where it is newer.
func (s Store) change(ctx context.Context, r relation, names []string, from, text string) error {
	var set []string
	for _, name := range names {
		if name != "id" && name != "created_at" && !slices.Contains(r.keep, name) {
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
	if _, err := s.DB.Exec(ctx, `UPDATE better_auth.`+r.into+` t SET `+strings.Join(set, ", ")+from+where, text); err != nil {
		return fmt.Errorf("change %s: %w", r.into, err)
	}
	return nil
}
