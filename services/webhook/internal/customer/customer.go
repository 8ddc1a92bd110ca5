// Package customer owns which customer of Stripe's is which person. The binding is
// made here, before anything can be bought, and read from nowhere else: what
// metadata or a reference in an event claims is not honoured (WH-07).
package customer

import (
	"context"
	"errors"
	"log/slog"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/projection"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// Stripe is what is asked of it.
type Stripe interface {
	CreateCustomer(ctx context.Context, b stripe.Buyer, after string) (string, error)
	Fetch(ctx context.Context, kind, id string, expand ...string) (stripe.Snapshot, error)
}

// Learner takes what Stripe answered into the billing state.
type Learner interface {
	Learn(ctx context.Context, answers ...projection.Answer) error
}

// People knows the names and addresses of people.
type People interface {
	Person(ctx context.Context, userID string) (Person, error)
}

// Customers finds the customer of a person, and makes one for the first purchase.
type Customers struct {
	Store  *Store
	Stripe Stripe
	State  Learner
	People People
	Log    *slog.Logger
}

// Ensure gives the person's customer. Two at once make one: they call Stripe under
// one idempotency key, and the database keeps the first binding.
func (c *Customers) Ensure(ctx context.Context, userID string) (string, error) {
	id, err := c.Store.Of(ctx, userID)
	if !errors.Is(err, ErrNone) {
		return id, err
	}
	buyer, err := c.buyer(ctx, userID)
	if err != nil {
		return "", err
	}
	last, err := c.Store.LastDeleted(ctx, userID)
	if err != nil {
		return "", err
	}
	if id, err = c.Stripe.CreateCustomer(ctx, buyer, last); err != nil {
		return "", err
	}
	return c.Store.Bind(ctx, userID, id)
}

// Recheck asks Stripe whether the person's customer is still there. It may have
// been deleted a moment ago, which the event has not told yet; after this, Ensure
// makes another.
func (c *Customers) Recheck(ctx context.Context, userID string) error {
	id, err := c.Store.Of(ctx, userID)
	if err != nil {
		return err
	}
	snapshot, err := c.Stripe.Fetch(ctx, stripe.KindCustomer, id)
	if err != nil {
		return err
	}
	facts, err := stripe.Decode(stripe.KindCustomer, snapshot.Raw, false)
	if err != nil {
		return err
	}
	return c.State.Learn(ctx, projection.Answer{Kind: stripe.KindCustomer, Facts: facts, From: snapshot.From, Until: snapshot.Until})
}

// buyer asks auth who the person is. Without an answer the purchase goes on:
// Stripe's page then asks for the address itself.
func (c *Customers) buyer(ctx context.Context, userID string) (stripe.Buyer, error) {
	p, err := c.People.Person(ctx, userID)
	switch {
	case errors.Is(err, ErrUnknown):
		return stripe.Buyer{}, problem.Unauthorized
	case err != nil:
		c.Log.WarnContext(ctx, "auth does not tell who buys: the customer is made without an address", "err", err)
	}
	return stripe.Buyer{UserID: userID, Email: p.Email, Name: p.Name}, nil
}
