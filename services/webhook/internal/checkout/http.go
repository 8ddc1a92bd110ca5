package checkout

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// Handler serves purchases.
type Handler struct {
	Checkouts *Checkouts
}

// Routes names the operations.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "beginCheckout", Method: http.MethodPost, Path: "/api/billing/v1/checkout",
		Summary: "Begins to buy a plan", Description: "Gives the address of a page to pay on. Called again, it gives the same page while that is open.",
		Tags: []string{"billing"}, Errors: []int{400, 401, 404, 409, 422, 503},
	}, h.begin)
	httpapi.Register(api, huma.Operation{
		OperationID: "getCheckout", Method: http.MethodGet, Path: "/api/billing/v1/checkout/{id}",
		Summary: "How a purchase stands", Description: "To be polled after the return from the page; plan is the caller's plan as it is now.",
		Tags: []string{"billing"}, Errors: []int{401, 404, 422, 503},
	}, h.follow)
}

// CheckoutRequest says what to buy.
type CheckoutRequest struct {
	Plan string `json:"plan" minLength:"1" maxLength:"64" doc:"The key of the plan to buy"`
}

type beginInput struct{ Body CheckoutRequest }

// CheckoutPage is where to pay.
type CheckoutPage struct {
	URL string `json:"url"`
	ID  string `json:"id" doc:"To ask how it stands"`
}

type beginOutput struct{ Body CheckoutPage }

func (h *Handler) begin(ctx context.Context, in *beginInput) (*beginOutput, error) {
	caller, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	begun, err := h.Checkouts.Begin(ctx, caller.UserID, in.Body.Plan)
	if err != nil {
		return nil, err
	}
	return &beginOutput{CheckoutPage{begun.URL, begun.ID}}, nil
}

type followInput struct {
	ID string `path:"id" maxLength:"255" pattern:"^[A-Za-z0-9_]+$"`
}

// CheckoutState is how a purchase stands.
type CheckoutState struct {
	ID            string `json:"id"`
	Status        string `json:"status" enum:"open,complete,expired"`
	PaymentStatus string `json:"payment_status" doc:"paid, unpaid or no_payment_required"`
	Plan          string `json:"plan" doc:"The plan that the caller is on now"`
}

type followOutput struct{ Body CheckoutState }

func (h *Handler) follow(ctx context.Context, in *followInput) (*followOutput, error) {
	caller, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	found, now, err := h.Checkouts.Follow(ctx, caller.UserID, in.ID)
	if err != nil {
		return nil, err
	}
	return &followOutput{CheckoutState{found.ID, found.Status, found.PaymentStatus, now.PlanKey}}, nil
}
