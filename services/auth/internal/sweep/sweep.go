// Package sweep owns what has to be done again and again: rows that are over are
// deleted and signing keys are moved on.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
)

// Every is how often the queue brings the job.
const Every = 10 * time.Minute

// batch bounds one statement, so that sweeping never holds many locks.
const batch = 1000

// Job is one round.
type Job struct{}

// Kind names the job in the queue.
func (Job) Kind() string { return "auth_sweep" }

// Task deletes up to limit rows that are over and tells how many there were.
type Task func(ctx context.Context, limit int) (int64, error)

// Worker is the worker of Job.
type Worker struct {
	river.WorkerDefaults[Job]

	Tasks map[string]Task
	// Tend moves the signing keys on.
	Tend func(ctx context.Context) error
	Log  *slog.Logger
}

// Work does every task until nothing is left of it. One that fails does not keep
// the others from being done.
func (w *Worker) Work(ctx context.Context, _ *river.Job[Job]) error {
	failed := w.Tend(ctx)
	for name, task := range w.Tasks {
		total, err := drain(ctx, task)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("sweep %s: %w", name, err))
		}
		if total > 0 {
			w.Log.InfoContext(ctx, "swept", "what", name, "rows", total)
		}
	}
	return failed
}

func drain(ctx context.Context, task Task) (total int64, err error) {
	for {
		n, err := task(ctx, batch)
		total += n
		if err != nil || n < batch {
			return total, err
		}
	}
}
