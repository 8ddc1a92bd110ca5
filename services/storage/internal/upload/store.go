package upload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/services/storage/internal/condition"
	"github.com/codex-platform/codex/services/storage/internal/file"
	"github.com/codex-platform/codex/services/storage/internal/object"
	"github.com/codex-platform/codex/services/storage/internal/quota"
)

// DB is a pool.
type DB interface {
	database.Querier
	database.Beginner
}

// Store keeps the uploads under way. Each of its transactions locks the owner's
// account first.
type Store struct {
	DB      DB
	Quotas  *quota.Store
	Objects file.Discarder
}

// Open is an upload under way.
type Open struct {
	ID       uuid.UUID
	Owner    string
	Key      string // of the object
	Name     string // that the file will have
	Reserved quota.Reservation
	Credit   int64        // bytes of the file that will be replaced: they are billed already
	Replaces *file.Record // nil: the file is new

	touched bool // something may have been written to the store
}

// Begin reserves room and opens the upload, or refuses it for what can be known
// before its bytes: conditions, names, ids and the quota are checked here so that
// nobody sends gigabytes in vain, and again in the commit, where it counts.
func (s *Store) Begin(ctx context.Context, r Request, lease time.Duration) (open *Open, err error) {
	err = database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		account, err := s.Quotas.Lock(ctx, tx, r.Owner)
		if err != nil {
			return err
		}
		if open, err = plan(ctx, tx, r); err != nil {
			return err
		}
		if err := account.Open(open.Reserved); err != nil {
			return err
		}
		if err := insert(ctx, tx, open, lease); err != nil {
			return err
		}
		return s.Quotas.Save(ctx, tx, account)
	})
	return open, err
}

