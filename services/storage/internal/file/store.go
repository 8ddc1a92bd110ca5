package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/database"
)

// Store keeps the files.
type Store struct{ DB database.Querier }

// columns are those of scan, in its order.
const columns = `id, owner_id, name, size, content_type, sha256, object_key, created_at, updated_at`

func scan(row pgx.CollectableRow) (Record, error) {
	var f Record
	err := row.Scan(&f.ID, &f.Owner, &f.Name, &f.Size, &f.ContentType, &f.SHA256, &f.Key, &f.CreatedAt, &f.UpdatedAt)
	return f, err
}

// one collects the only row of a query, or gives ErrNotFound.
func one(doing string, rows pgx.Rows) (Record, error) {
	f, err := pgx.CollectExactlyOneRow(rows, scan)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Record{}, ErrNotFound
	case err != nil:
		return Record{}, fmt.Errorf("%s: %w", doing, nameTaken(err))
	}
	return f, nil
}

// ByID gives the owner's file, or ErrNotFound.
func (s *Store) ByID(ctx context.Context, owner string, id uuid.UUID) (Record, error) {
	rows, _ := s.DB.Query(ctx, `SELECT `+columns+` FROM storage.files WHERE id = $1 AND owner_id = $2`, id, owner)
	return one("file by id", rows)
}

// Occupying gives the files that stand in the way of a new one of this id and
// name: the one with the id, whoever owns it, and the owner's one with the name.
func Occupying(ctx context.Context, q database.Querier, owner string, id uuid.UUID, name string) ([]Record, error) {
	rows, _ := q.Query(ctx, `
		SELECT `+columns+` FROM storage.files WHERE id = $1
		UNION
		SELECT `+columns+` FROM storage.files WHERE owner_id = $2 AND name = $3`, id, owner, name)
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("files in the way: %w", err)
	}
	return found, nil
}

// Insert adds a file and gives it as it is stored. The database decides whether
// its id and its name are free: ErrNotFound for an id that somebody else's file
// has, ErrNameTaken for a name.
func Insert(ctx context.Context, tx pgx.Tx, f Record) (Record, error) {
	rows, _ := tx.Query(ctx, `
		INSERT INTO storage.files (id, owner_id, name, size, content_type, sha256, object_key)
		VALUES (@id, @owner, @name, @size, @type, @sha256, @key)
		RETURNING `+columns, arguments(f))
	return one("insert file", rows)
}

// Replace puts new content, and a name, in the place of the owner's file.
func Replace(ctx context.Context, tx pgx.Tx, f Record) (Record, error) {
	rows, _ := tx.Query(ctx, `
		UPDATE storage.files
		SET name = @name, size = @size, content_type = @type, sha256 = @sha256, object_key = @key, updated_at = now()
		WHERE id = @id AND owner_id = @owner
		RETURNING `+columns, arguments(f))
	return one("replace file", rows)
}

func arguments(f Record) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": f.ID, "owner": f.Owner, "name": f.Name, "size": f.Size, "type": f.ContentType, "sha256": f.SHA256, "key": f.Key,
	}
}

// Lock gives the owner's file and keeps others from changing it until the
// transaction ends, or gives ErrNotFound.
func Lock(ctx context.Context, tx pgx.Tx, owner string, id uuid.UUID) (Record, error) {
	rows, _ := tx.Query(ctx, `SELECT `+columns+` FROM storage.files WHERE id = $1 AND owner_id = $2 FOR UPDATE`, id, owner)
	return one("lock file", rows)
}

// Rename gives the file another name, or ErrNameTaken.
func Rename(ctx context.Context, tx pgx.Tx, id uuid.UUID, name string) (Record, error) {
	rows, _ := tx.Query(ctx, `UPDATE storage.files SET name = $2, updated_at = now() WHERE id = $1 RETURNING `+columns, id, name)
	return one("rename file", rows)
}

// Delete takes the row away.
func Delete(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM storage.files WHERE id = $1`, id); err != nil {
		return fmt.Errorf("delete file: %w", err)
	}
	return nil
}

// Holds tells whether a file has its bytes in the object.
func (s *Store) Holds(ctx context.Context, key string) (bool, error) {
	var held bool
	err := s.DB.QueryRow(ctx, `SELECT EXISTS (SELECT FROM storage.files WHERE object_key = $1)`, key).Scan(&held)
	if err != nil {
		return false, fmt.Errorf("file of an object: %w", err)
	}
	return held, nil
}

// nameTaken reads the database's verdict on uniqueness.
func nameTaken(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "23505" {
		return err
	}
	switch pg.ConstraintName {
	case "files_owner_name":
		return ErrNameTaken
	case "files_pkey":
		return ErrNotFound // the id is somebody else's
	}
	return err
}
