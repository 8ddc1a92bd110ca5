// Package plan owns what each person may use: which plans there are, which one
// follows from a person's subscriptions, and that storage hears of a change.
//
// A plan follows from what Stripe says was bought, by the price's lookup key,
// never from metadata (WH-07). The version of a person's plan grows with every
// change, so that a message that comes late never replaces a newer one.
package plan

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// ErrNotFound is for a plan that is not sold.
var ErrNotFound = problem.New(http.StatusNotFound, "PLAN_NOT_FOUND", "There is no such plan to buy")

// StatusNone is the status of somebody who never had a subscription.
const StatusNone = "none"

// Plan is one thing to be on.
type Plan struct {
	Key        string `json:"key" doc:"Names the plan for programs"`
	Name       string `json:"name"`
	LookupKey  string `json:"lookup_key,omitempty"`
	Amount     int64  `json:"amount" doc:"In the smallest unit of the currency; 0: free"`
	Currency   string `json:"currency"`
	Interval   string `json:"interval" doc:"day, week, month or year; empty: free"`
	QuotaBytes int64  `json:"quota_bytes"`
}

// Catalogue is all plans, the free one first. As a setting it is a JSON list.
type Catalogue struct{ plans []Plan }

// UnmarshalText reads the setting. The first plan is the free one; every other
// has a lookup key of its own.
func (c *Catalogue) UnmarshalText(text []byte) error {
	var plans []Plan
	if err := json.Unmarshal(text, &plans); err != nil {
		return fmt.Errorf("not a JSON list of plans")
	}
	if len(plans) == 0 || plans[0].LookupKey != "" {
		return fmt.Errorf("the first plan is to be the free one, without a lookup_key")
	}
	seen := map[string]bool{}
	for i, p := range plans {
		switch {
		case p.Key == "" || p.Name == "" || p.QuotaBytes <= 0 || p.Amount < 0:
			return fmt.Errorf("plan %d lacks a key, a name or a quota", i+1)
		case i > 0 && p.LookupKey == "":
			return fmt.Errorf("plan %d lacks a lookup_key", i+1)
		case seen["key "+p.Key] || seen["lookup "+p.LookupKey]:
			return fmt.Errorf("plan %d has the key of another", i+1)
		}
		seen["key "+p.Key], seen["lookup "+p.LookupKey] = true, p.LookupKey != ""
	}
	c.plans = plans
	return nil
}

// All lists the plans.
func (c Catalogue) All() []Plan { return slices.Clone(c.plans) }

// Free is what everybody has.
func (c Catalogue) Free() Plan { return c.plans[0] }

// Named finds a plan by its key.
func (c Catalogue) Named(key string) (Plan, bool) {
	return c.find(func(p Plan) bool { return p.Key == key })
}

// Sold finds a plan that is to be paid for, or ErrNotFound.
func (c Catalogue) Sold(key string) (Plan, error) {
	p, ok := c.find(func(p Plan) bool { return p.Key == key && p.LookupKey != "" })
	if !ok {
		return Plan{}, ErrNotFound
	}
	return p, nil
}

// KeyOf names the plan that a price with this lookup key is sold as; empty: none.
func (c Catalogue) KeyOf(lookupKey string) string {
	p, _ := c.find(func(p Plan) bool { return lookupKey != "" && p.LookupKey == lookupKey })
	return p.Key
}

func (c Catalogue) find(is func(Plan) bool) (Plan, bool) {
	i := slices.IndexFunc(c.plans, is)
	if i < 0 {
		return Plan{}, false
	}
	return c.plans[i], true
}

// Holding is one subscription of a person, by one of its items.
type Holding struct {
	SubscriptionID    string
	Status            string
	PeriodEnd         *time.Time
	CancelAtPeriodEnd bool
	LookupKey         string
	PlanKey           string // what the price was sold as when its key was still its own
}

// State is what one person is on.
type State struct {
	PlanKey           string
	Status            string
	QuotaBytes        int64
	PeriodEnd         *time.Time
	CancelAtPeriodEnd bool
	SubscriptionID    string
	Version           int64
}

// grants tells whether a subscription in this state gives its plan. One that is
// past due does: Stripe still tries to collect, and ends it when it gives up.
func grants(status string) bool {
	return status == stripe.StatusActive || status == stripe.StatusTrialing || status == stripe.StatusPastDue
}

// Resolve gives what follows from all that a person holds: the plan with the
// largest quota among those that are paid for, or the free one.
func (c Catalogue) Resolve(all []Holding) State {
	free := c.Free()
	best := State{PlanKey: free.Key, Status: StatusNone, QuotaBytes: free.QuotaBytes}
	for _, h := range all {
		p, ok := c.planOf(h)
		switch {
		case ok && grants(h.Status) && (best.SubscriptionID == "" || better(p, h, best)):
			best = State{PlanKey: p.Key, Status: h.Status, QuotaBytes: p.QuotaBytes, PeriodEnd: h.PeriodEnd,
				CancelAtPeriodEnd: h.CancelAtPeriodEnd, SubscriptionID: h.SubscriptionID}
		case best.SubscriptionID == "" && !grants(h.Status) && h.Status != stripe.StatusIncomplete:
			best.Status = stripe.StatusCanceled
		}
	}
	return best
}

func better(p Plan, h Holding, than State) bool {
	if p.QuotaBytes != than.QuotaBytes {
		return p.QuotaBytes > than.QuotaBytes
	}
	return h.PeriodEnd != nil && (than.PeriodEnd == nil || h.PeriodEnd.After(*than.PeriodEnd))
}

func (c Catalogue) planOf(h Holding) (Plan, bool) {
	if key := c.KeyOf(h.LookupKey); key != "" {
		return c.Named(key)
	}
	return c.Named(h.PlanKey)
}

// same tells whether two states differ in nothing but their version.
func (s State) same(o State) bool {
	return s.PlanKey == o.PlanKey && s.Status == o.Status && s.QuotaBytes == o.QuotaBytes && s.SubscriptionID == o.SubscriptionID &&
		s.CancelAtPeriodEnd == o.CancelAtPeriodEnd && sameTime(s.PeriodEnd, o.PeriodEnd)
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}