// plan finds out what the upload will do and what room it needs.
func plan(ctx context.Context, tx pgx.Tx, r Request) (*Open, error) {
	replaces, err := place(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	open := &Open{ID: uuid.New(), Owner: r.Owner, Key: object.NewKey(), Name: r.Name, Replaces: replaces}
	if replaces == nil {
		open.Reserved.Files = 1
	} else {
		open.Credit = replaces.Size
		if open.Name == "" {
			open.Name = replaces.Name
		}
	}
	if open.Name == "" {
		return nil, ErrNameMissing
	}
	open.Reserved.Bytes = max(0, r.Size-open.Credit)
	return open, nil
}

// place gives the file that the upload will replace, nil for none, or says why it
// cannot be put there.
func place(ctx context.Context, tx pgx.Tx, r Request) (*file.Record, error) {
	found, err := file.Occupying(ctx, tx, r.Owner, r.ID, r.Name)
	if err != nil {
		return nil, err
	}
	var same, named *file.Record
	for i := range found {
		if found[i].ID == r.ID {
			same = &found[i]
		} else {
			named = &found[i]
		}
	}
	etag := ""
	if same != nil {
		if same.Owner != r.Owner {
			return nil, file.ErrNotFound
		}
		etag = same.ETag()
	}
	if err := r.Only.Check(etag); err != nil {
		return nil, err
	}
	if named != nil {
		return nil, file.ErrNameTaken
	}
	return same, nil
}

func insert(ctx context.Context, tx pgx.Tx, o *Open, lease time.Duration) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO storage.uploads (id, owner_id, object_key, reserved_bytes, reserved_files, expires_at)
		VALUES (@id, @owner, @key, @bytes, @files, now() + @lease)`, pgx.NamedArgs{
		"id": o.ID, "owner": o.Owner, "key": o.Key, "bytes": o.Reserved.Bytes, "files": o.Reserved.Files, "lease": lease,
	})
	if err != nil {
		return fmt.Errorf("open upload: %w", err)
	}
	return nil
}

// Extend reserves more room for an upload whose length is not known: as much of
// want as there is, and no less than need.
func (s *Store) Extend(ctx context.Context, o *Open, need, want int64) (granted int64, err error) {
	err = database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		account, err := s.Quotas.Lock(ctx, tx, o.Owner)
		if err != nil {
			return err
		}
		if granted, err = account.Extend(need, want); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `UPDATE storage.uploads SET reserved_bytes = reserved_bytes + $2 WHERE id = $1`, o.ID, granted)
		if err != nil {
			return fmt.Errorf("extend upload: %w", err)
		}
		if done.RowsAffected() == 0 {
			return errLost
		}
		return s.Quotas.Save(ctx, tx, account)
	})
	return granted, err
}

// Renew prolongs the lease, or gives errLost.
func (s *Store) Renew(ctx context.Context, o *Open, lease time.Duration) error {
	done, err := s.DB.Exec(ctx, `UPDATE storage.uploads SET expires_at = now() + $2 WHERE id = $1`, o.ID, lease)
	if err != nil {
		return fmt.Errorf("renew upload: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errLost
	}
	return nil
}

// Commit makes the file visible in the place of the upload and bills it.
func (s *Store) Commit(ctx context.Context, o *Open, only condition.Write, f file.Record) (kept file.Record, created bool, err error) {
	err = database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		account, err := s.Quotas.Lock(ctx, tx, o.Owner)
		if err != nil {
			return err
		}
		held, err := closeUpload(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		var replaced int64
		if kept, replaced, err = s.put(ctx, tx, f, only); err != nil {
			return err
		}
		created = replaced < 0
		if err := account.Keep(held, f.Size, replaced); err != nil {
			return err
		}
		return s.Quotas.Save(ctx, tx, account)
	})
	return kept, created, err
}

// put inserts the file, or replaces the owner's one of the same id and lets the
// old object go. It gives how many bytes were replaced; -1 for a new file.
func (s *Store) put(ctx context.Context, tx pgx.Tx, f file.Record, only condition.Write) (kept file.Record, replaced int64, err error) {
	old, err := current(ctx, tx, f, only)
	if err != nil {
		return kept, 0, err
	}
	if old == nil {
		kept, err = file.Insert(ctx, tx, f)
		return kept, -1, err
	}
	if kept, err = file.Replace(ctx, tx, f); err != nil {
		return kept, 0, err
	}
	return kept, old.Size, s.Objects.Discard(ctx, tx, old.Key)
}

// current gives the owner's file as it is now, nil for none, if the request may
// still replace it.
func current(ctx context.Context, tx pgx.Tx, f file.Record, only condition.Write) (*file.Record, error) {
	old, err := file.Lock(ctx, tx, f.Owner, f.ID)
	if errors.Is(err, file.ErrNotFound) {
		return nil, only.Check("")
	}
	if err != nil {
		return nil, err
	}
	return &old, only.Check(old.ETag())
}

// closeUpload takes the upload's row away and gives what it held, or errLost.
func closeUpload(ctx context.Context, tx pgx.Tx, id uuid.UUID) (held quota.Reservation, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM storage.uploads WHERE id = $1 RETURNING reserved_bytes, reserved_files`, id).
		Scan(&held.Bytes, &held.Files)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return held, errLost
	case err != nil:
		return held, fmt.Errorf("close upload: %w", err)
	}
	return held, nil
}

// Abandon takes the upload back, with what it reserved, and has its object
// removed. It finds out whether the upload was committed after all, and then
// leaves everything as it is: live tells.
func (s *Store) Abandon(ctx context.Context, o *Open) (live bool, err error) {
	err = database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		// The lock also waits for a commit that is still under way over a
		// connection that we have lost.
		account, err := s.Quotas.Lock(ctx, tx, o.Owner)
		if err != nil {
			return err
		}
		held, err := closeUpload(ctx, tx, o.ID)
		if errors.Is(err, errLost) {
			if live, err = (&file.Store{DB: tx}).Holds(ctx, o.Key); err != nil || live {
				return err
			}
			return s.Objects.Discard(ctx, tx, o.Key)
		}
		if err != nil {
			return err
		}
		account.Abandon(held)
		if o.touched {
			if err := s.Objects.Discard(ctx, tx, o.Key); err != nil {
				return err
			}
		}
		return s.Quotas.Save(ctx, tx, account)
	})
	return live, err
}
