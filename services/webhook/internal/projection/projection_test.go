package projection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/stripetest"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
	"github.com/codex-platform/codex/services/webhook/internal/projection"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

const plans = `[{"key":"free","name":"Free","quota_bytes":1},{"key":"pro","name":"Pro","lookup_key":"pro_monthly","quota_bytes":100}]`

var morning = time.Date(2030, 1, 1, 8, 0, 0, 0, time.UTC)

// queue is a job queue that somebody works off by hand.
type queue struct {
	mu    sync.Mutex
	syncs map[string]projection.SyncObject
	calls []jobs.Call
}

func (q *queue) InsertTx(_ context.Context, _ pgx.Tx, args river.JobArgs, _ *river.InsertOpts) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch a := args.(type) {
	case projection.SyncObject:
		q.syncs[a.ObjectID] = a
	case jobs.Call:
		q.calls = append(q.calls, a)
	}
	return nil
}

// take gives the waiting questions and forgets them.
func (q *queue) take() []projection.SyncObject {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := slices.Collect(maps.Values(q.syncs))
	q.syncs = map[string]projection.SyncObject{}
	return waiting
}

// state is a projection with a database of its own, fed by hand.
type state struct {
	t      testing.TB
	db     *pgxpool.Pool
	queue  *queue
	inbox  *inbox.Store
	worker *inbox.Worker
	syncer *projection.Syncer
	whole  *projection.Projection
	reads  int
	stripe projection.Fetcher
}

func newState(t testing.TB, fetcher projection.Fetcher) *state {
	t.Helper()
	var catalogue plan.Catalogue
	if err := catalogue.UnmarshalText([]byte(plans)); err != nil {
		t.Fatal(err)
	}
	s := &state{t: t, db: testkit.Postgres(t, migrations.Webhook), queue: &queue{syncs: map[string]projection.SyncObject{}}, stripe: fetcher}
	log := slog.New(slog.DiscardHandler)
	now := func() time.Time { return morning }
	store := &plan.Store{DB: s.db, Catalogue: catalogue, Jobs: s.queue, Now: now}
	s.whole = &projection.Projection{DB: s.db, Plans: store, Jobs: s.queue, Log: log}
	s.syncer = &projection.Syncer{DB: s.db, Projection: s.whole, Stripe: s, Log: log}
	s.inbox = &inbox.Store{DB: s.db}
	s.worker = &inbox.Worker{Store: s.inbox, Applier: s.whole, Log: log, Now: now}
	return s
}

// Fetch counts the questions.
func (s *state) Fetch(ctx context.Context, kind, id string, expand ...string) (stripe.Snapshot, error) {
	s.reads++
	return s.stripe.Fetch(ctx, kind, id, expand...)
}

