package inbox_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
	"github.com/codex-platform/codex/services/webhook/internal/projection"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

type noJobs struct{}

func (noJobs) InsertTx(context.Context, pgx.Tx, river.JobArgs, *river.InsertOpts) error { return nil }

// worker works events off into the real projection.
func worker(t testing.TB, db *pgxpool.Pool, now func() time.Time) *inbox.Worker {
	t.Helper()
	var catalogue plan.Catalogue
	if err := catalogue.UnmarshalText([]byte(`[{"key":"free","name":"Free","quota_bytes":1}]`)); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	plans := &plan.Store{DB: db, Catalogue: catalogue, Jobs: noJobs{}, Now: now}
	return &inbox.Worker{Store: &inbox.Store{DB: db}, Log: log, Now: now, Applier: &projection.Projection{DB: db, Plans: plans, Jobs: noJobs{}, Log: log}}
}

func customerEvent(n int, id string) inbox.Event {
	body := fmt.Sprintf(`{"id":"evt_%s","object":"event","type":"customer.updated","created":%d,"data":{"object":{"id":%q,"object":"customer"}}}`, id, n+1, "cus_"+id)
	envelope, err := stripe.ParseEnvelope([]byte(body))
	if err != nil {
		panic(err)
	}
	return inbox.Event{Envelope: envelope, Payload: []byte(body)}
}

func count(t testing.TB, db *pgxpool.Pool, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// One event among a thousand that cannot be worked off: the others are, it is tried
// again with growing pauses, listed as dead, and replayed (WH-05).
func TestWorker_poison(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, migrations.Webhook)
	clock := testkit.NewClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	w := worker(t, db, clock.Now)
	if _, err := db.Exec(t.Context(), `ALTER TABLE billing.customers ADD CONSTRAINT poison CHECK (id <> 'cus_poison')`); err != nil {
		t.Fatal(err)
	}
	var events []inbox.Event
	for n := range 1000 {
		id := fmt.Sprint(n)
		if n == 500 {
			id = "poison"
		}
		events = append(events, customerEvent(n, id))
	}
	if fresh, err := w.Store.Insert(t.Context(), events); err != nil || fresh != 1000 {
		t.Fatalf("Insert = %d, %v", fresh, err)
	}
	drain(t, w)
	if done := count(t, db, `SELECT count(*) FROM billing.stripe_events WHERE status = 1`); done != 999 {
		t.Fatalf("%d done, want 999", done)
	}
	pauses := untilDead(t, w, clock)
	if len(pauses) != 11 {
		t.Errorf("%d pauses, want 11 between 12 attempts", len(pauses))
	}
	var total time.Duration
	for i, p := range pauses {
		total += p
		if i > 0 && p < pauses[i-1]*6/5 {
			t.Errorf("pauses do not grow: %v", pauses)
		}
	}
	if total < 16*time.Hour || total > 30*time.Hour {
		t.Errorf("the attempts take %v, want about a day", total)
	}
	var out bytes.Buffer
	if err := inbox.ListCommand(t.Context(), w.Store, []string{"--status", "dead"}, &out); err != nil || strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "evt_poison") {
		t.Errorf("the list of dead events: %v\n%s", err, out.String())
	}
	replayPoison(t, w, db)
}

// untilDead lets time pass until no attempt is left, and gives the pauses.
func untilDead(t *testing.T, w *inbox.Worker, clock *testkit.Clock) (pauses []time.Duration) {
	t.Helper()
	for count(t, w.Store.DB, `SELECT count(*) FROM billing.stripe_events WHERE status = 2`) == 1 {
		var next time.Time
		if err := w.Store.DB.QueryRow(t.Context(), `SELECT next_at FROM billing.stripe_events WHERE status = 2`).Scan(&next); err != nil {
			t.Fatal(err)
		}
		pause := next.Sub(clock.Now())
		clock.Advance(pause - time.Second)
		if n, err := w.RetryDue(t.Context()); err != nil || n != 0 {
			t.Fatalf("tried %d too early, %v", n, err)
		}
		clock.Advance(2 * time.Second)
		if n, err := w.RetryDue(t.Context()); err != nil || n != 1 {
			t.Fatalf("tried %d, %v", n, err)
		}
		pauses = append(pauses, pause)
	}
	return pauses
}

