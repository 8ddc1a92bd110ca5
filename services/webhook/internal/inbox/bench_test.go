package inbox_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// The tests' own database does not wait for the disk. For figures that mean
// something name one that does:
//
//	TEST_DATABASE_URL=postgres://... go test -run '^$' -bench . ./internal/inbox

const benchSenders = 64

// eventOf is an event of about 1.3 KB.
func eventOf(round string, n int64) inbox.Event {
	body := fmt.Sprintf(`{"id":"evt_%s_%d","object":"event","type":"customer.updated","created":%d,"data":{"object":{"id":"cus_%d","object":"customer","description":%q}}}`,
		round, n, 1000+n, n%5000, strings.Repeat("x", 1100))
	return inbox.Event{Envelope: stripe.Envelope{ID: fmt.Sprintf("evt_%s_%d", round, n), Type: "customer.updated", Created: 1000 + n,
		ObjectKind: stripe.KindCustomer, ObjectID: fmt.Sprintf("cus_%d", n%5000)}, Payload: []byte(body)}
}

// spread does b.N things from many goroutines and gives how many were done a second.
func spread(b *testing.B, do func(n int64) error) float64 {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for range benchSenders {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := do(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(b.N) / time.Since(begun).Seconds()
}

// BenchmarkAccept compares acknowledged events with rows that are committed one by
// one, by as many senders and over the same number of connections.
func BenchmarkAccept(b *testing.B) {
	store := &inbox.Store{DB: testkit.Postgres(b, migrations.Webhook)}
	box := inbox.New(store, func() {})
	b.ResetTimer()
	single := spread(b, func(n int64) error {
		_, err := store.Insert(context.Background(), []inbox.Event{eventOf("single", n)})
		return err
	})
	batched := spread(b, func(n int64) error { return box.Accept(context.Background(), eventOf("batched", n)) })
	b.StopTimer()
	box.Close()
	b.ReportMetric(batched, "acks/s")
	b.ReportMetric(single, "single/s")
	b.ReportMetric(batched/single, "ratio")
}

// oneByOne hands the events to the projection one by one, each in a transaction of its own.
type oneByOne struct {
	w    *inbox.Worker
	seqs chan int64
}

func (o oneByOne) run(ctx context.Context) error {
	for seq := range o.seqs {
		err := pgx.BeginFunc(ctx, o.w.Store.DB, func(tx pgx.Tx) error {
			events, err := o.w.Store.ClaimOne(ctx, tx, seq)
			if err != nil {
				return err
			}
			results, err := o.w.Applier.Apply(ctx, tx, events)
			if err != nil {
				return err
			}
			return o.w.Store.Finish(ctx, tx, results, time.Now())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkDrain compares working off in batches with one transaction an event,
// two workers each.
func BenchmarkDrain(b *testing.B) {
	db := testkit.Postgres(b, migrations.Webhook)
	w := worker(b, db, time.Now)
	load := func(round string) {
		for from := 0; from < b.N; from += 1000 {
			var events []inbox.Event
			for n := from; n < min(from+1000, b.N); n++ {
				events = append(events, eventOf(round, int64(n)))
			}
			if _, err := w.Store.Insert(context.Background(), events); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ResetTimer()
	b.StopTimer()
	load("batched")
	b.StartTimer()
	batched := timed(b, func() {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() { drain(b, w) })
		}
		all.Wait()
	})
	b.StopTimer()
	load("single")
	rows, _ := db.Query(context.Background(), `SELECT seq FROM billing.stripe_events WHERE status = 0 ORDER BY seq`)
	seqs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		b.Fatal(err)
	}
	o := oneByOne{w, make(chan int64, len(seqs))}
	for _, seq := range seqs {
		o.seqs <- seq
	}
	close(o.seqs)
	single := timed(b, func() {
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if err := o.run(context.Background()); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	})
	b.ReportMetric(batched, "drained/s")
	b.ReportMetric(single, "single/s")
	b.ReportMetric(batched/single, "ratio")
}

func timed(b *testing.B, do func()) float64 {
	begun := time.Now()
	do()
	return float64(b.N) / time.Since(begun).Seconds()
}
