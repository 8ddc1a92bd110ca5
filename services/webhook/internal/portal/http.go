// Package portal leads to Stripe's own page on which people change their card, see
// their bills and end their plan.
package portal

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/customer"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// ErrNoCustomer is for somebody who has never bought anything.
var ErrNoCustomer = problem.New(http.StatusConflict, "NO_CUSTOMER", "There is nothing to manage yet: buy a plan first")

// Opener opens the page of a customer.
type Opener interface {
	CreatePortal(ctx context.Context, customer, returnURL string) (string, error)
}

// Handler opens the page.
type Handler struct {
	Customers *customer.Store
	Stripe    Opener
	ReturnURL string
}

// Routes names the operation.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "openPortal", Method: http.MethodPost, Path: "/api/billing/v1/portal",
		Summary: "Gives the page on which the caller manages what was bought", Tags: []string{"billing"}, Errors: []int{401, 409, 503},
	}, h.open)
}

// PortalPage is where to manage what was bought.
type PortalPage struct {
	URL string `json:"url"`
}

type openOutput struct{ Body PortalPage }

func (h *Handler) open(ctx context.Context, _ *struct{}) (*openOutput, error) {
	caller, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	id, err := h.Customers.Of(ctx, caller.UserID)
	switch {
	case errors.Is(err, customer.ErrNone):
		return nil, ErrNoCustomer
	case err != nil:
		return nil, err
	}
	var out openOutput
	out.Body.URL, err = h.Stripe.CreatePortal(ctx, id, h.ReturnURL)
	if errors.Is(err, stripe.ErrNotFound) { // deleted at Stripe, and its event is still to come
		err = ErrNoCustomer
	}
	return &out, err
}
