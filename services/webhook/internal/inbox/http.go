package inbox

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// The refusals of a delivery. Which rule it broke is in the metric, not in the
// answer.
var (
	ErrSignature = problem.New(http.StatusBadRequest, "SIGNATURE_INVALID", "The signature does not fit")
	ErrEvent     = problem.New(http.StatusBadRequest, "EVENT_INVALID", "The body is not an event")
)

// Handler is where Stripe delivers.
type Handler struct {
	Inbox      *Inbox
	Signatures *stripe.Signatures
	// Livemode says whose events count: those of live mode, or those of test mode.
	Livemode bool
	// MaxBytes bounds a body, BodyWithin the time in which all of it must arrive.
	MaxBytes   int64
	BodyWithin time.Duration
}

// Routes names the only operation: an unauthenticated POST that its signature opens.
func (h *Handler) Routes(api huma.API) {
	httpapi.Register(api, httpapi.Streams(huma.Operation{
		OperationID: "receiveStripeEvent", Method: http.MethodPost, Path: "/webhooks/stripe", DefaultStatus: http.StatusOK,
		Summary:     "Takes an event of Stripe's in",
		Description: "Answers 200 once the event is durable, also when it was before. Any other status means: send it again.",
		Tags:        []string{"stripe"}, Errors: []int{400, 408, 413, 503},
	}), h.receive)
}

type receiveInput struct {
	Signature string `header:"Stripe-Signature" doc:"t= and v1= values, as Stripe signs"`
	Content   httpapi.Body
}

func (h *Handler) receive(ctx context.Context, in *receiveInput) (*struct{}, error) {
	body, err := in.Content.ReadAll(h.MaxBytes, h.BodyWithin)
	if err != nil {
		return nil, err
	}
	secret, err := h.Signatures.Verify(in.Signature, body)
	if err != nil {
		h.Inbox.metrics.refused(ctx, err.Error())
		return nil, errors.Join(ErrSignature, err)
	}
	envelope, err := stripe.ParseEnvelope(body)
	if err != nil {
		h.Inbox.metrics.refused(ctx, "envelope")
		return nil, errors.Join(ErrEvent, err)
	}
	e := Event{Envelope: envelope, Payload: body, Status: h.status(envelope)}
	err = h.Inbox.Accept(ctx, e)
	h.Inbox.metrics.received(ctx, e, secret, err)
	return nil, err
}

// status keeps events that are not ours out of the work: those of the other mode
// (WH-06) and those of connected accounts, which we do not have. They are kept
// and acknowledged, or Stripe would send them for days.
func (h *Handler) status(e stripe.Envelope) Status {
	if e.Livemode != h.Livemode || e.Account != "" {
		return Ignored
	}
	return Received
}
