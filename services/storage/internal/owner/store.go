package owner

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/storage/internal/quota"
)

// leftUpload is an upload that its owner's end interrupts: its process finds the
// row gone.
type leftUpload struct {
	key  string
	held quota.Reservation
}

func takeUploads(ctx context.Context, tx pgx.Tx, owner string, n int) ([]leftUpload, error) {
	rows, _ := tx.Query(ctx, `
		DELETE FROM storage.uploads
		WHERE id IN (SELECT id FROM storage.uploads WHERE owner_id = $1 LIMIT $2)
		RETURNING object_key, reserved_bytes, reserved_files`, owner, n)
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u leftUpload, err error) {
		err = row.Scan(&u.key, &u.held.Bytes, &u.held.Files)
		return u, err
	})
	if err != nil {
		return nil, fmt.Errorf("take uploads: %w", err)
	}
	return found, nil
}

// leftFile is a file of an owner who is gone.
type leftFile struct {
	key  string
	size int64
}

func takeFiles(ctx context.Context, tx pgx.Tx, owner string, n int) ([]leftFile, error) {
	rows, _ := tx.Query(ctx, `
		DELETE FROM storage.files
		WHERE id IN (SELECT id FROM storage.files WHERE owner_id = $1 LIMIT $2)
		RETURNING object_key, size`, owner, n)
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f leftFile, err error) {
		err = row.Scan(&f.key, &f.size)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("take files: %w", err)
	}
	return found, nil
}
