package owner

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"
)

// Handler serves the end of owners.
type Handler struct{ Registry *Registry }

// InternalRoutes names the operations that other services use.
func (h *Handler) InternalRoutes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "deleteUser", Method: http.MethodDelete, Path: "/internal/v1/users/{user_id}", Hidden: true,
		Summary: "The user was deleted: remove what is kept for him", DefaultStatus: http.StatusNoContent,
	}, h.end)
}

type endInput struct {
	UserID    validation.UserID `path:"user_id"`
	Successor string            `query:"successor" maxLength:"64" doc:"Whose the files are from here on; empty: they are removed"`
}

func (h *Handler) end(ctx context.Context, in *endInput) (*struct{}, error) {
	if in.Successor != "" {
		if _, err := validation.ParseUserID(in.Successor); err != nil {
			return nil, problem.Malformed
		}
	}
	return nil, h.Registry.End(ctx, in.UserID.String(), in.Successor)
}
