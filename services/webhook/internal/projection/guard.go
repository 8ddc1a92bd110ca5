package projection

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

const guardColumns = `object_id, kind, seen_from, seen_until, rank, terminal, progress, digest, last_event_id, dirty_seq, synced_seq`

func collectGuards(rows pgx.Rows) ([]*guard, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*guard, error) {
		var g guard
		err := row.Scan(&g.id, &g.kind, &g.from, &g.until, &g.rank, &g.terminal, &g.progress, &g.digest, &g.event, &g.dirty, &g.synced)
		return &g, err
	})
}

// lockGuards makes the guards that are missing and locks all of them, in the order
// of their ids: whoever else works on one of these objects waits here, before it
// has written anything. DO NOTHING waits for a guard that another transaction is
// making, and then finds it.
func lockGuards(ctx context.Context, tx pgx.Tx, kinds map[string]string) (map[string]*guard, error) {
	ids := sortedKeys(kinds)
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = kinds[id]
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO billing.stripe_objects (object_id, kind)
		SELECT id, kind FROM unnest($1::text[], $2::text[]) AS o (id, kind) ORDER BY id
		ON CONFLICT (object_id) DO NOTHING`, ids, names)
	if err != nil {
		return nil, fmt.Errorf("make guards: %w", err)
	}
	rows, _ := tx.Query(ctx, `
		SELECT `+guardColumns+` FROM billing.stripe_objects WHERE object_id = ANY($1) ORDER BY object_id FOR UPDATE`, ids)
	locked, err := collectGuards(rows)
	if err != nil {
		return nil, fmt.Errorf("lock guards: %w", err)
	}
	guards := make(map[string]*guard, len(locked))
	for _, g := range locked {
		guards[g.id] = g
	}
	return guards, nil
}

// readGuard gives the guard of an object as it is, unlocked; an empty one when
// there is none.
func readGuard(ctx context.Context, q database.Querier, id string) (guard, error) {
	rows, _ := q.Query(ctx, `SELECT `+guardColumns+` FROM billing.stripe_objects WHERE object_id = $1`, id)
	found, err := collectGuards(rows)
	if err != nil {
		return guard{}, fmt.Errorf("read guard: %w", err)
	}
	if len(found) == 0 {
		return guard{id: id}, nil
	}
	return *found[0], nil
}

// saveGuards writes those of the locked guards that have changed.
func saveGuards(ctx context.Context, tx pgx.Tx, guards map[string]*guard, now time.Time) error {
	var id, event []string
	var from, until, progress, dirty, synced []int64
	var rank []int16
	var terminal []bool
	var digest [][]byte
	for _, key := range sortedKeys(guards) {
		g := guards[key]
		if !g.changed {
			continue
		}
		id, event, rank, terminal, digest = append(id, g.id), append(event, g.event), append(rank, int16(g.rank)), append(terminal, g.terminal), append(digest, g.digest)
		from, until, progress = append(from, g.from), append(until, g.until), append(progress, g.progress)
		dirty, synced = append(dirty, g.dirty), append(synced, g.synced)
	}
	if len(id) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE billing.stripe_objects o
		SET seen_from = g.seen_from, seen_until = g.seen_until, rank = g.rank, terminal = g.terminal, progress = g.progress, digest = g.digest,
			last_event_id = g.event, dirty_seq = g.dirty, synced_seq = g.synced,
			dirty_at = CASE WHEN g.dirty > g.synced THEN coalesce(o.dirty_at, $11) END
		FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::smallint[], $5::boolean[], $6::bigint[], $7::bytea[], $8::text[], $9::bigint[], $10::bigint[])
			AS g (id, seen_from, seen_until, rank, terminal, progress, digest, event, dirty, synced)
		WHERE o.object_id = g.id`,
		id, from, until, rank, terminal, progress, digest, event, dirty, synced, now)
	if err != nil {
		return fmt.Errorf("save guards: %w", err)
	}
	return nil
}

// dirtyObject names an object that Stripe should have been asked for.
type dirtyObject struct {
	ID, Kind string
}

// dirtySince lists objects that have been dirty since before a time.
func dirtySince(ctx context.Context, q database.Querier, before time.Time, most int) ([]dirtyObject, error) {
	rows, _ := q.Query(ctx, `
		SELECT object_id, kind FROM billing.stripe_objects
		WHERE dirty_seq > synced_seq AND dirty_at < $1 ORDER BY dirty_at LIMIT $2`, before, most)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[dirtyObject])
	if err != nil {
		return nil, fmt.Errorf("list dirty objects: %w", err)
	}
	return found, nil
}
