package inbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Entry is an event as an operator sees it.
type Entry struct {
	Seq         int64
	ID          string
	Type        string
	ObjectID    string
	Created     int64
	Status      Status
	Attempts    int
	Result      *string
	LastError   *string
	ReceivedAt  time.Time
	ProcessedAt *time.Time
	NextAt      *time.Time
	APIVersion  string
	Livemode    bool
	Payload     []byte
}

// Filter says which events are meant.
type Filter struct {
	Statuses []Status // empty: all
	Type     string   // empty: all
	IDs      []string // empty: all
	Object   string   // empty: all
	Since    time.Time
	Limit    int
}

// List gives events, the newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Entry, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT seq, event_id, type, object_id, created, status, attempts, result, last_error, received_at, processed_at, next_at, api_version, livemode, payload
		FROM billing.stripe_events
		WHERE (cardinality(@statuses::smallint[]) = 0 OR status = ANY(@statuses)) AND (@type = '' OR type = @type)
			AND (cardinality(@ids::text[]) = 0 OR event_id = ANY(@ids)) AND (@object = '' OR object_id = @object) AND received_at >= @since
		ORDER BY seq DESC LIMIT @limit`, f.args())
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return found, nil
}

func (f Filter) args() pgx.NamedArgs {
	statuses := make([]int16, len(f.Statuses))
	for i, s := range f.Statuses {
		statuses[i] = int16(s)
	}
	return pgx.NamedArgs{"statuses": statuses, "type": f.Type, "ids": append([]string{}, f.IDs...), "object": f.Object, "since": f.Since, "limit": f.Limit}
}

// Replay has events worked off again, with all their attempts. The guards of their
// objects still hold: an old event does not bring an old state back.
func (s *Store) Replay(ctx context.Context, events []Entry) error {
	seqs := make([]int64, len(events))
	for i, e := range events {
		seqs[i] = e.Seq
	}
	_, err := s.DB.Exec(ctx, `
		WITH replayed AS (
			UPDATE billing.stripe_events SET status = 0, attempts = 0, next_at = NULL WHERE seq = ANY($1) AND status IN (1, 2, 3) RETURNING seq)
		SELECT pg_notify($2, '') FROM replayed LIMIT 1`, seqs, Channel)
	if err != nil {
		return fmt.Errorf("replay events: %w", err)
	}
	return nil
}

// statusOf reads a status by its name.
func statusOf(name string) (Status, error) {
	i := slices.Index(statusNames, name)
	if i < 0 {
		return 0, fmt.Errorf("--status is one of %s", strings.Join(statusNames, ", "))
	}
	return Status(i), nil
}

// parse reads the words of a command into a filter. Words that are no flags are ids.
func parse(name string, args []string, more func(*flag.FlagSet)) (Filter, error) {
	var status string
	var since time.Duration
	f := Filter{}
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&status, "status", "", "")
	set.StringVar(&f.Type, "type", "", "")
	set.StringVar(&f.Object, "object", "", "")
	set.DurationVar(&since, "since", 0, "")
	set.IntVar(&f.Limit, "limit", 50, "")
	if more != nil {
		more(set)
	}
	if err := set.Parse(args); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	f.IDs = set.Args()
	if since > 0 {
		f.Since = time.Now().Add(-since)
	}
	if status == "" {
		return f, nil
	}
	one, err := statusOf(status)
	f.Statuses = []Status{one}
	return f, err
}

// ListCommand is `events ls`.
func ListCommand(ctx context.Context, s *Store, args []string, out io.Writer) error {
	f, err := parse("events ls", args, nil)
	if err != nil {
		return err
	}
	found, err := s.List(ctx, f)
	if err != nil {
		return err
	}
	for _, e := range found {
		fmt.Fprintf(out, "%s  %-8s %2d  %-34s %-30s %s  %s\n", e.ReceivedAt.UTC().Format(time.RFC3339), e.Status, e.Attempts, e.ID, e.ObjectID, e.Type, outcome(e))
	}
	return nil
}

func outcome(e Entry) string {
	switch {
	case e.LastError != nil && (e.Status == Retry || e.Status == Dead):
		return *e.LastError
	case e.Result != nil:
		return *e.Result
	}
	return ""
}

// ShowCommand is `events show`. It prints the hash of the payload, not the payload,
// which holds what people told Stripe of themselves.
func ShowCommand(ctx context.Context, s *Store, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("events show takes the id of one event")
	}
	found, err := s.List(ctx, Filter{IDs: args, Limit: 10})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return ErrNotFound
	}
	for _, e := range found {
		show(out, e)
	}
	return nil
}

func show(out io.Writer, e Entry) {
	line := func(name string, value any) { fmt.Fprintf(out, "%-13s %v\n", name, value) }
	line("id", e.ID)
	line("type", e.Type)
	line("object", e.ObjectID)
	line("created", time.Unix(e.Created, 0).UTC().Format(time.RFC3339))
	line("received", e.ReceivedAt.UTC().Format(time.RFC3339Nano))
	if e.ProcessedAt != nil {
		line("processed", e.ProcessedAt.UTC().Format(time.RFC3339Nano))
	}
	line("api version", e.APIVersion)
	line("livemode", e.Livemode)
	line("status", e.Status)
	line("attempts", e.Attempts)
	if e.NextAt != nil && e.Status == Retry {
		line("next attempt", e.NextAt.UTC().Format(time.RFC3339))
	}
	line("outcome", outcome(e))
	line("payload", fmt.Sprintf("%d bytes, sha256 %x", len(e.Payload), sha256.Sum256(e.Payload)))
}

// ReplayCommand is `events replay`: by ids, or by --status, --type, --object and
// --since. With --dry-run it only says which events it would replay. Who replayed
// what is logged.
func ReplayCommand(ctx context.Context, s *Store, log *slog.Logger, who string, args []string, out io.Writer) error {
	dry := false
	f, err := parse("events replay", args, func(set *flag.FlagSet) { set.BoolVar(&dry, "dry-run", false, "") })
	if err != nil {
		return err
	}
	if len(f.IDs) == 0 && len(f.Statuses) == 0 && f.Type == "" && f.Object == "" {
		return errors.New("events replay takes ids, or --status, --type or --object")
	}
	found, err := s.List(ctx, f)
	if err != nil {
		return err
	}
	if len(f.IDs) > len(found) {
		return ErrNotFound
	}
	for _, e := range found {
		fmt.Fprintf(out, "%s  %-8s %s\n", e.ID, e.Status, e.Type)
	}
	if dry {
		return nil
	}
	log.InfoContext(ctx, "events are replayed", "events", len(found), "by", who)
	return s.Replay(ctx, found)
}
