// Package checkout owns the way to buy a plan: it begins a purchase on a page of
// Stripe's and tells how it stands. Nobody gets a second subscription by it: an
// open checkout is used again, a person who has a live subscription is refused,
// and a checkout for another plan ends the one before.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
	"github.com/codex-platform/codex/services/webhook/internal/projection"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

var (
	// ErrSubscribed is for somebody who has a live subscription.
	ErrSubscribed = problem.New(http.StatusConflict, "ALREADY_SUBSCRIBED", "You have a plan already: change it on the billing page")
	// ErrNotFound is for a checkout that is not the caller's.
	ErrNotFound = problem.New(http.StatusNotFound, "CHECKOUT_NOT_FOUND", "There is no such checkout")
)

const (
	// priceFor is how long the price of a plan is remembered.
	priceFor = 5 * time.Minute
	// leftAtLeast is how long an open checkout must still live to be used again.
	leftAtLeast = 10 * time.Minute
	// followFor is how long after its beginning a paid checkout is still followed.
	followFor = 2 * time.Hour
	// askEvery bounds how often Stripe is asked for one checkout, whoever polls.
	askEvery = time.Second
)

// Stripe is what is asked of it.
type Stripe interface {
	PriceByLookupKey(ctx context.Context, key string) (string, error)
	CreateCheckout(ctx context.Context, p stripe.Purchase) (stripe.Session, error)
	Checkout(ctx context.Context, id string) (stripe.Session, stripe.Snapshot, error)
	ExpireCheckout(ctx context.Context, id string) error
}

// Customers finds or makes the customer of a person.
type Customers interface {
	Ensure(ctx context.Context, userID string) (string, error)
	Recheck(ctx context.Context, userID string) error
}

// Learner takes what Stripe answered into the billing state.
type Learner interface {
	Learn(ctx context.Context, answers ...projection.Answer) error
}

// Checkout is one purchase.
type Checkout struct {
	ID            string
	PlanKey       string
	URL           string
	Status        string
	PaymentStatus string
	ExpiresAt     time.Time
	CreatedAt     time.Time
}

// Checkouts begins purchases and follows them.
type Checkouts struct {
	Store     *Store
	Stripe    Stripe
	Customers Customers
	State     Learner
	Plans     *plan.Store
	// SuccessURL and CancelURL are where Stripe's page leads back to.
	SuccessURL, CancelURL string
	Log                   *slog.Logger
	Now                   func() time.Time

	mu     sync.Mutex
	prices map[string]knownPrice // by lookup key
}

type knownPrice struct {
	id    string
	until time.Time
}

// Begin gives a page to buy a plan on.
func (c *Checkouts) Begin(ctx context.Context, userID, planKey string) (Checkout, error) {
	wanted, err := c.Plans.Catalogue.Sold(planKey)
	if err != nil {
		return Checkout{}, err
	}
	if err := c.refuseSecond(ctx, userID); err != nil {
		return Checkout{}, err
	}
	last, err := c.Store.Last(ctx, userID)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return Checkout{}, err
	default:
		reused, err := c.reuse(ctx, userID, last, planKey)
		if err != nil || reused {
			return last, err
		}
	}
	made, err := c.create(ctx, userID, wanted, last.ID)
	if errors.Is(err, stripe.ErrNotFound) {
		// The customer was deleted, or the price replaced, and we had not heard of it.
		if err := c.Customers.Recheck(ctx, userID); err != nil {
			return Checkout{}, err
		}
		c.forgetPrice(wanted.LookupKey)
		return c.create(ctx, userID, wanted, last.ID)
	}
	return made, err
}

func (c *Checkouts) refuseSecond(ctx context.Context, userID string) error {
	subscribed, err := c.Store.Subscribed(ctx, userID)
	if err == nil && subscribed {
		err = ErrSubscribed
	}
	return err
}

