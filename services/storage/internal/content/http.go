package content

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/storage/internal/condition"
	"github.com/codex-platform/codex/services/storage/internal/file"
	"github.com/codex-platform/codex/services/storage/internal/kind"
)

// Handler serves the bytes of files.
type Handler struct {
	Files  *file.Store
	Bucket Bucket
	Now    func() time.Time
}

// Bucket gives objects and ranges of them as streams.
type Bucket interface {
	Get(ctx context.Context, key string, part *objectstore.ByteRange) (io.ReadCloser, objectstore.Info, error)
}

// Routes names every operation of this feature.
func (h *Handler) Routes(api huma.API) {
	for method, id := range map[string]string{http.MethodGet: "downloadFile", http.MethodHead: "headFile"} {
		httpapi.Register(api, huma.Operation{
			OperationID: id, Method: method, Path: "/api/storage/v1/files/{id}/content", Tags: []string{"files"},
			Summary:     "The bytes of a file, or what they would come with",
			Description: "Nothing but pictures, sound, film and plain text is ever shown by a browser, and those only with disposition=inline.",
			Responses:   responses(method),
			Errors: []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusPreconditionFailed,
				http.StatusRequestedRangeNotSatisfiable, http.StatusServiceUnavailable},
		}, h.serve)
	}
}

type input struct {
	file.One
	condition.Read
	Range       string `header:"Range" doc:"Up to 10 ranges of bytes" example:"bytes=0-1023"`
	Disposition string `query:"disposition" enum:"attachment,inline" default:"attachment" doc:"inline lets a browser show the file, if it is of a harmless type"`
}

func (h *Handler) serve(ctx context.Context, in *input) (*huma.StreamResponse, error) {
	owner, id, err := in.Owned(ctx)
	if err != nil {
		return nil, err
	}
	f, err := h.Files.ByID(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	return httpapi.Respond(func(w http.ResponseWriter, r *http.Request) error { return h.answer(w, r, f, in) }), nil
}

// answer decides, in the order of RFC 9110 section 13.2.2, what to send.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, f file.Record, in *input) error {
	setHeaders(w.Header(), f, in.Disposition)
	switch in.Check(f.ETag(), f.UpdatedAt) {
	case condition.NotModified:
		w.WriteHeader(http.StatusNotModified)
		return nil
	case condition.Failed:
		return condition.ErrFailed
	}
	w.Header().Set("Content-Type", f.ContentType)
	if r.Method == http.MethodHead { // has no ranges: section 14.2
		w.Header().Set("Content-Length", strconv.FormatInt(f.Size, 10))
		w.WriteHeader(http.StatusOK)
		return nil
	}
	var ranges []objectstore.ByteRange
	if in.RangeHolds(f.ETag(), f.UpdatedAt, h.Now()) {
		var err error
		if ranges, err = parseRanges(in.Range, f.Size); err != nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", f.Size))
			return err
		}
	}
	return h.send(r.Context(), w, f, ranges)
}

// open opens a range of the file's object, or all of it.
func (h *Handler) open(ctx context.Context, f file.Record, part *objectstore.ByteRange) (io.ReadCloser, error) {
	body, info, err := h.Bucket.Get(ctx, f.Key, part)
	if errors.Is(err, objectstore.ErrNotFound) {
		return nil, h.missing(ctx, f, err)
	}
	if err != nil {
		return nil, err
	}
	if info.Size != f.Size {
		body.Close()
		return nil, fmt.Errorf("object %s has %d bytes, its file %s has %d", f.Key, info.Size, f.ID, f.Size)
	}
	return body, nil
}

// errChanged is the answer to a download that met a change of the file.
var errChanged = problem.Unavailable.WithMessage("The file was just changed: try again").WithRetryAfter(time.Second)

// missing says why the object is not there: the file was deleted or replaced
// since we looked, or something is badly wrong.
func (h *Handler) missing(ctx context.Context, f file.Record, why error) error {
	now, err := h.Files.ByID(ctx, f.Owner, f.ID)
	switch {
	case err != nil:
		return err
	case now.Key != f.Key:
		return errChanged
	}
	return fmt.Errorf("file %s has lost its object %s: %w", f.ID, f.Key, why)
}

// setHeaders sets what goes with every answer about the bytes (STO-04): a browser
// must take the type as it is, run nothing, and save the file rather than show it.
func setHeaders(header http.Header, f file.Record, want string) {
	shown := "attachment"
	if want == "inline" && kind.Inline(f.ContentType) {
		shown = "inline"
	}
	header.Set("ETag", f.ETag())
	header.Set("Last-Modified", f.UpdatedAt.UTC().Format(http.TimeFormat))
	header.Set("Cache-Control", "private, no-cache") // may be kept, must be asked about
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Disposition", disposition(shown, f.Name))
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}
