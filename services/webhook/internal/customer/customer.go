// Package customer owns which customer of Stripe's is which person. The binding is
// made here, before anything can be bought, and read from nowhere else: what
// metadata or a reference in an event claims is not honoured (WH-07).
package customer

import (
	"context"
	"errors"
	"log/slog"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// Maker makes customers at Stripe.
type Maker interface {
	CreateCustomer(ctx context.Context, b stripe.Buyer, after string) (string, error)
}

// People knows the names and addresses of people.
type People interface {
	Person(ctx context.Context, userID string) (Person, error)
}

// Customers finds the customer of a person, and makes one for the first purchase.
type Customers struct {
	Store  *Store
	Stripe Maker
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
