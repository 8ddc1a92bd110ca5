package upload

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"
	"github.com/codex-platform/codex/services/storage/internal/condition"
	"github.com/codex-platform/codex/services/storage/internal/file"
)

// Handler serves uploads.
type Handler struct{ Uploader *Uploader }

// Routes names every operation of this feature.
func (h *Handler) Routes(api huma.API) {
	refusals := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable}
	httpapi.Register(api, httpapi.Streams(huma.Operation{
		OperationID: "createFile", Method: http.MethodPost, Path: "/api/storage/v1/files", Tags: []string{"files"},
		Summary: "Upload a new file", DefaultStatus: http.StatusCreated, Errors: refusals,
		Description: "The body is the file: it is streamed, and may come without a Content-Length.",
	}), h.create)
	httpapi.Register(api, httpapi.Streams(huma.Operation{
		OperationID: "putFile", Method: http.MethodPut, Path: "/api/storage/v1/files/{id}", Tags: []string{"files"},
		Summary: "Upload a file under an id of your own, or new content for a file",
		Errors:  append(slices.Clone(refusals), http.StatusNotFound, http.StatusPreconditionFailed),
		Description: "Repeating the request has no further effect, so it is safe to send it again when its answer got lost. " +
			"Answers 201 for a new file and 200 for new content.",
		Responses: map[string]*huma.Response{"201": {Description: "The file is new"}},
	}), h.put)
}

type createInput struct {
	Name    validation.FileName `query:"name" required:"true" doc:"The file's name; what cannot be part of one is taken out" example:"holiday.jpg"`
	Content httpapi.Body
}

type output struct {
	Status   int
	Location string `header:"Location" doc:"Where the file is described"`
	ETag     string `header:"ETag" doc:"Of the file's bytes"`
	Body     file.File
}

func (h *Handler) create(ctx context.Context, in *createInput) (*output, error) {
	return h.upload(ctx, in.Content, Request{ID: uuid.New(), Name: in.Name.String()})
}

type putInput struct {
	file.One
	condition.Write
	Name    validation.FileName `query:"name" doc:"The file's name; may be left out when the file exists" example:"holiday.jpg"`
	Content httpapi.Body
}

// errID refuses an id under which nothing can be stored.
var errID = problem.Invalid.WithFields(problem.Field{Pointer: "path/id", Detail: "is not a UUID in its usual form, in small letters"})

func (h *Handler) put(ctx context.Context, in *putInput) (*output, error) {
	id, err := file.ParseID(in.ID)
	if err != nil {
		return nil, errID
	}
	return h.upload(ctx, in.Content, Request{ID: id, Name: in.Name.String(), Only: in.Write})
}

func (h *Handler) upload(ctx context.Context, content httpapi.Body, r Request) (*output, error) {
	who, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	r.Owner, r.Body, r.Size, r.ContentType = who.UserID, content.Reader, content.ContentLength, content.ContentType
	f, created, err := h.Uploader.Upload(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &output{Status: http.StatusOK, ETag: f.ETag(), Body: f.File()}
	if created {
		out.Status, out.Location = http.StatusCreated, "/api/storage/v1/files/"+f.ID.String()
	}
	return out, nil
}
