// Package subscription shows people what they are subscribed to.
package subscription

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/validation"
)

// Handler serves the caller's subscriptions.
type Handler struct {
	Store *Store
}

// Routes names the operation.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "listSubscriptions", Method: http.MethodGet, Path: "/api/billing/v1/subscriptions",
		Summary: "The caller's subscriptions, newest first", Tags: []string{"billing"}, Errors: []int{401, 422, 503},
	}, h.list)
}

type listInput struct {
	Limit  int               `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Cursor validation.Cursor `query:"cursor" doc:"next_cursor of the page before"`
}

// SubscriptionPage is one page of the list.
type SubscriptionPage struct {
	Items      []Subscription     `json:"items" nullable:"false"`
	NextCursor *validation.Cursor `json:"next_cursor" nullable:"true" doc:"Where the next page begins; null: this is the last"`
}

type listOutput struct{ Body SubscriptionPage }

func (h *Handler) list(ctx context.Context, in *listInput) (*listOutput, error) {
	caller, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	var out listOutput
	out.Body.Items, out.Body.NextCursor, err = h.Store.Of(ctx, caller.UserID, in.Limit, in.Cursor)
	return &out, err
}
