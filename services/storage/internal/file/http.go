package file

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"
	"github.com/codex-platform/codex/services/storage/internal/condition"
)

// Handler serves what is known of files, and changes of it.
type Handler struct {
	Store *Store
	Shelf *Shelf
}

// Routes names every operation of this feature.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "listFiles", Method: http.MethodGet, Path: "/api/storage/v1/files", Tags: []string{"files"},
		Summary: "Your files, page by page", Errors: []int{http.StatusUnauthorized, http.StatusServiceUnavailable},
	}, h.list)
	httpapi.Register(api, huma.Operation{
		OperationID: "getFile", Method: http.MethodGet, Path: "/api/storage/v1/files/{id}", Tags: []string{"files"},
		Summary: "What is known of a file", Errors: []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusServiceUnavailable},
	}, h.get)
	httpapi.Register(api, huma.Operation{
		OperationID: "renameFile", Method: http.MethodPatch, Path: "/api/storage/v1/files/{id}", Tags: []string{"files"},
		Summary: "Give a file another name", Errors: []int{http.StatusUnauthorized, http.StatusNotFound,
			http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable},
	}, h.rename)
	httpapi.Register(api, huma.Operation{
		OperationID: "deleteFile", Method: http.MethodDelete, Path: "/api/storage/v1/files/{id}", Tags: []string{"files"},
		Summary: "Delete a file for good", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusPreconditionFailed, http.StatusServiceUnavailable},
	}, h.delete)
}

// File is a file as clients see it.
type File struct {
	ID          string    `json:"id" format:"uuid"`
	Name        string    `json:"name" doc:"Unique among your files" maxLength:"255"`
	Size        int64     `json:"size" doc:"Bytes" minimum:"0"`
	ContentType string    `json:"content_type" doc:"Decided from the bytes" example:"image/png"`
	SHA256      string    `json:"sha256" doc:"Of the bytes, in hex"`
	ETag        string    `json:"etag" doc:"Strong entity tag of the bytes, quotes included, as in the ETag header"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at" doc:"Last change of content or name"`
}

// File gives the file as clients see it.
func (f Record) File() File {
	return File{
		ID: f.ID.String(), Name: f.Name, Size: f.Size, ContentType: f.ContentType, SHA256: hex.EncodeToString(f.SHA256),
		ETag: f.ETag(), CreatedAt: f.CreatedAt.UTC(), UpdatedAt: f.UpdatedAt.UTC(),
	}
}

type listInput struct {
	Limit  int               `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"How many at most"`
	Cursor validation.Cursor `query:"cursor" doc:"next_cursor of the page before"`
	Sort   Order             `query:"sort" default:"created" enum:"created,name" doc:"Newest first, or by name"`
}

type listOutput struct {
	Body struct {
		Items      []File  `json:"items" nullable:"false"`
		NextCursor *string `json:"next_cursor" doc:"Where the next page starts; null on the last one"`
	}
}

func (h *Handler) list(ctx context.Context, in *listInput) (*listOutput, error) {
	who, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	files, next, err := h.Store.List(ctx, who.UserID, in.Sort, in.Cursor, in.Limit)
	if err == validation.ErrCursor { //nolint:errorlint // List gives it as it is
		return nil, problem.Invalid.WithFields(problem.Field{Pointer: "query/cursor", Detail: validation.ErrCursor.Detail})
	}
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Items = make([]File, len(files))
	for i, f := range files {
		out.Body.Items[i] = f.File()
	}
	if next != "" {
		out.Body.NextCursor = (*string)(&next)
	}
	return out, nil
}

// output has no ETag header: a tag there would be one of this description, which
// changes with the name, and the file's is one of its bytes.
type output struct{ Body File }

// One names a file in a path. It is embedded in the inputs of all operations on
// one file.
type One struct {
	ID string `path:"id" doc:"A UUID"`
}

// Owned gives who asks, and which file he means. Somebody else's file is found
// to be missing where it is looked for.
func (o *One) Owned(ctx context.Context) (owner string, id uuid.UUID, err error) {
	who, err := httpapi.Caller(ctx)
	if err != nil {
		return "", uuid.Nil, err
	}
	id, err = ParseID(o.ID)
	return who.UserID, id, err
}

func (h *Handler) get(ctx context.Context, in *One) (*output, error) {
	owner, id, err := in.Owned(ctx)
	if err != nil {
		return nil, err
	}
	f, err := h.Store.ByID(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	return &output{f.File()}, nil
}

type renameInput struct {
	One
	condition.Write
	Body struct {
		Name validation.FileName `json:"name" doc:"The new name; what cannot be part of one is taken out"`
	}
}

func (h *Handler) rename(ctx context.Context, in *renameInput) (*output, error) {
	owner, id, err := in.Owned(ctx)
	if err != nil {
		return nil, err
	}
	f, err := h.Shelf.Rename(ctx, owner, id, in.Body.Name, in.Write)
	if err != nil {
		return nil, err
	}
	return &output{f.File()}, nil
}

type deleteInput struct {
	One
	condition.Write
}

func (h *Handler) delete(ctx context.Context, in *deleteInput) (*struct{}, error) {
	owner, id, err := in.Owned(ctx)
	if err != nil {
		return nil, err
	}
	return nil, h.Shelf.Delete(ctx, owner, id, in.Write)
}