func (s *state) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(context.Background(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

// insert puts events into the inbox, in the order given.
func (s *state) insert(bodies ...[]byte) {
	s.t.Helper()
	for _, body := range bodies {
		e, err := stripe.ParseEnvelope(body)
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.inbox.Insert(context.Background(), []inbox.Event{{Envelope: e, Payload: body}}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// drain works everything off that waits.
func (s *state) drain() {
	s.t.Helper()
	for {
		n, err := s.worker.Drain(context.Background())
		if err != nil {
			s.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// ask asks Stripe all that is to be asked.
func (s *state) ask() {
	s.t.Helper()
	for waiting := s.queue.take(); len(waiting) > 0; waiting = s.queue.take() {
		for _, job := range waiting {
			if err := s.syncer.Sync(context.Background(), job.ObjectKind, job.ObjectID); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// apply is insert, drain for each event alone.
func (s *state) apply(bodies ...[]byte) {
	s.t.Helper()
	for _, body := range bodies {
		s.insert(body)
		s.drain()
	}
}

// results are what came of the events, in their order.
func (s *state) results() string {
	s.t.Helper()
	rows, _ := s.db.Query(context.Background(), `SELECT coalesce(result, 'none') FROM billing.stripe_events ORDER BY seq`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(all, " ")
}

var tables = []string{"customers", "prices", "subscriptions", "subscription_items", "invoices", "invoice_payments", "payments", "charges", "disputes"}

// dump writes the whole state down, but when it came about and how.
func (s *state) dump() string {
	s.t.Helper()
	var b strings.Builder
	for _, table := range tables {
		s.dumpTable(&b, `SELECT to_jsonb(t) - '{updated_at}'::text[] FROM billing.`+table+` t ORDER BY id`, table)
	}
	s.dumpTable(&b, `SELECT to_jsonb(t) - '{version,updated_at}'::text[] FROM billing.plan_state t ORDER BY user_id`, "plan_state")
	return b.String()
}

func (s *state) dumpTable(b *strings.Builder, query, table string) {
	s.t.Helper()
	rows, _ := s.db.Query(context.Background(), query)
	all, err := pgx.CollectRows(rows, pgx.RowTo[json.RawMessage])
	if err != nil {
		s.t.Fatal(err)
	}
	for _, row := range all {
		var m map[string]any
		if err := json.Unmarshal(row, &m); err != nil {
			s.t.Fatal(err)
		}
		if table == "customers" {
			delete(m, "created_at") // ours, not Stripe's
		}
		line, _ := json.Marshal(m)
		fmt.Fprintf(b, "%s %s\n", table, line)
	}
}

// scenario lives two people's lives at a stand-in whose clock moves by nothing, one
// or two seconds from step to step, so that many events share a second.
func scenario(t *testing.T, seed uint64) (events [][]byte, customers map[string]string, fetcher projection.Fetcher) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	clock := testkit.NewClock(morning)
	s := testkit.Stripe(t, stripetest.Options{Now: clock.Now})
	calls := stripe.New(stripe.Options{Key: s.SecretKey(), URL: s.URL, Now: clock.Now})
	step := func(do func()) {
		do()
		clock.Advance(time.Duration(random.IntN(3)) * time.Second)
	}
	customers = map[string]string{}
	for _, user := range []string{"ada", "bob"} {
		customer, err := calls.CreateCustomer(t.Context(), stripe.Buyer{UserID: user}, "")
		if err != nil {
			t.Fatal(err)
		}
		customers[user] = customer
		price, err := calls.PriceByLookupKey(t.Context(), "pro_monthly")
		if err != nil {
			t.Fatal(err)
		}
		session, err := calls.CreateCheckout(t.Context(), stripe.Purchase{UserID: user, CustomerID: customer, Plan: "pro", PriceID: price, SuccessURL: "http://x/", CancelURL: "http://x/"})
		if err != nil {
			t.Fatal(err)
		}
		step(func() { s.Decline(session.ID) })
		step(func() { s.Pay(session.ID) })
		bought, _, err := calls.Checkout(t.Context(), session.ID)
		if err != nil {
			t.Fatal(err)
		}
		charge := chargeOf(s.Events())
		step(func() { s.Renew(bought.SubscriptionID, true) })
		step(func() { s.Renew(bought.SubscriptionID, false) })
		step(func() { s.Refund(charge, 200) })
		step(func() { s.Refund(charge, 300) })
		var dispute string
		step(func() { dispute = s.Dispute(charge) })
		step(func() { s.CloseDispute(dispute, random.IntN(2) == 0) })
		if user == "bob" {
			step(func() { s.CancelAtPeriodEnd(bought.SubscriptionID, true) })
			step(func() { s.CancelAtPeriodEnd(bought.SubscriptionID, false) })
			step(func() { s.CancelAtPeriodEnd(bought.SubscriptionID, true) })
			step(func() { s.Renew(bought.SubscriptionID, false) })
		}
	}
	for _, e := range s.Events() {
		events = append(events, e.Body)
	}
	clock.Advance(10 * time.Second)
	return events, customers, calls
}

// chargeOf gives the charge that succeeded last.
func chargeOf(events []stripetest.Event) (id string) {
	for _, e := range events {
		if e.Type == "charge.succeeded" {
			envelope, err := stripe.ParseEnvelope(e.Body)
			if err == nil {
				id = envelope.ObjectID
			}
		}
	}
	return id
}

// Whatever the order, whatever comes twice, whatever is worked off together and
// whenever Stripe is asked: the state ends as it does in order, and as Stripe has it
// (WH-04).
func TestApply_anyOrderEndsInOneState(t *testing.T) {
	t.Parallel()
	seeds := uint64(4)
	if os.Getenv("CODEX_SOAK") == "1" {
		seeds = 150
	}
	reads, all := 0, 0
	for seed := range seeds {
		events, customers, fetcher := scenario(t, seed)
		inOrder := newState(t, fetcher)
		inOrder.bind(customers)
		inOrder.apply(events...)
		inOrder.ask()
		want := inOrder.dump()

		shuffled := newState(t, fetcher)
		shuffled.bind(customers)
		shuffled.shuffle(seed, events)
		if got := shuffled.dump(); got != want {
			t.Fatalf("seed %d: shuffled and in order differ\n%s", seed, difference(want, got))
		}
		shuffled.isStripes(fetcher)
		if !strings.Contains(want, `"plan_key":"pro"`) || !strings.Contains(want, `"plan_key":"free"`) {
			t.Fatalf("the scenario does not end as it should:\n%s", want)
		}
		reads, all = reads+shuffled.reads, all+len(events)
	}
	t.Logf("%d orders of %d events on average, %.1f questions to Stripe for 100 events", seeds, all/int(seeds), 100*float64(reads)/float64(all))
}

// bind makes the customers known, as a checkout does before anything is bought.
func (s *state) bind(customers map[string]string) {
	for user, id := range customers {
		s.exec(`INSERT INTO billing.customers (id, user_id) VALUES ($1, $2)`, id, user)
	}
}

// shuffle delivers the events, and some of them again, in any order and in batches
// of any length, and asks Stripe now and then.
func (s *state) shuffle(seed uint64, events [][]byte) {
	random := rand.New(rand.NewPCG(seed, 2))
	bag := slices.Concat(events, events[:len(events)/3])
	random.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
	for _, body := range bag {
		s.insert(body)
		switch random.IntN(6) {
		case 0:
			s.drain()
		case 1:
			s.drain()
			s.ask()
		}
	}
	s.drain()
	s.ask()
	s.exec(`UPDATE billing.stripe_events SET status = 0 WHERE status = 1 AND seq % 2 = 0`) // a replay
	s.drain()
	s.ask()
}

// isStripes checks that every object is as Stripe has it.
func (s *state) isStripes(fetcher projection.Fetcher) {
	s.t.Helper()
	rows, _ := s.db.Query(context.Background(), `SELECT object_id, kind, digest FROM billing.stripe_objects`)
	type known struct {
		ID, Kind string
		Digest   []byte
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[known])
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range all {
		snapshot, err := fetcher.Fetch(context.Background(), o.Kind, o.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		facts, err := stripe.Decode(o.Kind, snapshot.Raw, false)
		if err != nil || !bytes.Equal(stripe.Digest(facts), o.Digest) {
			s.t.Errorf("%s is not as Stripe has it: %+v, %v", o.ID, facts, err)
		}
	}
}

func difference(want, got string) string {
	var b strings.Builder
	has := func(lines []string, line string) bool { return slices.Contains(lines, line) }
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range wanted {
		if !has(gotten, line) {
			fmt.Fprintln(&b, "want", line)
		}
	}
	for _, line := range gotten {
		if !has(wanted, line) {
			fmt.Fprintln(&b, "got ", line)
		}
	}
	return b.String()
}