func replayPoison(t *testing.T, w *inbox.Worker, db *pgxpool.Pool) {
	t.Helper()
	if _, err := db.Exec(t.Context(), `ALTER TABLE billing.customers DROP CONSTRAINT poison`); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	if err := inbox.ReplayCommand(t.Context(), w.Store, log, "grace", []string{"--status", "dead"}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "by=grace") {
		t.Errorf("who replayed is not logged: %s", out.String())
	}
	drain(t, w)
	if done := count(t, db, `SELECT count(*) FROM billing.stripe_events WHERE status = 1`); done != 1000 {
		t.Errorf("%d done after the replay", done)
	}
}

func drain(t testing.TB, w *inbox.Worker) {
	t.Helper()
	for {
		n, err := w.Drain(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// panicking is an applier that one event throws off its feet.
type panicking struct{ inbox.Applier }

func (p panicking) Apply(ctx context.Context, tx pgx.Tx, events []inbox.Event) ([]inbox.Result, error) {
	for _, e := range events {
		if e.ID == "evt_3" {
			panic("index out of range")
		}
	}
	return p.Applier.Apply(ctx, tx, events)
}

func TestWorker_aPanicIsOneEventsOnly(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, migrations.Webhook)
	w := worker(t, db, time.Now)
	w.Applier = panicking{w.Applier}
	for n := range 5 {
		if _, err := w.Store.Insert(t.Context(), []inbox.Event{customerEvent(n, fmt.Sprint(n))}); err != nil {
			t.Fatal(err)
		}
	}
	drain(t, w)
	if done := count(t, db, `SELECT count(*) FROM billing.stripe_events WHERE status = 1`); done != 4 {
		t.Errorf("%d done, want 4", done)
	}
}

// Workers of several processes share the events, without a clash.
func TestWorker_replicasShareTheWork(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, migrations.Webhook)
	store := &inbox.Store{DB: db}
	var events []inbox.Event
	for n := range 1500 { // 50 objects, each with 30 events
		e := customerEvent(n, fmt.Sprintf("%d", n%50))
		e.ID = fmt.Sprint("evt_", n)
		events = append(events, e)
	}
	if _, err := store.Insert(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { drain(t, worker(t, db, time.Now)) })
	}
	all.Wait()
	if done := count(t, db, `SELECT count(*) FROM billing.stripe_events WHERE status = 1`); done != 1500 {
		t.Errorf("%d done", done)
	}
	if wrong := count(t, db, `
		SELECT count(*) FROM billing.stripe_objects o
		WHERE seen_until <> (SELECT max(created) FROM billing.stripe_events e WHERE e.object_id = o.object_id)`); wrong != 0 {
		t.Errorf("%d objects are not at their newest state", wrong)
	}
}

// What one process commits, another hears of.
func TestListen(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, migrations.Webhook)
	woken := make(chan struct{}, 10)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		connect := func(ctx context.Context) (*pgx.Conn, error) { return pgx.ConnectConfig(ctx, db.Config().ConnConfig) }
		inbox.Listen(ctx, connect, slog.New(slog.DiscardHandler), func() { woken <- struct{}{} })
		close(done)
	}()
	<-woken // it listens
	if _, err := (&inbox.Store{DB: db}).Insert(t.Context(), []inbox.Event{customerEvent(1, "1")}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
	case <-time.After(10 * time.Second):
		t.Error("nobody was woken")
	}
	stop()
	<-done
}

func TestInsert_duplicatesInOneBatchAreOne(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, migrations.Webhook)
	e := customerEvent(1, "1")
	fresh, err := (&inbox.Store{DB: db}).Insert(t.Context(), []inbox.Event{e, e, e})
	if err != nil || fresh != 1 {
		t.Errorf("Insert = %d, %v; want 1", fresh, err)
	}
}
