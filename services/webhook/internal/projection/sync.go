package projection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

const (
	// QueueSync is the queue of questions to Stripe; its few workers are also what
	// keeps us below Stripe's rate limit.
	QueueSync   = "sync"
	syncWorkers = 4
	// syncRounds bounds how often one job asks again because the object changed
	// while it asked.
	syncRounds = 3
	// sweepEvery and sweepAfter find objects whose job was given up.
	sweepEvery = 30 * time.Second
	sweepAfter = 20 * time.Second
	sweepMost  = 500
)

// SyncObject asks Stripe for an object whose state is in doubt. However many events
// made it dirty, one job waits.
type SyncObject struct {
	ObjectKind string `json:"object_kind"`
	ObjectID   string `json:"object_id"`
}

// Kind names the job.
func (SyncObject) Kind() string { return "sync_object" }

// InsertOpts keeps one job of an object.
func (SyncObject) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueSync, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

// SweepObjects looks for dirty objects that no job waits for any more.
type SweepObjects struct{}

// Kind names the job.
func (SweepObjects) Kind() string { return "sweep_objects" }

// InsertOpts keeps one sweep.
func (SweepObjects) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueSync, UniqueOpts: river.UniqueOpts{ByPeriod: sweepEvery}}
}

// Periodic are the jobs that come by themselves.
func Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Every: sweepEvery, AtStart: true, Args: SweepObjects{}}}
}

// Queues are the queues of this package's jobs.
func Queues() map[string]int { return map[string]int{QueueSync: syncWorkers} }

// Fetcher asks Stripe for one object.
type Fetcher interface {
	Fetch(ctx context.Context, kind, id string, expand ...string) (stripe.Snapshot, error)
}

// Syncer asks for dirty objects.
type Syncer struct {
	DB         *pgxpool.Pool
	Projection *Projection
	Stripe     Fetcher
	Log        *slog.Logger
}

// Register adds the workers of this package's jobs.
func (s *Syncer) Register(workers *river.Workers) {
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[SyncObject]) error {
		return s.Sync(ctx, job.Args.ObjectKind, job.Args.ObjectID)
	}))
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, _ *river.Job[SweepObjects]) error {
		return s.Sweep(ctx)
	}))
}

// errMoving is an object that changes faster than we can ask.
var errMoving = errors.New("the object changed each time it was asked for")

// Sync asks for an object and keeps the answer, until nothing that came meanwhile
// leaves it in doubt.
func (s *Syncer) Sync(ctx context.Context, kind, id string) error {
	for range syncRounds {
		settled, err := s.round(ctx, kind, id)
		if err != nil {
			return fmt.Errorf("sync %s: %w", kind, err)
		}
		if settled {
			return nil
		}
	}
	return fmt.Errorf("sync %s: %w", kind, errMoving)
}

// round asks once. The guard is read before the question: if it is unchanged when
// the answer is here, all that we knew was known before Stripe was asked, and the
// answer is the newer, whatever the clocks say.
func (s *Syncer) round(ctx context.Context, kind, id string) (settled bool, err error) {
	before, err := readGuard(ctx, s.DB, id)
	if err != nil {
		return false, err
	}
	answer, err := s.fetch(ctx, kind, id)
	if err != nil {
		return false, err
	}
	err = database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		w := &work{projection: s.Projection, tx: tx}
		if err := w.lock(ctx, map[string]string{id: kind}); err != nil {
			return err
		}
		g := w.guards[id]
		if settled = g.untouched(before); !settled {
			return nil
		}
		g.settle()
		if answer != nil {
			w.replace(g, answer.state())
		}
		return w.keep(ctx)
	})
	return settled, err
}

// replace takes a state that is known to be the newer one.
func (w *work) replace(g *guard, s state) {
	s.from = max(s.from, g.from)
	s.until = max(s.until, s.from)
	if g.empty() || !bytes.Equal(g.digest, s.digest) {
		w.facts[g.id] = s.facts
	}
	g.take(s)
}

// untouched tells whether nobody has written the guard since it was read.
func (g guard) untouched(before guard) bool {
	return g.dirty == before.dirty && g.from == before.from && g.until == before.until && g.event == before.event && bytes.Equal(g.digest, before.digest)
}

// fetch gives nil for an object that Stripe does not know: there is nothing to
// learn of it.
func (s *Syncer) fetch(ctx context.Context, kind, id string) (*Answer, error) {
	snapshot, err := s.Stripe.Fetch(ctx, kind, id)
	if errors.Is(err, stripe.ErrNotFound) {
		s.Log.WarnContext(ctx, "stripe does not know an object that an event named", "kind", kind, "object_id", id)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	facts, err := stripe.Decode(kind, snapshot.Raw, false)
	if err != nil {
		return nil, err
	}
	return &Answer{Kind: kind, Facts: facts, From: snapshot.From, Until: snapshot.Until}, nil
}

// Sweep inserts the jobs of objects that have been dirty for a while; those whose
// job still waits keep it.
func (s *Syncer) Sweep(ctx context.Context) error {
	found, err := dirtySince(ctx, s.DB, s.Projection.Plans.Now().Add(-sweepAfter), sweepMost)
	if err != nil || len(found) == 0 {
		return err
	}
	return database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		for _, o := range found {
			if err := s.Projection.Jobs.InsertTx(ctx, tx, SyncObject{ObjectKind: o.Kind, ObjectID: o.ID}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
