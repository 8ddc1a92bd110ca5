package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/observability"
)

const (
	workers   = 2
	workBatch = 256
	pollEvery = time.Second
	// The first pause of a failed event doubles: twelve attempts are about 23 hours.
	firstPause  = 40 * time.Second
	maxAttempts = 12
	maxReason   = 500 // bytes of an error that are kept
)

// Result is what came of one event.
type Result struct {
	Seq  int64
	Text string
}

// Applier works events off within a transaction and tells what came of each. After
// an error nothing of it is kept.
type Applier interface {
	Apply(ctx context.Context, tx pgx.Tx, events []Event) ([]Result, error)
}

// Worker has the events worked off, in batches and in the order in which they
// came in.
type Worker struct {
	Store   *Store
	Applier Applier
	Log     *slog.Logger
	Now     func() time.Time

	once    sync.Once
	wake    chan struct{}
	metrics *metrics
}

func (w *Worker) init() {
	w.once.Do(func() { w.wake, w.metrics = make(chan struct{}, workers), newMetrics() })
}

// Wake tells that something has come in. It never waits.
func (w *Worker) Wake() {
	w.init()
	for range workers {
		select {
		case w.wake <- struct{}{}:
		default:
			return
		}
	}
}

// Run works until ctx ends; what is under way then is rolled back and comes again.
func (w *Worker) Run(ctx context.Context) {
	w.init()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { w.loop(ctx, w.wake, w.Drain) })
	}
	all.Go(func() { w.loop(ctx, nil, w.RetryDue) })
	all.Wait()
}

// loop calls work until there is none, and then when it is woken, or once a
// second. The log has one line for each change between working and not working.
func (w *Worker) loop(ctx context.Context, wake <-chan struct{}, work func(context.Context) (int, error)) {
	stalled := false
	for ctx.Err() == nil {
		n, err := work(ctx)
		if ctx.Err() != nil {
			return
		}
		if stalled != (err != nil) {
			stalled = err != nil
			w.Log.WarnContext(ctx, "working events off", "stalled", stalled, "err", err)
		}
		switch {
		case err != nil:
			w.metrics.failed(ctx)
			idle(ctx, nil)
		case n == 0:
			idle(ctx, wake)
		}
	}
}

// idle waits for news, or a second.
func idle(ctx context.Context, wake <-chan struct{}) {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
}

// Drain works one batch off and tells how many events it held. When the batch
// cannot be kept, each of its events is tried alone: the bad one is put off, the
// others are done.
func (w *Worker) Drain(ctx context.Context) (int, error) {
	w.init()
	var events []Event
	var results []Result
	err := database.InTx(ctx, w.Store.DB, func(tx pgx.Tx) (err error) {
		if events, err = w.Store.Claim(ctx, tx, workBatch); err != nil || len(events) == 0 {
			return err
		}
		results, err = w.work(ctx, tx, events)
		return err
	})
	switch {
	case err == nil:
		w.metrics.worked(ctx, events, results, w.Now())
		return len(events), nil
	case ctx.Err() != nil, database.Unavailable(err), len(events) == 0:
		return 0, err
	}
	w.Log.WarnContext(ctx, "a batch of events was taken apart", "events", len(events), "err", err)
	for _, e := range events {
		if err := w.one(ctx, e.Seq); err != nil {
			return 0, err
		}
	}
	return len(events), nil
}

// work applies events and marks them as done.
func (w *Worker) work(ctx context.Context, tx pgx.Tx, events []Event) ([]Result, error) {
	results, err := apply(ctx, w.Applier, tx, events)
	if err != nil {
		return nil, err
	}
	return results, w.Store.Finish(ctx, tx, results, w.Now())
}

// apply turns a panic over one event's contents into an error: the process lives on.
func apply(ctx context.Context, a Applier, tx pgx.Tx, events []Event) (results []Result, err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("panic: %v", thrown)
		}
	}()
	return a.Apply(ctx, tx, events)
}

// one works a single event off, or notes that it failed. The error is a database
// that is away.
func (w *Worker) one(ctx context.Context, seq int64) error {
	var events []Event
	var results []Result
	err := database.InTx(ctx, w.Store.DB, func(tx pgx.Tx) (err error) {
		if events, err = w.Store.ClaimOne(ctx, tx, seq); err != nil || len(events) == 0 {
			return err
		}
		results, err = w.work(ctx, tx, events)
		return err
	})
	switch {
	case err == nil:
		w.metrics.worked(ctx, events, results, w.Now())
		return nil
	case ctx.Err() != nil, database.Unavailable(err), len(events) == 0:
		return err
	}
	return w.fail(ctx, events[0], err)
}

// fail puts an event off, or lists it as dead after its last attempt (WH-05).
func (w *Worker) fail(ctx context.Context, e Event, cause error) error {
	f := failure{seq: e.Seq, status: Retry, attempts: e.Attempts + 1, reason: observability.Redact(cause.Error())}
	f.next = w.Now().Add(pauseAfter(f.attempts))
	f.reason = f.reason[:min(len(f.reason), maxReason)]
	if f.attempts >= maxAttempts {
		f.status = Dead
		w.Log.ErrorContext(ctx, "event is dead: look at it and replay it", "event_id", e.ID, "type", e.Type, "object_id", e.ObjectID, "err", cause)
	} else {
		w.Log.WarnContext(ctx, "event failed and is tried again", "event_id", e.ID, "type", e.Type, "attempt", f.attempts, "err", cause)
	}
	return w.Store.Fail(ctx, f)
}

// pauseAfter doubles with every failure, a fifth more or less, so that events that
// failed together do not come back together.
func pauseAfter(attempts int) time.Duration {
	pause := firstPause << (attempts - 1)
	return pause*4/5 + rand.N(pause*2/5)
}

// RetryDue tries the events again whose time has come, each by itself: one of them
// is known to be bad.
func (w *Worker) RetryDue(ctx context.Context) (int, error) {
	w.measure(ctx)
	due, err := w.Store.Due(ctx, w.Now(), workBatch)
	if err != nil {
		return 0, err
	}
	for _, seq := range due {
		if err := w.one(ctx, seq); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

func (w *Worker) measure(ctx context.Context) {
	if b, err := w.Store.Backlog(ctx); err == nil {
		w.metrics.backlog(ctx, b, w.Now())
	}
}
