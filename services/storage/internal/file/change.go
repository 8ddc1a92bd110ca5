package file

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/validation"
	"github.com/codex-platform/codex/services/storage/internal/condition"
	"github.com/codex-platform/codex/services/storage/internal/kind"
	"github.com/codex-platform/codex/services/storage/internal/quota"
)

// Shelf changes files that are there.
type Shelf struct {
	DB      database.Beginner
	Quotas  *quota.Store
	Objects Discarder
}

// Discarder removes an object once the transaction is committed.
type Discarder interface {
	Discard(ctx context.Context, tx pgx.Tx, key string) error
}

// Rename gives the owner's file another name: one that promises nothing else
// than what the file is, and that no other file of the owner has.
func (s *Shelf) Rename(ctx context.Context, owner string, id uuid.UUID, name validation.FileName, only condition.Write) (f Record, err error) {
	err = database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		if f, err = lockIf(ctx, tx, owner, id, only); err != nil {
			return err
		}
		if f.Name == name.String() {
			return nil
		}
		if err := kind.Fits(name.String(), f.ContentType, f.Size); err != nil {
			return err
		}
		f, err = Rename(ctx, tx, id, name.String())
		return err
	})
	return f, err
}

// Delete takes the owner's file away, and gives its room back, in one
// transaction; the object follows as a job of the same transaction.
func (s *Shelf) Delete(ctx context.Context, owner string, id uuid.UUID, only condition.Write) error {
	return database.InTx(ctx, s.DB, func(tx pgx.Tx) error {
		account, err := s.Quotas.Lock(ctx, tx, owner)
		if err != nil {
			return err
		}
		f, err := lockIf(ctx, tx, owner, id, only)
		if err != nil {
			return err
		}
		if err := Delete(ctx, tx, id); err != nil {
			return err
		}
		account.Drop(f.Size)
		if err := s.Quotas.Save(ctx, tx, account); err != nil {
			return err
		}
		return s.Objects.Discard(ctx, tx, f.Key)
	})
}

// lockIf locks the owner's file, if it is as the sender of the request wants it.
func lockIf(ctx context.Context, tx pgx.Tx, owner string, id uuid.UUID, only condition.Write) (Record, error) {
	f, err := Lock(ctx, tx, owner, id)
	if err != nil {
		return Record{}, err
	}
	return f, only.Check(f.ETag())
}
