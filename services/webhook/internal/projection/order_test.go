package projection_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/codex-platform/codex/services/webhook/internal/projection"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// answers is a Stripe that answers with one object, and may be interrupted.
type answers struct {
	object      string
	from, until int64
	err         error
	meanwhile   func()
}

func (a *answers) Fetch(context.Context, string, string, ...string) (stripe.Snapshot, error) {
	if a.meanwhile != nil {
		a.meanwhile()
	}
	return stripe.Snapshot{Raw: []byte(a.object), From: a.from, Until: a.until}, a.err
}

// event writes an event about an object.
func event(kind string, created int64, object string) []byte {
	return fmt.Appendf(nil, `{"id":"evt_%s_%d_%x","object":"event","type":%q,"created":%d,"livemode":false,"data":{"object":%s}}`,
		strings.ReplaceAll(kind, ".", ""), created, len(object)+sum(object), kind, created, object)
}

func sum(s string) (n int) {
	for i, c := range []byte(s) {
		n += (i + 1) * int(c)
	}
	return n
}

func subscription(status string, more string) string {
	return fmt.Sprintf(`{"id":"sub_1","object":"subscription","customer":"cus_1","status":%q,"created":1,"current_period_end":900%s,
		"items":{"data":[{"id":"si_1","price":{"id":"price_1","currency":"eur","lookup_key":"pro_monthly"}}]}}`, status, more)
}

func invoice(status string, attempts int) string {
	return fmt.Sprintf(`{"id":"in_1","object":"invoice","customer":"cus_1","status":%q,"currency":"eur","created":1,"attempt_count":%d}`, status, attempts)
}

func charge(refunded int) string {
	return fmt.Sprintf(`{"id":"ch_1","object":"charge","status":"succeeded","currency":"eur","created":1,"amount":9,"amount_refunded":%d}`, refunded)
}

const (
	created = "customer.subscription.created"
	updated = "customer.subscription.updated"
	deleted = "customer.subscription.deleted"
)

