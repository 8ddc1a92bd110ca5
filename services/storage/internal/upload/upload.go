// Package upload owns the way of bytes from a client into a file: reserve room,
// write one object, then make the file visible and bill it, all in one commit.
//
//	begin   tx: the owner's account is locked, room is reserved, the upload gets a row and a lease
//	write   the object is written once under a random key, while the bytes are counted and hashed
//	commit  tx: the upload's row goes, the file's row comes, reserved becomes used
//
// Until the commit nothing is visible and nothing is billed; after it nothing
// more has to happen. Whatever fails before it ends in abandon; a process that
// dies ends in the sweeper, once the lease is no longer renewed.
package upload

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/storage/internal/condition"
	"github.com/codex-platform/codex/services/storage/internal/file"
)

var (
	// ErrTooLarge refuses a file that is longer than any may be.
	ErrTooLarge = problem.New(http.StatusRequestEntityTooLarge, "FILE_TOO_LARGE", "The file is larger than is allowed")
	// ErrNameMissing refuses a new file without a name.
	ErrNameMissing = problem.Invalid.WithFields(problem.Field{Pointer: "query/name", Detail: "is missing: a new file needs a name"})
	// errLost ends an upload whose row is gone: the sweeper took it for dead, or
	// its owner was deleted. Trying again is right in the first case and tells
	// the truth in the second.
	errLost = problem.Unavailable.WithMessage("The upload was interrupted on our side: try again")
)

// Uploader takes uploads.
type Uploader struct {
	Store   *Store
	Files   *file.Store
	Bucket  *objectstore.Bucket
	MaxFile int64         // bytes
	Lease   time.Duration // how long an upload stays ours without a sign of life
	Log     *slog.Logger
}

// Request is one upload.
type Request struct {
	Owner       string
	ID          uuid.UUID // of the file
	Name        string    // empty: keep the name of the file that is replaced
	ContentType string    // as stated by the client; may be empty
	Size        int64     // bytes, as declared; -1 when unknown
	Body        io.Reader
	Only        condition.Write
}

// Upload takes the upload to its end: it gives the file and whether it is a new
// one. An error means that nothing of it is left, or will be in a minute.
func (u *Uploader) Upload(ctx context.Context, r Request) (f file.Record, created bool, err error) {
	if r.Size > u.MaxFile {
		return file.Record{}, false, ErrTooLarge
	}
	open, err := u.Store.Begin(ctx, r, u.Lease)
	if err != nil {
		return file.Record{}, false, err
	}
	f, created, err = u.fill(ctx, open, r)
	if err == nil {
		return f, created, nil
	}
	return u.abandon(ctx, open, r, err)
}

// fill writes the object and commits. It does not end with the request's context:
// that a client has hung up shows where its bytes are read, and once all of them
// are here the upload is worth finishing.
func (u *Uploader) fill(ctx context.Context, open *Open, r Request) (file.Record, bool, error) {
	ctx, stop := u.keep(context.WithoutCancel(ctx), open)
	defer stop()
	c := &content{
		body: r.Body, declared: r.Size, limit: u.MaxFile, granted: open.Reserved.Bytes + open.Credit,
		more: func(need, want int64) (int64, error) { return u.Store.Extend(ctx, open, need, want) },
	}
	contentType, err := c.begin(open.Name, r.ContentType)
	if err != nil {
		return file.Record{}, false, err
	}
	open.touched = true
	if _, err := u.Bucket.Put(ctx, open.Key, c, c.declared, contentType); err != nil {
		return file.Record{}, false, cause(ctx, err)
	}
	return u.Store.Commit(ctx, open, r.Only, file.Record{
		ID: r.ID, Owner: r.Owner, Name: open.Name, Size: c.count, ContentType: contentType, SHA256: c.sum(), Key: open.Key,
	})
}

// cause prefers the reason for which the upload's context was ended to what that
// made of the upload.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); errors.Is(c, errLost) {
		return c
	}
	return err
}

// cleanup bounds what is done after the client has got its answer, or has gone.
const cleanup = 5 * time.Second

// abandon takes back what an upload has reserved and written. It may find that
// the commit, of which we saw only the connection break, was made after all: then
// the upload is a success.
func (u *Uploader) abandon(ctx context.Context, open *Open, r Request, why error) (file.Record, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	live, err := u.Store.Abandon(ctx, open)
	if err != nil {
		u.Log.WarnContext(ctx, "upload left to the sweeper", "upload_id", open.ID.String(), "err", err)
	}
	if !live {
		return file.Record{}, false, why
	}
	f, err := u.Files.ByID(ctx, r.Owner, r.ID)
	return f, open.Replaces == nil, err
}
