// Package inbox owns the events that Stripe sends: it takes them in and has them
// worked off. It does not know what an event means; see the package projection.
//
// An event is acknowledged only after it is a committed row (WH-03), so whatever
// happens to the process afterwards, it is there. Everything before the commit is
// Stripe's to send again. Rows are committed in small batches, because the commit
// is what costs: under load a batch is as long as the commit before it took, and
// alone an event waits for nobody.
//
// What happens when something goes wrong:
//
//   - PostgreSQL is away or slow: 503 with Retry-After within two seconds. Stripe
//     sends again for three days.
//   - More comes than can be committed: the queue and its bytes are bounded, what
//     does not fit is answered 503.
//   - One event cannot be worked off: it is tried again with growing pauses, twelve
//     times in about a day, then listed as dead for an operator to look at
//     (`webhook events ls --status dead`) and replay. It holds up no other event.
//   - A process dies while it works on events: its transaction is gone with it, and
//     another process takes them up.
package inbox

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

const (
	queueLength = 4096
	queueBytes  = 64 << 20
	batchLength = 256
	batchBytes  = 8 << 20
	committers  = 2
	// answerWithin bounds the wait for the commit. An event whose answer was given
	// up may still be committed; Stripe's next attempt then is a duplicate.
	answerWithin = 1800 * time.Millisecond
	// commitWithin bounds one commit.
	commitWithin = 5 * time.Second
)

// ErrOverflow means that more comes in than can be committed.
var ErrOverflow = problem.New(http.StatusServiceUnavailable, "INBOX_FULL",
	"More events come in than can be stored: send this one again").WithRetryAfter(2 * time.Second)

// Event is one event as it is kept.
type Event struct {
	stripe.Envelope
	Seq      int64
	Status   Status
	Attempts int
	Payload  []byte // the raw bytes, as signed
}

// Keeper commits events and tells how many of them were new.
type Keeper interface {
	Insert(ctx context.Context, events []Event) (fresh int, err error)
}

// Inbox takes events in. Close ends it.
type Inbox struct {
	keeper  Keeper
	metrics *metrics
	wake    func()

	queue   chan *delivery
	bytes   atomic.Int64 // of all payloads in the queue and in commits
	working sync.WaitGroup

	mu     sync.RWMutex // against a send on the closed queue
	closed bool
}

// delivery is an event whose sender waits.
type delivery struct {
	event Event
	done  chan error
}

// New starts an inbox. wake is called after each commit that brought something new.
func New(keeper Keeper, wake func()) *Inbox {
	i := &Inbox{keeper: keeper, metrics: newMetrics(), wake: wake, queue: make(chan *delivery, queueLength)}
	for range committers {
		i.working.Go(i.commitAll)
	}
	return i
}

// Close takes no more events and waits until those taken are committed or refused.
func (i *Inbox) Close() {
	i.mu.Lock()
	if !i.closed {
		i.closed = true
		close(i.queue)
	}
	i.mu.Unlock()
	i.working.Wait()
}

// Accept returns nil once the event is durable, be it by this delivery or by an
// earlier one. Any error means: send it again.
func (i *Inbox) Accept(ctx context.Context, e Event) error {
	d := &delivery{event: e, done: make(chan error, 1)}
	if !i.enqueue(d) {
		return ErrOverflow
	}
	late := time.NewTimer(answerWithin)
	defer late.Stop()
	select {
	case err := <-d.done:
		return err
	case <-late.C:
		return problem.Unavailable
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (i *Inbox) enqueue(d *delivery) bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	size := int64(len(d.event.Payload))
	if i.closed || i.bytes.Add(size) > queueBytes {
		i.bytes.Add(-size)
		return false
	}
	select {
	case i.queue <- d:
		return true
	default:
		i.bytes.Add(-size)
		return false
	}
}

// commitAll commits what is there, again and again, until the queue is closed.
func (i *Inbox) commitAll() {
	for d := range i.queue {
		i.commit(i.fill(d))
	}
}

// fill adds what already waits; it waits for nothing itself.
func (i *Inbox) fill(d *delivery) []*delivery {
	batch, size := []*delivery{d}, len(d.event.Payload)
	for len(batch) < batchLength && size < batchBytes {
		select {
		case next, open := <-i.queue:
			if !open {
				return batch
			}
			batch, size = append(batch, next), size+len(next.event.Payload)
		default:
			return batch
		}
	}
	return batch
}

// commit stores a batch. When the database takes offence at one of its rows, each
// row is tried alone, so that one bad event does not refuse its neighbours.
func (i *Inbox) commit(batch []*delivery) {
	err := i.insert(batch)
	for _, d := range batch {
		if err != nil && len(batch) > 1 && !database.Unavailable(err) {
			d.done <- i.insert([]*delivery{d})
		} else {
			d.done <- err
		}
		i.bytes.Add(-int64(len(d.event.Payload)))
	}
}

func (i *Inbox) insert(batch []*delivery) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	events := make([]Event, len(batch))
	for n, d := range batch {
		events[n] = d.event
	}
	begun := time.Now()
	fresh, err := i.keeper.Insert(ctx, events)
	i.metrics.committed(ctx, len(batch), fresh, time.Since(begun), err)
	if fresh > 0 {
		i.wake()
	}
	return err
}
