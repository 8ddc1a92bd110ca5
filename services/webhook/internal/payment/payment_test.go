package payment_test

import (
	"testing"

	"github.com/codex-platform/codex/services/webhook/internal/payment"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]payment.Facts{
		"pending":            {Intent: "requires_payment_method", Amount: 5},
		"failed":             {Intent: "requires_payment_method", Amount: 5, FailureCode: "card_declined"},
		"action_required":    {Intent: "requires_action", Amount: 5, FailureCode: "card_declined"},
		"processing":         {Intent: "processing", Amount: 5},
		"succeeded":          {Intent: "succeeded", Amount: 5, FailureCode: "card_declined"},
		"canceled":           {Intent: "canceled", Amount: 5},
		"partially_refunded": {Intent: "succeeded", Amount: 5, Refunded: 4},
		"refunded":           {Intent: "succeeded", Amount: 5, Refunded: 5},
		"disputed":           {Intent: "succeeded", Amount: 5, Refunded: 5, Disputed: true},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if got := f.Status(); got != want {
				t.Errorf("%+v is %s", f, got)
			}
		})
	}
}
