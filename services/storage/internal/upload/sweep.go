package upload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/pkg/database"
)

// SweepEvery is how often the sweeper looks for uploads whose process died.
const SweepEvery = 10 * time.Second

// SweepArgs is the job of the sweeper, which comes by itself.
type SweepArgs struct{}

// Kind names the job.
func (SweepArgs) Kind() string { return "storage.sweep_uploads" }

// Sweeper ends the uploads that nobody renews.
type Sweeper struct {
	river.WorkerDefaults[SweepArgs]
	Store *Store
}

// Work ends all of them, and forgets the accounts that are no longer needed.
func (s *Sweeper) Work(ctx context.Context, _ *river.Job[SweepArgs]) error {
	if err := s.Store.Sweep(ctx); err != nil {
		return err
	}
	return s.Store.Quotas.ForgetClosed(ctx)
}

// expired is an upload whose lease is over.
type expired struct {
	ID    uuid.UUID
	Owner string
}

// Sweep ends the uploads whose lease is over: what they reserved is given back,
// and their objects, whole or in parts, are removed by jobs. Several processes
// may sweep at a time.
func (s *Store) Sweep(ctx context.Context) error {
	const batch = 100
	for {
		found, err := s.expired(ctx, batch)
		if err != nil {
			return err
		}
		for _, e := range found {
			if err := s.expire(ctx, e); err != nil {
				return err
			}
		}
		if len(found) < batch {
			return nil
		}
	}
}

func (s *Store) expired(ctx context.Context, n int) ([]expired, error) {
	rows, _ := s.DB.Query(ctx, `
		SELECT id, owner_id FROM storage.uploads
		WHERE expires_at < now() ORDER BY expires_at LIMIT $1`, n)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[expired])
	if err != nil {
		return nil, fmt.Errorf("expired uploads: %w", err)
	}
	return found, nil
}

func (s *Store) expire(ctx context.Context, e expired) error {
	return database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		account, err := s.Quotas.Lock(ctx, tx, e.Owner)
		if err != nil {
			return err
		}
		key, err := lapsed(ctx, tx, e.ID)
		if err != nil || key == "" {
			return err
		}
		held, err := closeUpload(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		account.Abandon(held)
		if err := s.Quotas.Save(ctx, tx, account); err != nil {
			return err
		}
		return s.Objects.Discard(ctx, tx, key)
	})
}

// lapsed gives the object's key, or nothing: the upload may have come to its end,
// or given its sign of life, between our look and our lock.
func lapsed(ctx context.Context, tx pgx.Tx, id uuid.UUID) (key string, err error) {
	err = tx.QueryRow(ctx, `SELECT object_key FROM storage.uploads WHERE id = $1 AND expires_at < now() FOR UPDATE`, id).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("expired upload: %w", err)
	}
	return key, nil
}
