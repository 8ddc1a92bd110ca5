package file

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/validation"
)

// Order is how a list is sorted.
type Order string

// The orders of List.
const (
	NewestFirst Order = "created"
	ByName      Order = "name"
)

// after is the place in a list behind which the next page starts: the sort key
// of the last file shown. A cursor of one order is of no use in the other.
type after struct {
	Created *time.Time `json:"c,omitempty"`
	ID      *uuid.UUID `json:"i,omitempty"`
	Name    *string    `json:"n,omitempty"`
}

func afterOf(f Record, order Order) after {
	if order == ByName {
		return after{Name: &f.Name}
	}
	return after{Created: &f.CreatedAt, ID: &f.ID}
}

// fits tells whether the cursor was given out for this order.
func (a after) fits(order Order) bool {
	if order == ByName {
		return a.Name != nil && a.Created == nil && a.ID == nil
	}
	return a.Name == nil && a.Created != nil && a.ID != nil
}

// List gives up to limit of the owner's files behind the cursor, and the cursor
// of the next page, which is empty when this is the last one. It gives
// validation.ErrCursor for a cursor of another list.
func (s *Store) List(ctx context.Context, owner string, order Order, cursor validation.Cursor, limit int) ([]Record, validation.Cursor, error) {
	var from after
	if cursor != "" {
		var err error
		if from, err = validation.DecodeCursor[after](cursor); err != nil || !from.fits(order) {
			return nil, "", validation.ErrCursor
		}
	}
	// One more than asked for tells whether there is a next page.
	files, err := s.page(ctx, owner, order, from, limit+1)
	if err != nil || len(files) <= limit {
		return files, "", err
	}
	files = files[:limit]
	next, err := validation.EncodeCursor(afterOf(files[limit-1], order))
	return files, next, err
}

func (s *Store) page(ctx context.Context, owner string, order Order, from after, n int) ([]Record, error) {
	var rows pgx.Rows
	if order == ByName {
		rows, _ = s.DB.Query(ctx, `
			SELECT `+columns+`
			FROM storage.files
			WHERE owner_id = $1 AND ($2::text IS NULL OR name > $2)
			ORDER BY name
			LIMIT $3`, owner, from.Name, n)
	} else {
		rows, _ = s.DB.Query(ctx, `
			SELECT `+columns+`
			FROM storage.files
			WHERE owner_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
			ORDER BY created_at DESC, id DESC
			LIMIT $4`, owner, from.Created, from.ID, n)
	}
	files, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	return files, nil
}
