package stripe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/stripetest"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

func clientOf(t *testing.T) (*stripe.Client, *testkit.StripeServer) {
	t.Helper()
	s := testkit.Stripe(t, stripetest.Options{})
	return stripe.New(stripe.Options{Key: s.SecretKey(), URL: s.URL}), s
}

// purchase begins a checkout for a new customer.
func purchase(t *testing.T, c *stripe.Client) stripe.Session {
	t.Helper()
	customer, err := c.CreateCustomer(t.Context(), stripe.Buyer{UserID: "ada", Email: "ada@example.com"}, "")
	if err != nil {
		t.Fatal(err)
	}
	price, err := c.PriceByLookupKey(t.Context(), "pro_monthly")
	if err != nil {
		t.Fatal(err)
	}
	session, err := c.CreateCheckout(t.Context(), stripe.Purchase{
		UserID: "ada", CustomerID: customer, Plan: "pro", PriceID: price, SuccessURL: "http://localhost/?s={CHECKOUT_SESSION_ID}", CancelURL: "http://localhost/",
	})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func TestClient_checkout(t *testing.T) {
	t.Parallel()
	c, s := clientOf(t)
	begun := purchase(t, c)
	if again := purchase(t, c); again.ID != begun.ID {
		t.Errorf("the same purchase twice: %s and %s", begun.ID, again.ID)
	}
	open, _, err := c.Checkout(t.Context(), begun.ID)
	if err != nil || open.Status != stripe.SessionOpen || open.Subscription != nil {
		t.Fatalf("before paying: %+v, %v", open, err)
	}
	s.Pay(begun.ID)
	paid, at, err := c.Checkout(t.Context(), begun.ID)
	if err != nil || !paid.Terminal() || paid.Subscription == nil || paid.Subscription.Status != stripe.StatusActive {
		t.Fatalf("after paying: %+v, %v", paid, err)
	}
	if at.From >= at.Until {
		t.Errorf("the answer is dated %d to %d", at.From, at.Until)
	}
	if err := c.ExpireCheckout(t.Context(), begun.ID); err != nil {
		t.Errorf("ending what is paid: %v, want it left alone", err)
	}
}

func TestClient_errors(t *testing.T) {
	t.Parallel()
	c, s := clientOf(t)
	down := stripe.New(stripe.Options{Key: "sk_test_x", URL: "http://127.0.0.1:1"})
	wrongKey := stripe.New(stripe.Options{Key: "sk_test_wrong", URL: s.URL})
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>a page of a proxy with person@example.com</html>"))
	}))
	t.Cleanup(broken.Close)
	garbage := stripe.New(stripe.Options{Key: "sk_test_x", URL: broken.URL})
	for name, tc := range map[string]struct {
		client *stripe.Client
		want   error
	}{
		"unknown object":  {c, stripe.ErrNotFound},
		"nobody answers":  {down, stripe.ErrUnavailable},
		"a page, no JSON": {garbage, stripe.ErrUnavailable},
	} {
		if _, err := tc.client.Fetch(t.Context(), stripe.KindCustomer, "cus_unknown"); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	_, err := wrongKey.Fetch(t.Context(), stripe.KindCustomer, "cus_unknown")
	if err == nil || errors.Is(err, stripe.ErrUnavailable) || errors.Is(err, stripe.ErrNotFound) {
		t.Errorf("a wrong key: %v, want a fault of ours", err)
	}
	if _, err := c.PriceByLookupKey(t.Context(), "gold"); !errors.Is(err, stripe.ErrNotFound) {
		t.Errorf("no such price: %v", err)
	}
}
