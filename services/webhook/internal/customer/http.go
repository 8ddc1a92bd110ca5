package customer

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/validation"
)

// Handler serves other services.
type Handler struct {
	Store *Store
}

// Routes names the operations.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "unlinkUser", Method: http.MethodDelete, Path: "/internal/v1/users/{user_id}", Hidden: true, DefaultStatus: http.StatusNoContent,
		Summary: "A person was deleted: nothing leads from the billing state to them any more", Tags: []string{"internal"}, Errors: []int{401, 503},
	}, h.unlink)
}

type unlinkInput struct {
	UserID validation.UserID `path:"user_id"`
}

func (h *Handler) unlink(ctx context.Context, in *unlinkInput) (*struct{}, error) {
	return nil, h.Store.Unlink(ctx, in.UserID.String())
}
