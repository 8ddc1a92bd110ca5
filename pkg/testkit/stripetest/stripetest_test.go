package stripetest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/codex-platform/codex/pkg/testkit/stripetest"
)

// standIn is a running stand-in with the real client on it.
type standIn struct {
	*stripetest.Server
	url string
	api *client.API
}

func start(t *testing.T, o stripetest.Options) standIn {
	t.Helper()
	s, err := stripetest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return standIn{Server: s, url: web.URL, api: clientOf(web.URL, s.SecretKey())}
}

func clientOf(url, key string) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(url), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{},
	})
	return client.New(key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
}

// checkout begins to buy the seeded plan for a new customer.
func (s standIn) checkout(t *testing.T) *stripe.CheckoutSession {
	t.Helper()
	customer, err := s.api.Customers.New(&stripe.CustomerParams{Email: stripe.String("ada@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	session, err := s.api.CheckoutSessions.New(&stripe.CheckoutSessionParams{
		Mode: stripe.String("subscription"), Customer: &customer.ID, ClientReferenceID: stripe.String("user-1"),
		SuccessURL: stripe.String("http://shop.test/done?s={CHECKOUT_SESSION_ID}"), CancelURL: stripe.String("http://shop.test/no"),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Price: stripe.String(s.price(t).ID), Quantity: stripe.Int64(1)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func (s standIn) price(t *testing.T) *stripe.Price {
	t.Helper()
	list := s.api.Prices.List(&stripe.PriceListParams{LookupKeys: stripe.StringSlice([]string{"pro_monthly"}), Active: stripe.Bool(true)})
	if !list.Next() {
		t.Fatalf("no price pro_monthly: %v", list.Err())
	}
	return list.Price()
}

// submit sends a form of one of the pages as a browser does, and does not follow.
func submit(t *testing.T, address string, form url.Values) *http.Response {
	t.Helper()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestPayPage_paidCheckoutBecomesASubscription(t *testing.T) {
	t.Parallel()
	s := start(t, stripetest.Options{})
	session := s.checkout(t)

	res := submit(t, session.URL, url.Values{"number": {"4242 4242 4242 4242"}, "card": {"good"}, "action": {"pay"}})

	if want := "http://shop.test/done?s=" + session.ID; res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != want {
		t.Fatalf("pay = %d to %q, want a redirect to %q", res.StatusCode, res.Header.Get("Location"), want)
	}
	params := &stripe.CheckoutSessionParams{}
	params.AddExpand("subscription.latest_invoice.payment_intent.latest_charge")
	params.AddExpand("line_items")
	paid, err := s.api.CheckoutSessions.Get(session.ID, params)
	if err != nil {
		t.Fatal(err)
	}
	sub := paid.Subscription
	invoice := sub.LatestInvoice
	if paid.Status != "complete" || paid.PaymentStatus != "paid" || sub.Status != "active" || sub.Items.Data[0].Price.LookupKey != "pro_monthly" {
		t.Errorf("session %s/%s, subscription %s: want complete, paid and active", paid.Status, paid.PaymentStatus, sub.Status)
	}
	if invoice.Status != "paid" || invoice.PaymentIntent.Status != "succeeded" || invoice.PaymentIntent.LatestCharge.Amount != 1200 {
		t.Errorf("invoice %s, payment %s: want paid by 1200", invoice.Status, invoice.PaymentIntent.Status)
	}
	if got := time.Unix(sub.CurrentPeriodEnd, 0).Sub(time.Unix(sub.CurrentPeriodStart, 0)); got < 28*24*time.Hour {
		t.Errorf("the period lasts %v, want a month", got)
	}
}

func TestPayPage_declinedCardLeavesTheSessionOpen(t *testing.T) {
	t.Parallel()
	s := start(t, stripetest.Options{})
	session := s.checkout(t)

	res := submit(t, session.URL, url.Values{"number": {"4242424242424242"}, "card": {"declined"}, "action": {"pay"}})
	page, _ := io.ReadAll(res.Body)

	if res.StatusCode != http.StatusPaymentRequired || !strings.Contains(string(page), `role="alert"`) {
		t.Errorf("got %d %s, want 402 and an alert", res.StatusCode, page)
	}
	again, err := s.api.CheckoutSessions.Get(session.ID, nil)
	if err != nil || again.Status != "open" {
		t.Errorf("session %v, %v: want it open", again.Status, err)
	}
	if res := submit(t, session.URL, url.Values{"action": {"cancel"}}); res.Header.Get("Location") != "http://shop.test/no" {
		t.Errorf("cancel leads to %q", res.Header.Get("Location"))
	}
}

func TestPortal_cancelsAtThePeriodsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, stripetest.Options{})
	session := s.checkout(t)
	s.Pay(session.ID)
	portal, err := s.api.BillingPortalSessions.New(&stripe.BillingPortalSessionParams{Customer: &session.Customer.ID, ReturnURL: stripe.String("http://shop.test/billing")})
	if err != nil {
		t.Fatal(err)
	}
	paid, _ := s.api.CheckoutSessions.Get(session.ID, nil)

	submit(t, portal.URL, url.Values{"subscription": {paid.Subscription.ID}, "action": {"cancel"}})

	sub, err := s.api.Subscriptions.Get(paid.Subscription.ID, nil)
	if err != nil || !sub.CancelAtPeriodEnd || sub.Status != "active" {
		t.Fatalf("subscription %+v, %v: want it to end with its period", sub, err)
	}
	s.Renew(sub.ID, false)
	if sub, _ = s.api.Subscriptions.Get(sub.ID, nil); sub.Status != "canceled" {
		t.Errorf("after the period it is %s, want canceled", sub.Status)
	}
}

func TestAPI_refusesAsStripeDoes(t *testing.T) {
	t.Parallel()
	s := start(t, stripetest.Options{})
	wrongKey := clientOf(s.url, "sk_test_other")
	newCustomer := func(key, mail string) error {
		p := &stripe.CustomerParams{Email: stripe.String(mail)}
		p.SetIdempotencyKey(key)
		_, err := s.api.Customers.New(p)
		return err
	}
	if err := newCustomer("k1", "a@example.com"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		do     func() error
		status int
		kind   stripe.ErrorType
	}{
		"wrong key":      {func() error { _, err := wrongKey.Customers.Get("cus_1", nil); return err }, 401, stripe.ErrorTypeInvalidRequest},
		"unknown object": {func() error { _, err := s.api.Subscriptions.Get("sub_1", nil); return err }, 404, stripe.ErrorTypeInvalidRequest},
		"unknown parameter": {func() error {
			_, err := s.api.Customers.New(&stripe.CustomerParams{Phone: stripe.String("1")})
			return err
		}, 400, stripe.ErrorTypeInvalidRequest},
		"key used with other params": {func() error { return newCustomer("k1", "b@example.com") }, 400, stripe.ErrorTypeIdempotency},
	} {
		var refused *stripe.Error
		if err := tc.do(); !errors.As(err, &refused) || refused.HTTPStatusCode != tc.status || refused.Type != tc.kind {
			t.Errorf("%s: %v, want status %d of type %s", name, err, tc.status, tc.kind)
		}
	}
}

func TestAPI_sameIdempotencyKeyMakesOneCustomer(t *testing.T) {
	t.Parallel()
	s := start(t, stripetest.Options{})
	ids := map[string]bool{}
	for range 3 {
		p := &stripe.CustomerParams{Email: stripe.String("a@example.com")}
		p.SetIdempotencyKey("once")
		customer, err := s.api.Customers.New(p)
		if err != nil {
			t.Fatal(err)
		}
		ids[customer.ID] = true
	}
	if len(ids) != 1 {
		t.Errorf("%d customers, want 1", len(ids))
	}
}

func TestEvents_pageInBothDirections(t *testing.T) {
	t.Parallel()
	s := start(t, stripetest.Options{})
	for range 7 {
		if _, err := s.api.Customers.New(&stripe.CustomerParams{}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(p *stripe.EventListParams) (ids []string) {
		p.Type, p.Limit = stripe.String("customer.created"), stripe.Int64(2)
		for it := s.api.Events.List(p); it.Next(); {
			ids = append(ids, it.Event().ID)
		}
		return ids
	}
	newestFirst := list(&stripe.EventListParams{})
	if len(newestFirst) != 7 {
		t.Fatalf("%d events, want 7", len(newestFirst))
	}
	p := &stripe.EventListParams{}
	p.EndingBefore = stripe.String(newestFirst[6])
	later := list(p)
	if len(later) != 6 || later[0] != newestFirst[5] || later[5] != newestFirst[0] {
		t.Errorf("after the oldest came %v, want the six later ones, oldest first", later)
	}
}

// endpoint records what it is sent and refuses the first deliveries.
type endpoint struct {
	mu     sync.Mutex
	refuse int
	types  []string
	faults []error
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	event, err := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), "whsec_test")
	if err != nil {
		e.faults = append(e.faults, err)
	}
	if e.refuse > 0 {
		e.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	e.types = append(e.types, string(event.Type))
}

func TestDelivery_signedInOrderAndAgainWhenRefused(t *testing.T) {
	t.Parallel()
	hook := &endpoint{refuse: 3}
	web := httptest.NewServer(hook)
	t.Cleanup(web.Close)
	s := start(t, stripetest.Options{WebhookURL: web.URL, WebhookSecret: "whsec_test", Prices: []stripetest.Price{},
		Pause: func(int) time.Duration { return time.Millisecond }})
	for _, name := range []string{"a", "b"} {
		customer, err := s.api.Customers.New(&stripe.CustomerParams{Name: stripe.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.api.Customers.Update(customer.ID, &stripe.CustomerParams{Name: stripe.String(name + "2")}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	want := "customer.created customer.updated customer.created customer.updated"
	if got := strings.Join(hook.types, " "); got != want || len(hook.faults) > 0 {
		t.Errorf("got %q with faults %v, want %q", got, hook.faults, want)
	}
	undelivered := s.api.Events.List(&stripe.EventListParams{DeliverySuccess: stripe.Bool(false)})
	if undelivered.Next() {
		t.Error("an accepted event is listed as not delivered")
	}
}

func TestState_livesThroughARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "stripe", "state.json")
	first := start(t, stripetest.Options{StateFile: file})
	session := first.checkout(t)
	first.Pay(session.ID)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	hook := &endpoint{}
	web := httptest.NewServer(hook)
	t.Cleanup(web.Close)
	second := start(t, stripetest.Options{StateFile: file, WebhookURL: web.URL, WebhookSecret: "whsec_test"})
	again, err := second.api.CheckoutSessions.Get(session.ID, nil)
	if err != nil || again.Status != "complete" {
		t.Errorf("session %+v, %v: want it complete", again, err)
	}
	if err := second.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(hook.types, " "); !strings.HasSuffix(got, "checkout.session.completed") || len(hook.faults) > 0 {
		t.Errorf("the events of the first run came as %q, faults %v", got, hook.faults)
	}
}

func TestRefundAndDispute_changeTheCharge(t *testing.T) {
	t.Parallel()
	s := start(t, stripetest.Options{})
	session := s.checkout(t)
	s.Pay(session.ID)
	charges := s.api.Charges.List(&stripe.ChargeListParams{Customer: &session.Customer.ID})
	if !charges.Next() {
		t.Fatal("no charge")
	}
	id := charges.Charge().ID
	if !s.Refund(id, 200) || s.Refund(id, 1200) {
		t.Error("refunds: want the first to pass and the second, too large, to be refused")
	}
	dispute := s.Dispute(id)
	charge, err := s.api.Charges.Get(id, nil)
	if err != nil || charge.AmountRefunded != 200 || !charge.Disputed {
		t.Errorf("charge %+v, %v: want 200 refunded and disputed", charge, err)
	}
	s.CloseDispute(dispute, true)
	if got, _ := s.api.Disputes.Get(dispute, nil); got.Status != "won" {
		t.Errorf("dispute %s, want won", got.Status)
	}
}
