package object

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// DiscardArgs is the job that removes an object which nothing refers to any more.
type DiscardArgs struct {
	Key string `json:"key"`
}

// Kind names the job.
func (DiscardArgs) Kind() string { return "storage.discard_object" }

// Queue is where the jobs of removals go; *jobs.Client is one.
type Queue interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) error
}

// Trash has objects removed.
type Trash struct{ Queue Queue }

// Discard has the object removed once the transaction is committed.
func (t Trash) Discard(ctx context.Context, tx pgx.Tx, key string) error {
	return t.Queue.InsertTx(ctx, tx, DiscardArgs{Key: key}, nil)
}

// Discarder works the jobs off.
type Discarder struct {
	river.WorkerDefaults[DiscardArgs]
	Bucket Bucket
	Files  Holder
}

// Bucket removes whatever there is of a key, finished or not; what is not there
// counts as removed.
type Bucket interface {
	Discard(ctx context.Context, key string) error
}

// Holder knows which objects files are made of.
type Holder interface {
	Holds(ctx context.Context, key string) (bool, error)
}

// Work removes the object, unless a file is made of it. That should never be so;
// the question costs little beside the loss of a file.
func (d *Discarder) Work(ctx context.Context, job *river.Job[DiscardArgs]) error {
	held, err := d.Files.Holds(ctx, job.Args.Key)
	if err != nil || held {
		return err
	}
	return d.Bucket.Discard(ctx, job.Args.Key)
}
