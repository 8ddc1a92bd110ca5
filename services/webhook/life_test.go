package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// From the first click to the end of the plan.
func TestLifeOfASubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	if p := ada.plan(); p.Plan != "free" || p.Status != "none" || p.QuotaBytes != freeQuota || p.CurrentPeriodEnd != nil {
		t.Errorf("before: %+v", p)
	}
	sub := ada.buy()

	bought := ada.plan()
	if bought.Name != "Pro" || bought.Status != "active" || bought.QuotaBytes != proQuota || bought.CurrentPeriodEnd == nil || bought.Version == 0 {
		t.Errorf("after paying: %+v", bought)
	}
	w.eventually(func() bool { return len(w.storage.messages()) == 1 }, "storage was not told")
	first := w.storage.messages()[0]
	if first.User != "ada" || first.Plan != "pro" || first.Quota != proQuota || first.Version == 0 {
		t.Errorf("storage was told %+v", first)
	}
	ada.do(http.MethodPost, billing+"/checkout", `{"plan":"pro"}`).refused(t, http.StatusConflict, "ALREADY_SUBSCRIBED")

	w.cancelInPortal(ada, sub)
	w.eventually(func() bool { return ada.plan().CancelAtPeriodEnd }, "the end was not planned")
	if p := ada.plan(); p.Plan != "pro" || p.Version <= bought.Version {
		t.Errorf("with its end planned: %+v", p)
	}
	w.stripe.Renew(sub, false)
	w.eventually(func() bool { return ada.plan().Plan == "free" }, "the plan did not end")
	if p := ada.plan(); p.Status != "canceled" || p.QuotaBytes != freeQuota || p.CurrentPeriodEnd != nil {
		t.Errorf("at the end: %+v", p)
	}
	w.eventually(func() bool { return len(w.storage.messages()) == 2 }, "storage was not told of the end")
	if last := w.storage.messages()[1]; last.Plan != "free" || last.Quota != freeQuota || last.Version <= first.Version {
		t.Errorf("storage was told %+v after %+v", last, first)
	}
	ada.buy() // and again
}

// cancelInPortal presses the button on Stripe's page.
func (w *world) cancelInPortal(c client, sub string) {
	w.t.Helper()
	var portal page
	c.do(http.MethodPost, billing+"/portal", "").decode(w.t, http.StatusOK, &portal)
	r, err := http.NewRequest(http.MethodPost, portal.URL, strings.NewReader("action=cancel&subscription="+sub))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := w.send(r); got.status != http.StatusOK {
		w.t.Fatalf("portal: %d", got.status)
	}
}

// The person comes back before the event does (U15).
func TestCheckout_isRightBeforeTheEventComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	w.stripe.Hold()
	begun := ada.checkout()
	var now struct{ ID, Status, Plan string }
	ada.do(http.MethodGet, billing+"/checkout/"+begun.ID, "").decode(t, http.StatusOK, &now)
	if now.Status != "open" || now.Plan != "free" {
		t.Errorf("before paying: %+v", now)
	}
	w.stripe.Pay(begun.ID)
	w.eventually(func() bool {
		ada.do(http.MethodGet, billing+"/checkout/"+begun.ID, "").decode(t, http.StatusOK, &now)
		return now.Status == "complete" && now.Plan == "pro"
	}, "the page does not learn of the payment")
	if n := w.count(`SELECT count(*) FROM billing.stripe_events WHERE type <> 'customer.created' AND type NOT LIKE 'pr%'`); n != 0 {
		t.Errorf("%d events came already, so nothing was shown", n)
	}
	version := ada.plan().Version

	w.stripe.Release()
	if err := w.stripe.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.worked()
	if p := ada.plan(); p.Plan != "pro" || p.Version != version {
		t.Errorf("the events changed %d into %+v", version, p)
	}
}

func TestCheckout_isUsedAgainWhileItIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	results := make(chan page, 8)
	for range cap(results) {
		go func() {
			var p page
			ada.do(http.MethodPost, billing+"/checkout", `{"plan":"pro"}`).decode(t, http.StatusOK, &p)
			results <- p
		}()
	}
	first := <-results
	for range cap(results) - 1 {
		if p := <-results; p != first {
			t.Errorf("one click gave %v, another %v", first, p)
		}
	}
	if again := ada.checkout(); again != first {
		t.Errorf("later it is %v, want %v", again, first)
	}
	if n := w.count(`SELECT count(*) FROM billing.customers WHERE user_id = 'ada'`); n != 1 {
		t.Errorf("%d customers, want 1", n)
	}
}

