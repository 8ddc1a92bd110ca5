// Package owner owns the end of an owner: when a user is deleted, everything
// that was kept for him goes.
package owner

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/services/storage/internal/file"
	"github.com/codex-platform/codex/services/storage/internal/object"
	"github.com/codex-platform/codex/services/storage/internal/quota"
)

// Registry ends owners.
type Registry struct {
	DB      database.Beginner
	Quotas  *quota.Store
	Queue   object.Queue
	Objects file.Discarder
}

// PurgeArgs is the job that removes what an owner kept.
type PurgeArgs struct {
	Owner string `json:"owner"`
}

// Kind names the job.
func (PurgeArgs) Kind() string { return "storage.purge_owner" }

// End closes the owner's account, so that nothing can be added any more, and has
// the rest removed by a job. Files go over to the successor, if there is one, however
// much that may keep. It bears repetition.
func (r *Registry) End(ctx context.Context, owner, successor string) error {
	return database.InTx(ctx, r.DB, func(tx pgx.Tx) error {
		if successor != "" && successor != owner {
			if err := r.hand(ctx, tx, owner, successor); err != nil {
				return err
			}
		}
		if err := r.Quotas.Close(ctx, tx, owner); err != nil {
			return err
		}
		return r.Queue.InsertTx(ctx, tx, PurgeArgs{Owner: owner}, nil)
	})
}

// hand makes the files of one owner another's.
func (r *Registry) hand(ctx context.Context, tx pgx.Tx, owner, successor string) error {
	accounts := map[string]quota.Account{}
	for _, id := range slices.Sorted(slices.Values([]string{owner, successor})) { // in one order: two of these never wait for each other
		account, err := r.Quotas.Lock(ctx, tx, id)
		if err != nil {
			return err
		}
		accounts[id] = account
	}
	from, to := accounts[owner], accounts[successor]
	if from.Closed || to.Closed {
		return nil
	}
	sizes, err := handFiles(ctx, tx, owner, successor)
	if err != nil {
		return err
	}
	for _, size := range sizes {
		from.Drop(size)
		to.Inherit(size)
	}
	if err := r.Quotas.Save(ctx, tx, from); err != nil {
		return err
	}
	return r.Quotas.Save(ctx, tx, to)
}

// Purger works the jobs off.
type Purger struct {
	river.WorkerDefaults[PurgeArgs]
	Registry *Registry
}

// Work removes the owner's uploads and files, some at a time, and comes again
// when there are very many. The account stays for a day, closed: a token of the
// user may still be valid for minutes.
func (p *Purger) Work(ctx context.Context, job *river.Job[PurgeArgs]) error {
	const batches = 50
	for range batches {
		done, err := p.Registry.purgeSome(ctx, job.Args.Owner)
		if err != nil || done {
			return err
		}
	}
	return river.JobSnooze(0)
}

// purgeSome removes up to a hundred uploads and files; done tells that none are left.
func (r *Registry) purgeSome(ctx context.Context, owner string) (done bool, err error) {
	const batch = 100
	err = database.InTx(ctx, r.DB, func(tx pgx.Tx) error {
		account, err := r.Quotas.Lock(ctx, tx, owner)
		if err != nil {
			return err
		}
		if !account.Closed {
			// Imported ids may come again; an account in use is not this job's business.
			done = true
			return nil
		}
		uploads, err := takeUploads(ctx, tx, owner, batch)
		if err != nil {
			return err
		}
		files, err := takeFiles(ctx, tx, owner, batch)
		if err != nil {
			return err
		}
		for _, u := range uploads {
			account.Abandon(u.held)
			if err := r.Objects.Discard(ctx, tx, u.key); err != nil {
				return err
			}
		}
		for _, f := range files {
			account.Drop(f.size)
			if err := r.Objects.Discard(ctx, tx, f.key); err != nil {
				return err
			}
		}
		done = len(uploads) < batch && len(files) < batch
		return r.Quotas.Save(ctx, tx, account)
	})
	if err != nil {
		return false, fmt.Errorf("purge an owner: %w", err)
	}
	return done, nil
}
