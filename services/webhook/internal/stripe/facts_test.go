package stripe_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

const price = `{"id":"price_1","product":"prod_1","lookup_key":"pro_monthly","currency":"eur","unit_amount":1200,"active":true,"recurring":{"interval":"month","interval_count":1}}`

func TestDecode_oldAndNewShapesAreOne(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ kind, old, new string }{
		"the period of a subscription": {
			stripe.KindSubscription,
			`{"id":"sub_1","customer":"cus_1","status":"active","created":100,"currency":"eur","current_period_start":100,"current_period_end":200,"items":{"data":[{"id":"si_1","quantity":1,"price":` + price + `}]}}`,
			`{"id":"sub_1","customer":{"id":"cus_1"},"status":"active","created":100,"currency":"eur","items":{"data":[{"id":"si_1","current_period_start":100,"current_period_end":200,"quantity":1,"price":` + price + `}]}}`,
		},
		"the subscription and the payment of an invoice": {
			stripe.KindInvoice,
			`{"id":"in_1","customer":"cus_1","status":"paid","currency":"eur","created":100,"amount_paid":1200,"subscription":"sub_1","payment_intent":"pi_1"}`,
			`{"id":"in_1","customer":"cus_1","status":"paid","currency":"eur","created":100,"amount_paid":1200,"parent":{"subscription_details":{"subscription":"sub_1"}},"payments":{"data":[{"payment":{"payment_intent":"pi_1"}}]}}`,
		},
		"a charge with its payment expanded": {
			stripe.KindCharge,
			`{"id":"ch_1","payment_intent":"pi_1","status":"succeeded","amount":5,"currency":"eur","created":100}`,
			`{"id":"ch_1","payment_intent":{"id":"pi_1","object":"payment_intent"},"status":"succeeded","amount":5,"currency":"eur","created":100,"added_later":[1,2]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, err := stripe.Decode(tc.kind, []byte(tc.old), false)
			if err != nil {
				t.Fatal(err)
			}
			after, err := stripe.Decode(tc.kind, []byte(tc.new), false)
			if err != nil || !reflect.DeepEqual(before, after) {
				t.Errorf("old shape: %+v\nnew shape: %+v, %v", before, after, err)
			}
		})
	}
}

func TestDecode_subscription(t *testing.T) {
	t.Parallel()
	raw := `{"id":"sub_1","customer":"cus_1","status":"past_due","created":100,"currency":"eur","cancel_at_period_end":true,"cancel_at":200,
		"latest_invoice":{"id":"in_9"},"items":{"data":[{"id":"si_1","price":` + price + `,"current_period_start":100,"current_period_end":150},{"id":"si_2","quantity":3,"price":` + price + `,"current_period_start":90,"current_period_end":200}]}}`
	facts, err := stripe.Decode(stripe.KindSubscription, []byte(raw), false)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := facts.(stripe.Subscription)
	if !ok {
		t.Fatalf("got a %T", facts)
	}
	if !s.PeriodStart.Equal(time.Unix(90, 0)) || !s.PeriodEnd.Equal(time.Unix(200, 0)) {
		t.Errorf("the period is %v to %v, want the widest of the items'", s.PeriodStart, s.PeriodEnd)
	}
	if s.LatestInvoiceID != "in_9" || len(s.Items) != 2 || s.Items[0].Quantity != 1 || s.Items[1].Quantity != 3 || s.Items[0].Price.LookupKey != "pro_monthly" {
		t.Errorf("got %+v", s)
	}
}

func TestDecode_missingFactsAreIncomplete(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ kind, raw, missing string }{
		"no period anywhere":    {stripe.KindSubscription, `{"id":"sub_1","customer":"cus_1","status":"active","created":1,"items":{"data":[{"id":"si_1","price":` + price + `}]}}`, "current_period_end"},
		"no price":              {stripe.KindSubscription, `{"id":"sub_1","customer":"cus_1","status":"active","created":1,"current_period_end":2,"items":{"data":[{"id":"si_1"}]}}`, "items.price"},
		"status as a number":    {stripe.KindInvoice, `{"id":"in_1","status":7,"currency":"eur","created":1}`, ""},
		"amount beyond numbers": {stripe.KindCharge, `{"id":"ch_1","amount":99999999999999999999}`, ""},
		"nothing":               {stripe.KindDispute, `{}`, "id"},
		"not an object":         {stripe.KindPayment, `[]`, ""},
	} {
		if _, err := stripe.Decode(tc.kind, []byte(tc.raw), false); !errors.Is(err, stripe.ErrIncomplete) || !strings.Contains(err.Error(), tc.missing) {
			t.Errorf("%s: %v, want incomplete for %q", name, err, tc.missing)
		}
	}
	if _, err := stripe.Decode("tax_rate", []byte(`{"id":"txr_1"}`), false); !errors.Is(err, stripe.ErrNotKept) {
		t.Errorf("a kind that we do not keep: %v", err)
	}
}

func TestDecode_leavesOutWhatATextColumnCannotHold(t *testing.T) {
	t.Parallel()
	facts, err := stripe.Decode(stripe.KindInvoice, []byte(`{"id":"in_1","status":"open","currency":"eur","created":1,"number":"A\u0000B"}`), false)
	if i, ok := facts.(stripe.Invoice); err != nil || !ok || i.Number != "AB" {
		t.Errorf("got %+v, %v", facts, err)
	}
}

func TestParseEnvelope(t *testing.T) {
	t.Parallel()
	good := `{"id":"evt_1","object":"event","type":"customer.updated","api_version":"2023-10-16","created":100,"livemode":true,"account":null,"data":{"object":{"id":"cus_1","object":"customer","name":"Åsa\u0000"}}}`
	e, err := stripe.ParseEnvelope([]byte(good))
	want := stripe.Envelope{ID: "evt_1", Type: "customer.updated", APIVersion: "2023-10-16", Created: 100, Livemode: true, ObjectKind: "customer", ObjectID: "cus_1"}
	if err != nil || e != want {
		t.Errorf("got %+v, %v; want %+v", e, err, want)
	}
	if _, err := stripe.ParseEnvelope([]byte(`{"id":"evt_1","type":"invoice.upcoming","created":1,"data":{"object":{"object":"invoice"}}}`)); err != nil {
		t.Errorf("an object without an id: %v", err)
	}
	for name, bad := range map[string]string{
		"not JSON":          `{"id":`,
		"not an object":     `[]`,
		"no id":             strings.Replace(good, "evt_1", "", 1),
		"no type":           strings.Replace(good, "customer.updated", "", 1),
		"no time":           strings.Replace(good, "100", "0", 1),
		"NUL in the id":     strings.Replace(good, "evt_1", `evt\u0000`, 1),
		"line end in type":  strings.Replace(good, "customer.updated", `customer\n`, 1),
		"blank in the kind": strings.Replace(good, `"object":"customer"`, `"object":"cust omer"`, 1),
		"not ASCII":         strings.Replace(good, "cus_1", "cüs_1", 1),
		"256 bytes":         strings.Replace(good, "evt_1", strings.Repeat("e", 256), 1),
		"id is a number":    strings.Replace(good, `"evt_1"`, `7`, 1),
	} {
		if _, err := stripe.ParseEnvelope([]byte(bad)); !errors.Is(err, stripe.ErrEnvelope) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
}

func FuzzParseEnvelope(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","type":"x","created":1,"data":{"object":{"id":"cus_1","object":"customer"}}}`))
	f.Add([]byte(`{"id":{"id":[]},"data":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := stripe.ParseEnvelope(body)
		if err != nil {
			return
		}
		raw, err := stripe.Payload(body)
		if err != nil {
			return
		}
		_, _ = stripe.Decode(e.ObjectKind, raw, stripe.Deletes(e.Type)) // any answer but a panic
	})
}