// A second click after the payment, before its event.
func TestCheckout_refusesASecondSubscriptionBeforeTheEventComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	w.stripe.Hold()
	w.stripe.Pay(ada.checkout().ID)
	ada.do(http.MethodPost, billing+"/checkout", `{"plan":"pro"}`).refused(t, http.StatusConflict, "ALREADY_SUBSCRIBED")
}

func TestCheckout_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	begun := ada.checkout()
	w.as("eve").do(http.MethodGet, billing+"/checkout/"+begun.ID, "").refused(t, http.StatusNotFound, "CHECKOUT_NOT_FOUND")
	ada.do(http.MethodGet, billing+"/checkout/cs_unknown", "").refused(t, http.StatusNotFound, "CHECKOUT_NOT_FOUND")
	ada.do(http.MethodPost, billing+"/checkout", `{"plan":"free"}`).refused(t, http.StatusNotFound, "PLAN_NOT_FOUND")
	ada.do(http.MethodPost, billing+"/checkout", `{"plan":"gold"}`).refused(t, http.StatusNotFound, "PLAN_NOT_FOUND")
	ada.do(http.MethodPost, billing+"/checkout", `{"plan":"pro","price":1}`).refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
	ada.do(http.MethodPost, billing+"/checkout", `{"plan":`).refused(t, http.StatusBadRequest, "MALFORMED_REQUEST")
	w.as("bob").do(http.MethodPost, billing+"/portal", "").refused(t, http.StatusConflict, "NO_CUSTOMER")
	for _, path := range []string{"/plans", "/plan", "/subscriptions", "/payments", "/checkout/cs_1"} {
		w.asNobody().do(http.MethodGet, billing+path, "").refused(t, http.StatusUnauthorized, "UNAUTHORIZED")
	}
	w.asNobody().do(http.MethodPost, billing+"/checkout", `{"plan":"pro"}`).refused(t, http.StatusUnauthorized, "UNAUTHORIZED")
	ada.do(http.MethodDelete, billing+"/plan", "").refused(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	ada.do(http.MethodGet, billing+"/payments?cursor=bm9wZQ", "").refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
}

func TestCheckout_declinedCardChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	begun := ada.checkout()
	w.stripe.Decline(begun.ID)
	w.eventually(func() bool { p := ada.payments(); return len(p) == 1 && p[0].Status == "failed" }, "the attempt is not shown")
	if p := ada.plan(); p.Plan != "free" {
		t.Errorf("plan %+v", p)
	}
	if ada.checkout() != begun {
		t.Error("the checkout is not open any more")
	}
}

type paid struct {
	ID             string
	Amount         int64
	AmountRefunded int64 `json:"amount_refunded"`
	Currency       string
	Status         string
	Description    string
	InvoiceURL     *string   `json:"invoice_url"`
	CreatedAt      time.Time `json:"created_at"`
}

func (c client) payments() []paid {
	c.w.t.Helper()
	var list struct{ Items []paid }
	c.do(http.MethodGet, billing+"/payments", "").decode(c.w.t, http.StatusOK, &list)
	return list.Items
}

func TestPayments_showRefundsAndDisputes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	ada.buy()
	w.eventually(func() bool { return len(ada.payments()) == 1 && ada.payments()[0].InvoiceURL != nil }, "the payment is not shown")
	p := ada.payments()[0]
	if p.Amount != 1200 || p.Currency != "eur" || p.Status != "succeeded" || p.Description == "" || !strings.Contains(*p.InvoiceURL, "/invoice/in_") {
		t.Errorf("payment %+v", p)
	}
	var charge string
	if err := w.pool.QueryRow(t.Context(), `SELECT id FROM billing.charges`).Scan(&charge); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do     func()
		status string
	}{
		{func() { w.stripe.Refund(charge, 200) }, "partially_refunded"},
		{func() { w.stripe.Refund(charge, 1000) }, "refunded"},
		{func() { w.stripe.Dispute(charge) }, "disputed"},
	} {
		step.do()
		w.eventually(func() bool { return ada.payments()[0].Status == step.status }, step.status+" is not shown")
	}
	w.eventually(func() bool { // the charge and its dispute come by two events
		return w.count(`SELECT count(*) FROM billing.disputes WHERE status = 'needs_response' AND due_by IS NOT NULL AND charge_id = $1`, charge) == 1
	}, "the dispute is not there")
	if got := w.as("eve").payments(); len(got) != 0 {
		t.Errorf("somebody else sees %+v", got)
	}
}

