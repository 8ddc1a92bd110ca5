// Package file owns the files that people see: their names and what is known of
// them. It does not touch their bytes.
package file

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/codex-platform/codex/pkg/problem"
)

var (
	// ErrNotFound is the answer for a file that does not exist and for one that
	// belongs to somebody else: nobody can tell the two apart (STO-01).
	ErrNotFound = problem.New(http.StatusNotFound, "FILE_NOT_FOUND", "There is no such file")
	// ErrNameTaken refuses a name that another file of the owner has.
	ErrNameTaken = problem.New(http.StatusConflict, "NAME_TAKEN", "Another file of yours has this name")
)

// Record is a file that is complete, as we keep it; File is what clients see of it.
type Record struct {
	ID          uuid.UUID
	Owner       string
	Name        string
	Size        int64 // bytes
	ContentType string
	SHA256      []byte
	Key         string // of the object that holds the bytes
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// ETag is the strong entity tag of the file's bytes. It is made of their hash:
// the same bytes have the same tag, however often they are uploaded.
func (f Record) ETag() string {
	return `"` + hex.EncodeToString(f.SHA256[:16]) + `"`
}

// ParseID reads the id of a file from a path. What is no id names no file.
func ParseID(text string) (uuid.UUID, error) {
	// The parser knows four forms of a UUID; one file has one address.
	id, err := uuid.Parse(text)
	if err != nil || id.String() != text {
		return uuid.Nil, ErrNotFound
	}
	return id, nil
}
