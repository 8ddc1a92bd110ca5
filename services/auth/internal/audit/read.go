package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/validation"
)

// Record is an event as it was kept.
type Record struct {
	ID        string
	At        time.Time
	Kind      string
	Outcome   string
	ActorID   string
	UserID    string
	SessionID string
	IPAddress string
	UserAgent string
	RequestID string
	Details   map[string]string
}

// Place is where in the list an event stands.
type Place struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

// ReadCursor reads a place that a page ended with; "" is the start.
func ReadCursor(text string) (*Place, error) {
	if text == "" {
		return nil, nil
	}
	p, err := validation.DecodeCursor[Place](validation.Cursor(text))
	return &p, err
}

// Query says which events are wanted. Empty members do not matter.
type Query struct {
	Kind      string
	UserID    string
	ActorID   string
	RequestID string
	Outcome   string
	From, To  time.Time // To is not included
	After     *Place
	Limit     int
}

// Reader reads the record.
type Reader struct {
	DB database.Querier
}

// Find returns a page of events, the newest first, and where the next page begins;
// "" where there is none.
func (r Reader) Find(ctx context.Context, q Query) ([]Record, validation.Cursor, error) {
	where, args := q.where()
	args["limit"] = q.Limit + 1
	rows, _ := r.DB.Query(ctx, `
		SELECT id, at, kind, outcome, coalesce(actor_id, ''), coalesce(user_id, ''), coalesce(session_id, ''),
		       ip_address, user_agent, request_id, details
		FROM better_auth.audit_events
		WHERE true`+where+`
		ORDER BY at DESC, id DESC
		LIMIT @limit`, args)
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Record, err error) {
		var details []byte
		err = row.Scan(&e.ID, &e.At, &e.Kind, &e.Outcome, &e.ActorID, &e.UserID, &e.SessionID, &e.IPAddress, &e.UserAgent, &e.RequestID, &details)
		if err != nil {
			return e, err
		}
		return e, json.Unmarshal(details, &e.Details)
	})
	if err != nil {
		return nil, "", fmt.Errorf("find audit events: %w", err)
	}
	if len(found) <= q.Limit {
		return found, "", nil
	}
	found = found[:q.Limit]
	last := found[q.Limit-1]
	next, err := validation.EncodeCursor(Place{last.At.UTC(), last.ID})
	return found, next, err
}

// where gives the conditions that are set. Each is an index's, or narrows one.
func (q Query) where() (clause string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{}
	add := func(set bool, name, condition string, value any) {
		if set {
			clause += " AND " + condition
			args[name] = value
		}
	}
	add(q.Kind != "", "kind", "kind = @kind", q.Kind)
	add(q.UserID != "", "user_id", "user_id = @user_id", q.UserID)
	add(q.ActorID != "", "actor_id", "actor_id = @actor_id", q.ActorID)
	add(q.RequestID != "", "request_id", "request_id = @request_id AND request_id <> ''", q.RequestID)
	add(q.Outcome != "", "outcome", "outcome = @outcome", q.Outcome)
	add(!q.From.IsZero(), "from", "at >= @from", q.From)
	add(!q.To.IsZero(), "to", "at < @to", q.To)
	if q.After != nil {
		clause += " AND (at, id) < (@after_at::timestamptz, @after_id::text)"
		args["after_at"], args["after_id"] = q.After.At, q.After.ID
	}
	return clause, args
}
