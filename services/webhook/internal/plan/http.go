package plan

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// Handler serves the plans and the caller's own.
type Handler struct {
	Store *Store
}

// Routes names the operations.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "listPlans", Method: http.MethodGet, Path: "/api/billing/v1/plans",
		Summary: "The plans there are", Tags: []string{"billing"}, Errors: []int{401},
	}, h.list)
	httpapi.Register(api, huma.Operation{
		OperationID: "getPlan", Method: http.MethodGet, Path: "/api/billing/v1/plan",
		Summary: "The plan that the caller is on", Tags: []string{"billing"}, Errors: []int{401, 503},
	}, h.mine)
}

// Offer is a plan as it is offered.
type Offer struct {
	Key        string `json:"key"`
	Name       string `json:"name"`
	Amount     int64  `json:"amount" doc:"In the smallest unit of the currency; 0: free"`
	Currency   string `json:"currency"`
	Interval   string `json:"interval" doc:"day, week, month or year; empty: free"`
	QuotaBytes int64  `json:"quota_bytes"`
}

// Offers are the plans there are.
type Offers struct {
	Items []Offer `json:"items" nullable:"false"`
}

type listOutput struct{ Body Offers }

func (h *Handler) list(context.Context, *struct{}) (*listOutput, error) {
	var out listOutput
	for _, p := range h.Store.Catalogue.All() {
		out.Body.Items = append(out.Body.Items, Offer{p.Key, p.Name, p.Amount, p.Currency, p.Interval, p.QuotaBytes})
	}
	return &out, nil
}

// CurrentPlan is what the caller is on.
type CurrentPlan struct {
	Plan              string     `json:"plan"`
	Name              string     `json:"name"`
	Status            string     `json:"status" enum:"active,trialing,past_due,canceled,none"`
	QuotaBytes        int64      `json:"quota_bytes"`
	CurrentPeriodEnd  *time.Time `json:"current_period_end" nullable:"true"`
	CancelAtPeriodEnd bool       `json:"cancel_at_period_end"`
	Version           int64      `json:"version" doc:"Grows with every change"`
}

type mineOutput struct{ Body CurrentPlan }

func (h *Handler) mine(ctx context.Context, _ *struct{}) (*mineOutput, error) {
	caller, err := httpapi.Caller(ctx)
	if err != nil {
		return nil, err
	}
	st, err := h.Store.Of(ctx, caller.UserID)
	if err != nil {
		return nil, err
	}
	p, ok := h.Store.Catalogue.Named(st.PlanKey)
	if !ok {
		p.Name = st.PlanKey // a plan that is no longer sold
	}
	return &mineOutput{CurrentPlan{st.PlanKey, p.Name, st.Status, st.QuotaBytes, st.PeriodEnd, st.CancelAtPeriodEnd, st.Version}}, nil
}