// reuse tells whether the last checkout can still be paid. Stripe is asked: it may
// have been paid a moment ago, which the event has not told yet. One for another
// plan is ended, so that two can never be paid.
func (c *Checkouts) reuse(ctx context.Context, userID string, last Checkout, planKey string) (bool, error) {
	if last.Status != stripe.SessionOpen {
		return false, nil
	}
	session, err := c.ask(ctx, last.ID)
	switch {
	case errors.Is(err, stripe.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case session.Status == stripe.SessionComplete:
		if err := c.refuseSecond(ctx, userID); err != nil {
			return false, err
		}
		return false, nil
	case session.Status != stripe.SessionOpen:
		return false, nil
	case last.PlanKey == planKey && last.ExpiresAt.Sub(c.Now()) > leftAtLeast:
		return true, nil
	}
	return false, c.Stripe.ExpireCheckout(ctx, last.ID)
}

// create begins a purchase. The one before it is part of what names it to Stripe,
// so two clicks at once begin one purchase.
func (c *Checkouts) create(ctx context.Context, userID string, wanted plan.Plan, after string) (Checkout, error) {
	customer, err := c.Customers.Ensure(ctx, userID)
	if err != nil {
		return Checkout{}, err
	}
	price, err := c.price(ctx, wanted.LookupKey)
	if err != nil {
		return Checkout{}, err
	}
	session, err := c.Stripe.CreateCheckout(ctx, stripe.Purchase{
		UserID: userID, CustomerID: customer, Plan: wanted.Key, PriceID: price, SuccessURL: c.SuccessURL, CancelURL: c.CancelURL, After: after,
	})
	if err != nil {
		return Checkout{}, err
	}
	if session.URL == "" || session.ExpiresAt == nil {
		return Checkout{}, fmt.Errorf("begin a checkout: %w", stripe.ErrIncomplete)
	}
	made := Checkout{ID: session.ID, PlanKey: wanted.Key, URL: session.URL, Status: session.Status, PaymentStatus: session.PaymentStatus,
		ExpiresAt: *session.ExpiresAt, CreatedAt: c.Now()}
	return made, c.Store.Add(ctx, userID, customer, made)
}

// price finds what a plan costs, and remembers it for a while.
func (c *Checkouts) price(ctx context.Context, lookupKey string) (string, error) {
	c.mu.Lock()
	known, ok := c.prices[lookupKey]
	c.mu.Unlock()
	if ok && c.Now().Before(known.until) {
		return known.id, nil
	}
	id, err := c.Stripe.PriceByLookupKey(ctx, lookupKey)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.prices == nil {
		c.prices = map[string]knownPrice{}
	}
	c.prices[lookupKey] = knownPrice{id, c.Now().Add(priceFor)}
	return id, nil
}

func (c *Checkouts) forgetPrice(lookupKey string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.prices, lookupKey)
}

// Follow tells how a purchase stands, and which plan the person is on now. Until
// the two agree Stripe is asked, and what was bought is kept at once: the page is
// right before the event comes (U15).
func (c *Checkouts) Follow(ctx context.Context, userID, id string) (Checkout, plan.State, error) {
	found, now, err := c.look(ctx, userID, id)
	if err != nil || c.settled(found, now) {
		return found, now, err
	}
	mayAsk, err := c.Store.Asking(ctx, id, c.Now(), askEvery)
	if err != nil || !mayAsk {
		return found, now, err
	}
	if _, err := c.ask(ctx, id); errors.Is(err, stripe.ErrUnavailable) {
		c.Log.WarnContext(ctx, "a checkout cannot be asked for: its event will tell", "err", err)
		return found, now, nil
	} else if err != nil {
		return Checkout{}, plan.State{}, err
	}
	return c.look(ctx, userID, id)
}

func (c *Checkouts) look(ctx context.Context, userID, id string) (Checkout, plan.State, error) {
	found, err := c.Store.Find(ctx, userID, id)
	if err != nil {
		return Checkout{}, plan.State{}, err
	}
	now, err := c.Plans.Of(ctx, userID)
	return found, now, err
}

// settled tells whether there is nothing more to learn of a purchase.
func (c *Checkouts) settled(found Checkout, now plan.State) bool {
	switch found.Status {
	case stripe.SessionExpired:
		return true
	case stripe.SessionComplete:
		return now.PlanKey == found.PlanKey || c.Now().Sub(found.CreatedAt) > followFor
	}
	return false
}

// ask gets a checkout from Stripe and keeps what it tells.
func (c *Checkouts) ask(ctx context.Context, id string) (stripe.Session, error) {
	session, at, err := c.Stripe.Checkout(ctx, id)
	if err != nil {
		return stripe.Session{}, err
	}
	answers := []projection.Answer{{Kind: stripe.KindSession, Facts: session, From: at.From, Until: at.Until}}
	if session.Subscription != nil {
		answers = append(answers, projection.Answer{Kind: stripe.KindSubscription, Facts: *session.Subscription, From: at.From, Until: at.Until})
	}
	return session, c.State.Learn(ctx, answers...)
}
