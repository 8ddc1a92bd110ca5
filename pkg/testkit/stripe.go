package testkit

import (
	"net/http/httptest"
	"testing"

	"github.com/codex-platform/codex/pkg/testkit/stripetest"
)

// StripeServer is a Stripe stand-in that listens.
type StripeServer struct {
	*stripetest.Server
	URL string // for STRIPE_API_URL
}

// Stripe gives the test a Stripe of its own, which ends with the test. It needs nothing but Go, so it is also there with
// -short. Events go nowhere until SetWebhook is called or the options name an address.
func Stripe(t testing.TB, o stripetest.Options) *StripeServer {
	t.Helper()
	stripe, err := stripetest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(stripe)
	t.Cleanup(func() {
		front.Close()
		if err := stripe.Close(); err != nil {
			t.Error(err)
		}
	})
	return &StripeServer{Server: stripe, URL: front.URL}
}
