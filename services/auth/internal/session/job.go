package session

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// EndedJob tells the cache and the gateways once more that sessions ended, after
// Redis could not be told at once.
type EndedJob struct {
	Ended []Ended `json:"ended"`
	// Until is when nothing is left to be told: cached sessions and access
	// tokens are over by themselves.
	Until time.Time `json:"until"`
}

// Kind names the job in the queue.
func (EndedJob) Kind() string { return "auth_sessions_ended" }

// EndedWorker is the worker of EndedJob.
type EndedWorker struct {
	river.WorkerDefaults[EndedJob]

	Sessions *Registry
}

// Work tells, unless it is too late to matter.
func (w *EndedWorker) Work(ctx context.Context, job *river.Job[EndedJob]) error {
	if w.Sessions.Now().After(job.Args.Until) {
		return nil
	}
	return w.Sessions.Tell(ctx, job.Args.Ended)
}
