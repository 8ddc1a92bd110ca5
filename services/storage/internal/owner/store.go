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

// handFiles gives the files of one owner to another, and their sizes. A name that the
// other has already gets the beginning of the file's id in front.
func handFiles(ctx context.Context, tx pgx.Tx, owner, successor string) ([]int64, error) {
	rows, _ := tx.Query(ctx, `
		UPDATE storage.files f
		SET owner_id = $2, updated_at = now(),
		    name = CASE WHEN EXISTS (SELECT FROM storage.files o WHERE o.owner_id = $2 AND o.name = f.name)
		           THEN left(f.id::text, 8) || ' ' || right(f.name, 50) ELSE f.name END
		WHERE owner_id = $1
		RETURNING size`, owner, successor)
	sizes, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("hand files over: %w", err)
	}
	return sizes, nil
}
