package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/database"
)

// Channel is what PostgreSQL notifies when events have come in.
const Channel = "codex_stripe_events"

// Status is how far an event is.
type Status int16

// The statuses, as they stand in the table.
const (
	Received Status = iota
	Done
	Retry
	Dead
	Ignored
)

var statusNames = []string{"received", "done", "retry", "dead", "ignored"}

// String names the status.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return fmt.Sprint(int16(s))
	}
	return statusNames[s]
}

// ErrNotFound means that there is no such event.
var ErrNotFound = errors.New("no such event")

// Store keeps the events.
type Store struct{ DB *pgxpool.Pool }

// Insert commits events, those that are there already left out, and tells how
// many were new. One statement, one commit. ON CONFLICT settles the race of two
// copies of an event, also within the batch: the first makes the row, the others
// find it. All batches insert in one order, or two with the same events could wait
// for each other.
func (s *Store) Insert(ctx context.Context, events []Event) (fresh int, err error) {
	c := columnsOf(events)
	err = s.DB.QueryRow(ctx, `
		WITH kept AS (
			INSERT INTO billing.stripe_events (account, livemode, event_id, type, api_version, created, object_kind, object_id, status, payload)
			SELECT account, livemode, event_id, type, api_version, created, object_kind, object_id, status, payload
			FROM unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::smallint[], $10::bytea[])
				AS e (account, livemode, event_id, type, api_version, created, object_kind, object_id, status, payload)
			ON CONFLICT (event_id, account, livemode) DO NOTHING
			RETURNING seq)
		SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify($11, '')::text END FROM kept`,
		c.account, c.livemode, c.id, c.kind, c.version, c.created, c.objectKind, c.objectID, c.status, c.payload, Channel).Scan(&fresh, nil)
	if err != nil {
		return 0, fmt.Errorf("insert %d events: %w", len(events), err)
	}
	return fresh, nil
}

// columns are events turned by a quarter, for unnest.
type columns struct {
	account, id, kind, version, objectKind, objectID []string
	livemode                                         []bool
	created                                          []int64
	status                                           []int16
	payload                                          [][]byte
}

func columnsOf(events []Event) columns {
	var c columns
	for _, e := range slices.SortedStableFunc(slices.Values(events), func(a, b Event) int { return cmp.Compare(a.ID, b.ID) }) {
		c.account, c.id, c.kind = append(c.account, e.Account), append(c.id, e.ID), append(c.kind, e.Type)
		c.version, c.created = append(c.version, e.APIVersion), append(c.created, e.Created)
		c.objectKind, c.objectID = append(c.objectKind, e.ObjectKind), append(c.objectID, e.ObjectID)
		c.livemode, c.status, c.payload = append(c.livemode, e.Livemode), append(c.status, int16(e.Status)), append(c.payload, e.Payload)
	}
	return c
}

const eventColumns = `seq, account, livemode, event_id, type, api_version, created, object_kind, object_id, status, attempts, payload`

func collect(rows pgx.Rows) ([]Event, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Event, err error) {
		err = row.Scan(&e.Seq, &e.Account, &e.Livemode, &e.ID, &e.Type, &e.APIVersion, &e.Created, &e.ObjectKind, &e.ObjectID,
			&e.Status, &e.Attempts, &e.Payload)
		return e, err
	})
}

// Claim takes the oldest events that nobody has worked on. SKIP LOCKED keeps
// other workers, here and in other processes, off the same rows: they belong to
// tx until it ends, and to nobody when its process dies.
func (s *Store) Claim(ctx context.Context, tx pgx.Tx, most int) ([]Event, error) {
	rows, _ := tx.Query(ctx, `
		SELECT `+eventColumns+` FROM billing.stripe_events
		WHERE status = 0 ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED`, most)
	events, err := collect(rows)
	if err != nil {
		return nil, fmt.Errorf("claim events: %w", err)
	}
	return events, nil
}

// ClaimOne takes one event that still waits; none when another worker has it.
func (s *Store) ClaimOne(ctx context.Context, tx pgx.Tx, seq int64) ([]Event, error) {
	rows, _ := tx.Query(ctx, `
		SELECT `+eventColumns+` FROM billing.stripe_events
		WHERE seq = $1 AND status IN (0, 2) FOR UPDATE SKIP LOCKED`, seq)
	events, err := collect(rows)
	if err != nil {
		return nil, fmt.Errorf("claim event: %w", err)
	}
	return events, nil
}

// Due lists events whose next attempt has come.
func (s *Store) Due(ctx context.Context, now time.Time, most int) ([]int64, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT seq FROM billing.stripe_events WHERE status = 2 AND next_at <= $1 ORDER BY next_at LIMIT $2`, now, most)
	due, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("list due events: %w", err)
	}
	return due, nil
}

// Finish marks events as worked off, with what came of each.
func (s *Store) Finish(ctx context.Context, q database.Querier, results []Result, now time.Time) error {
	seqs, texts := make([]int64, len(results)), make([]string, len(results))
	for i, r := range results {
		seqs[i], texts[i] = r.Seq, r.Text
	}
	_, err := q.Exec(ctx, `
		UPDATE billing.stripe_events e
		SET status = 1, processed_at = $3, result = r.result, next_at = NULL, last_error = NULL
		FROM unnest($1::bigint[], $2::text[]) AS r (seq, result)
		WHERE e.seq = r.seq`, seqs, texts, now)
	if err != nil {
		return fmt.Errorf("mark events as done: %w", err)
	}
	return nil
}

// failure is what becomes of an event that could not be worked off.
type failure struct {
	seq      int64
	status   Status // Retry or Dead
	attempts int
	next     time.Time
	reason   string
}

// Fail notes that an event could not be worked off.
func (s *Store) Fail(ctx context.Context, f failure) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE billing.stripe_events SET status = @status, attempts = @attempts, next_at = @next, last_error = @reason
		WHERE seq = @seq AND status IN (0, 2)`,
		pgx.NamedArgs{"seq": f.seq, "status": int16(f.status), "attempts": f.attempts, "next": f.next, "reason": f.reason})
	if err != nil {
		return fmt.Errorf("note the failure of an event: %w", err)
	}
	return nil
}

// Backlog is how much waits.
type Backlog struct {
	Waiting int64
	Oldest  *time.Time // when the oldest of them came in
	Dead    int64
}

// Backlog counts what waits and what is dead; the counts end at a thousand.
func (s *Store) Backlog(ctx context.Context) (Backlog, error) {
	var b Backlog
	err := s.DB.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM (SELECT 1 FROM billing.stripe_events WHERE status = 0 LIMIT 1000) w),
			(SELECT received_at FROM billing.stripe_events WHERE status = 0 ORDER BY seq LIMIT 1),
			(SELECT count(*) FROM (SELECT 1 FROM billing.stripe_events WHERE status = 3 LIMIT 1000) d)`).
		Scan(&b.Waiting, &b.Oldest, &b.Dead)
	if err != nil {
		return Backlog{}, fmt.Errorf("count events: %w", err)
	}
	return b, nil
}