func TestLists_pageThroughEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	sub := ada.buy()
	for range 4 {
		w.stripe.Renew(sub, false)
	}
	w.eventually(func() bool { return len(ada.payments()) == 5 }, "not all payments came")
	all := ada.payments()
	var got []paid
	for cursor := ""; ; {
		var list struct {
			Items []paid
			Next  *string `json:"next_cursor"`
		}
		ada.do(http.MethodGet, billing+"/payments?limit=2&cursor="+cursor, "").decode(t, http.StatusOK, &list)
		got = append(got, list.Items...)
		if list.Next == nil {
			break
		}
		cursor = *list.Next
	}
	if len(got) != len(all) {
		t.Fatalf("%d on pages, %d in all", len(got), len(all))
	}
	for i := range got {
		if got[i].ID != all[i].ID {
			t.Errorf("place %d: %s, want %s", i, got[i].ID, all[i].ID)
		}
	}
}

func TestPlan_pastDueKeepsThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	sub := ada.buy()
	w.stripe.Renew(sub, true)
	w.eventually(func() bool { return ada.plan().Status == "past_due" }, "the failed payment is not shown")
	if p := ada.plan(); p.Plan != "pro" || p.QuotaBytes != proQuota {
		t.Errorf("past due: %+v", p)
	}
}

// What metadata and references claim is not honoured (WH-07).
func TestPlan_followsFromTheBindingAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	eve := w.as("eve")
	ada := w.as("ada")
	ada.checkout() // ada has a customer, and nothing else
	sub := w.stripe.Object(eve.buy())
	forged := map[string]any{}
	for k, v := range sub {
		forged[k] = v
	}
	forged["id"], forged["customer"] = "sub_forged", "cus_of_nobody"
	forged["metadata"] = map[string]any{"user_id": "ada", "plan": "pro"}
	w.stripe.Emit("customer.subscription.created", forged)
	w.stripe.Emit("checkout.session.completed", map[string]any{
		"id": "cs_forged", "object": "checkout.session", "status": "complete", "payment_status": "paid", "client_reference_id": "ada",
		"customer": "cus_of_nobody", "subscription": "sub_forged", "metadata": map[string]any{"user_id": "ada"},
	})
	if err := w.stripe.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.worked()
	if n := w.count(`SELECT count(*) FROM billing.subscriptions WHERE id = 'sub_forged'`); n != 1 {
		t.Fatalf("the forged subscription was not kept, so nothing was shown (%d)", n)
	}
	if p := ada.plan(); p.Plan != "free" {
		t.Errorf("a reference gave ada %+v", p)
	}
}

func TestUnlink_takesThePersonOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	sub := ada.buy()
	ada.do(http.MethodDelete, "/internal/v1/users/ada", "").refused(t, http.StatusUnauthorized, "SERVICE_TOKEN_REFUSED")
	for range 2 {
		w.asService().do(http.MethodDelete, "/internal/v1/users/ada", "").decode(t, http.StatusNoContent, nil)
	}
	w.stripe.Renew(sub, false) // events go on and find nobody
	if err := w.stripe.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.worked()
	if p := ada.plan(); p.Plan != "free" || len(ada.payments()) != 0 {
		t.Errorf("after the deletion: %+v, %v", p, ada.payments())
	}
	if n := w.count(`SELECT (SELECT count(*) FROM billing.customers WHERE user_id = 'ada') + (SELECT count(*) FROM billing.checkouts) + (SELECT count(*) FROM billing.plan_state)`); n != 0 {
		t.Errorf("%d rows still name the person", n)
	}
}

// A customer that was deleted at Stripe is not used again, not even before the
// event of the deletion comes.
func TestCheckout_afterTheCustomerWasDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	ada.checkout()
	w.stripe.Hold()
	w.deleteCustomer("ada")
	ada.do(http.MethodPost, billing+"/portal", "").refused(t, http.StatusConflict, "NO_CUSTOMER")
	w.expireCheckouts()
	ada.checkout()
	w.stripe.Release()
	ada.buy()

	w.deleteCustomer("ada")
	w.eventually(func() bool { return ada.plan().Plan == "free" }, "the plan outlives its customer")
	ada.buy()
	if n := w.count(`SELECT count(*) FROM billing.customers WHERE user_id = 'ada'`); n != 3 {
		t.Errorf("%d customers, want two deleted ones and a new one", n)
	}
}

// expireCheckouts ends the open ones at Stripe, without an event.
func (w *world) expireCheckouts() {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), `UPDATE billing.checkouts SET status = 'expired'`); err != nil {
		w.t.Fatal(err)
	}
}

// deleteCustomer deletes a person's customer at Stripe.
func (w *world) deleteCustomer(user string) {
	t := w.t
	t.Helper()
	var old string
	if err := w.pool.QueryRow(t.Context(), `SELECT id FROM billing.customers WHERE user_id = $1 AND NOT deleted`, user).Scan(&old); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodDelete, w.stripe.URL+"/v1/customers/"+old, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.stripe.SecretKey())
	w.send(r).decode(t, http.StatusOK, nil)
}
