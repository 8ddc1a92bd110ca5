// Package payment shows people what they paid.
package payment

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/validation"
)

// Handler serves the caller's payments.
type Handler struct {
	Store *Store
}

// Routes names the operation.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "listPayments", Method: http.MethodGet, Path: "/api/billing/v1/payments",
		Summary: "The caller's payments, newest first", Tags: []string{"billing"}, Errors: []int{401, 422, 503},
	}, h.list)
}

type listInput struct {
	Limit  int               `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor validation.Cursor `query:"cursor" doc:"next_cursor of the page before"`
}

// PaymentPage is one page of the list.
type PaymentPage struct {
	Items      []Payment          `json:"items" nullable:"false"`
	NextCursor *validation.Cursor `json:"next_cursor" nullable:"true" doc:"Where the next page begins; null: this is the last"`
}

type listOutput struct{ Body PaymentPage }

func (h *Handler) list(ctx context.Context, in *listInput) (*listOutput, error) {
	caller, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	var out listOutput
	out.Body.Items, out.Body.NextCursor, err = h.Store.Of(ctx, caller.UserID, in.Limit, in.Cursor)
	return &out, err
}