func TestApply_order(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		events  [][]byte
		results string
		query   string // gives the state in the end
		want    string
	}{
		"in order": {[][]byte{event(created, 1, subscription("incomplete", "")), event(updated, 2, subscription("active", ""))},
			"applied applied", `SELECT status FROM billing.subscriptions`, "active"},
		"updated, then created": {[][]byte{event(updated, 2, subscription("active", "")), event(created, 1, subscription("incomplete", ""))},
			"applied stale", `SELECT status FROM billing.subscriptions`, "active"},
		"an old update after a new one": {[][]byte{event(updated, 5, subscription("past_due", "")), event(updated, 4, subscription("active", ""))},
			"applied stale", `SELECT status FROM billing.subscriptions`, "past_due"},
		"created and updated in one second, backwards": {[][]byte{event(updated, 3, subscription("active", "")), event(created, 3, subscription("incomplete", ""))},
			"applied stale", `SELECT status FROM billing.subscriptions`, "active"},
		"created and updated in one second": {[][]byte{event(created, 3, subscription("incomplete", "")), event(updated, 3, subscription("active", ""))},
			"applied applied", `SELECT status FROM billing.subscriptions`, "active"},
		"the end and an update in one second, backwards": {[][]byte{event(deleted, 3, subscription("canceled", "")), event(updated, 3, subscription("active", ""))},
			"applied stale", `SELECT status FROM billing.subscriptions`, "canceled"},
		"the end and an update in one second": {[][]byte{event(updated, 3, subscription("active", "")), event(deleted, 3, subscription("canceled", ""))},
			"applied applied", `SELECT status FROM billing.subscriptions`, "canceled"},
		"two updates that say one thing": {[][]byte{event(updated, 3, subscription("active", "")), event("customer.subscription.resumed", 3, subscription("active", ""))},
			"applied same", `SELECT status FROM billing.subscriptions`, "active"},
		"two updates in one second that differ": {[][]byte{event(updated, 3, subscription("active", "")), event(updated, 3, subscription("past_due", ""))},
			"applied unclear", `SELECT status FROM billing.subscriptions`, "active"},
		"a paid invoice is not opened again": {[][]byte{event("invoice.paid", 3, invoice("paid", 1)), event("invoice.finalized", 3, invoice("open", 0))},
			"applied stale", `SELECT status FROM billing.invoices`, "paid"},
		"attempts only grow": {[][]byte{event("invoice.payment_failed", 3, invoice("open", 2)), event("invoice.updated", 3, invoice("open", 1))},
			"applied stale", `SELECT attempt_count::text FROM billing.invoices`, "2"},
		"refunds only grow": {[][]byte{event("charge.refunded", 3, charge(5)), event("charge.refunded", 3, charge(2)), event("charge.refunded", 3, charge(7))},
			"applied stale applied", `SELECT amount_refunded::text FROM billing.charges`, "7"},
		"an old event that tells too little": {[][]byte{event(updated, 5, subscription("active", "")), event(updated, 4, `{"id":"sub_1","object":"subscription"}`)},
			"applied stale", `SELECT status FROM billing.subscriptions`, "active"},
		"a new event that tells too little": {[][]byte{event(updated, 5, subscription("active", "")), event(updated, 6, `{"id":"sub_1","object":"subscription"}`)},
			"applied incomplete", `SELECT status FROM billing.subscriptions`, "active"},
		"nothing that we keep": {[][]byte{event("tax_rate.created", 5, `{"id":"txr_1","object":"tax_rate"}`), event("invoice.upcoming", 5, `{"object":"invoice"}`)},
			"unused unused", `SELECT count(*)::text FROM billing.stripe_objects`, "0"},
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, together %v", name, together), func(t *testing.T) {
				t.Parallel()
				s := newState(t, &answers{})
				if together {
					s.insert(tc.events...)
					s.drain()
				} else {
					s.apply(tc.events...)
					if got := s.results(); got != tc.results {
						t.Errorf("results %q, want %q", got, tc.results)
					}
				}
				var got string
				if err := s.db.QueryRow(t.Context(), tc.query).Scan(&got); err != nil || got != tc.want {
					t.Errorf("state %q, %v; want %q", got, err, tc.want)
				}
			})
		}
	}
}

func (s *state) status() (status string) {
	s.t.Helper()
	if err := s.db.QueryRow(context.Background(), `SELECT status FROM billing.subscriptions`).Scan(&status); err != nil {
		s.t.Fatal(err)
	}
	return status
}

// doubt brings a subscription into doubt, by events of second 3.
func (s *state) doubt(n int) {
	s.t.Helper()
	s.apply(event(updated, 3, subscription("active", "")))
	for i := range n {
		s.apply(event(updated, 3, subscription("past_due", fmt.Sprintf(`,"cancel_at":%d`, i+1))))
	}
}

func TestSync_manyDoubtsAreOneQuestion(t *testing.T) {
	t.Parallel()
	s := newState(t, &answers{object: subscription("unpaid", ""), from: 10, until: 11})
	s.doubt(20)
	s.ask()
	if s.status() != "unpaid" || s.reads != 1 {
		t.Errorf("%s after %d questions, want unpaid after 1", s.status(), s.reads)
	}
	s.apply(event(updated, 4, subscription("active", ""))) // from before the answer
	s.apply(event(updated, 12, subscription("trialing", "")))
	if s.status() != "trialing" || len(s.queue.take()) != 0 {
		t.Errorf("after a newer event: %s", s.status())
	}
}

// An event that comes while Stripe is asked may be newer than the answer.
func TestSync_asksAgainWhenAnEventCameMeanwhile(t *testing.T) {
	t.Parallel()
	fake := &answers{object: subscription("unpaid", ""), from: 10, until: 11}
	s := newState(t, fake)
	fake.meanwhile = func() {
		fake.meanwhile = nil
		s.apply(event(updated, 12, subscription("trialing", "")))
		fake.object, fake.from, fake.until = subscription("canceled", ""), 14, 15
	}
	s.doubt(1)
	s.ask()
	if s.status() != "canceled" || s.reads != 2 {
		t.Errorf("%s after %d questions, want canceled after 2", s.status(), s.reads)
	}
}

func TestSync_whatStripeDoesNotKnowIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newState(t, &answers{err: fmt.Errorf("gone: %w", stripe.ErrNotFound)})
	s.doubt(1)
	s.ask()
	var dirty int
	if err := s.db.QueryRow(t.Context(), `SELECT count(*) FROM billing.stripe_objects WHERE dirty_seq > synced_seq`).Scan(&dirty); err != nil || dirty != 0 || s.status() != "active" {
		t.Errorf("%d objects in doubt, %v; %s", dirty, err, s.status())
	}
}

func TestSweep_findsDoubtsWhoseJobIsGone(t *testing.T) {
	t.Parallel()
	fake := &answers{err: stripe.ErrUnavailable}
	s := newState(t, fake)
	s.doubt(1)
	for _, job := range s.queue.take() {
		if err := s.syncer.Sync(t.Context(), job.ObjectKind, job.ObjectID); !errors.Is(err, stripe.ErrUnavailable) {
			t.Errorf("Sync = %v", err)
		}
	}
	if err := s.syncer.Sweep(t.Context()); err != nil || len(s.queue.take()) != 0 {
		t.Errorf("a fresh doubt was swept: %v", err)
	}
	s.exec(`UPDATE billing.stripe_objects SET dirty_at = dirty_at - interval '1 hour'`)
	if err := s.syncer.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	*fake = answers{object: subscription("unpaid", ""), from: 10, until: 11}
	s.ask()
	if s.status() != "unpaid" {
		t.Errorf("after the sweep: %s", s.status())
	}
}

// What Stripe answered to a call of ours is the state, and the event that tells the
// same later changes nothing.
func TestLearn_theEventChangesNothing(t *testing.T) {
	t.Parallel()
	s := newState(t, &answers{})
	s.bind(map[string]string{"ada": "cus_1"})
	facts, err := stripe.Decode(stripe.KindSubscription, []byte(subscription("active", "")), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.whole.Learn(t.Context(), projection.Answer{Kind: stripe.KindSubscription, Facts: facts, From: 99, Until: 100}); err != nil {
		t.Fatal(err)
	}
	before := s.dump()
	if !strings.Contains(before, `"plan_key":"pro"`) {
		t.Errorf("the plan does not follow:\n%s", before)
	}
	s.apply(event(created, 98, subscription("incomplete", "")), event(updated, 99, subscription("active", "")))
	if got := s.results(); got != "stale same" || s.dump() != before {
		t.Errorf("results %q\n%s", got, difference(before, s.dump()))
	}
	if n := len(s.queue.calls); n != 1 {
		t.Errorf("storage is told %d times, want once", n)
	}
}

// A price keeps the plan that it was sold as when the lookup key moves on.
func TestPlan_staysWhenTheLookupKeyMovesOn(t *testing.T) {
	t.Parallel()
	s := newState(t, &answers{})
	s.bind(map[string]string{"ada": "cus_1"})
	s.apply(
		event(updated, 3, subscription("active", "")),
		event("price.updated", 4, `{"id":"price_1","object":"price","currency":"eur","lookup_key":null,"active":false}`),
		event("price.created", 4, `{"id":"price_2","object":"price","currency":"eur","lookup_key":"pro_monthly","active":true}`),
		event(updated, 5, subscription("active", `,"cancel_at_period_end":true`)),
	)
	if got := s.dump(); !strings.Contains(got, `"cancel_at_period_end":true,"current_period_end":"1970-01-01T00:15:00+00:00","plan_key":"pro"`) {
		t.Errorf("the plan is gone:\n%s", got)
	}
}
