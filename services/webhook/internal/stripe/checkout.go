package stripe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"
)

// Buyer is a person to become a customer.
type Buyer struct {
	UserID string
	Email  string // may be empty: the page then asks for it
	Name   string
}

// idempotencyKey names a write by what it does, so that the same one, repeated by
// whoever and whenever within Stripe's day, happens once.
func idempotencyKey(op string, parts ...string) *string {
	sum := sha256.Sum256([]byte(op + "\x00" + strings.Join(parts, "\x00")))
	return stripego.String("codex-" + op + "-" + hex.EncodeToString(sum[:16]))
}

// CreateCustomer makes the customer of a person and gives its id. user_id in the
// metadata is for people who look at Stripe's dashboard; nothing is read from it.
func (c *Client) CreateCustomer(ctx context.Context, b Buyer, after string) (string, error) {
	params := &stripego.CustomerParams{Metadata: map[string]string{"user_id": b.UserID}}
	params.Context = ctx
	params.IdempotencyKey = idempotencyKey("customer", b.UserID, b.Email, b.Name, after)
	if b.Email != "" {
		params.Email = stripego.String(b.Email)
	}
	if b.Name != "" {
		params.Name = stripego.String(b.Name)
	}
	customer, err := c.api.Customers.New(params)
	if err != nil {
		return "", translate("create customer", err)
	}
	return customer.ID, nil
}

// PriceByLookupKey finds what a plan costs now. ErrNotFound when nothing active
// has the key.
func (c *Client) PriceByLookupKey(ctx context.Context, key string) (string, error) {
	params := &stripego.PriceListParams{LookupKeys: []*string{&key}, Active: stripego.Bool(true)}
	params.Context, params.Single = ctx, true
	list := c.api.Prices.List(params)
	if list.Next() {
		return list.Price().ID, nil
	}
	if err := list.Err(); err != nil {
		return "", translate("list prices", err)
	}
	return "", fmt.Errorf("stripe: price with lookup key %q: %w", key, ErrNotFound)
}

// Purchase is a checkout to be begun.
type Purchase struct {
	UserID     string
	CustomerID string
	Plan       string
	PriceID    string
	SuccessURL string
	CancelURL  string
	// After names the checkout before this one: the same purchase begun twice at
	// once is one, and begun again later is another.
	After string
}

// CreateCheckout begins the purchase of a subscription.
func (c *Client) CreateCheckout(ctx context.Context, p Purchase) (Session, error) {
	about := map[string]string{"user_id": p.UserID, "plan": p.Plan}
	params := &stripego.CheckoutSessionParams{
		Mode:              stripego.String(string(stripego.CheckoutSessionModeSubscription)),
		Customer:          &p.CustomerID,
		ClientReferenceID: &p.UserID,
		SuccessURL:        &p.SuccessURL,
		CancelURL:         &p.CancelURL,
		LineItems:         []*stripego.CheckoutSessionLineItemParams{{Price: &p.PriceID, Quantity: stripego.Int64(1)}},
		Metadata:          about,
		SubscriptionData:  &stripego.CheckoutSessionSubscriptionDataParams{Metadata: about},
	}
	params.Context = ctx
	params.IdempotencyKey = idempotencyKey("checkout", p.UserID, p.CustomerID, p.Plan, p.PriceID, p.SuccessURL, p.CancelURL, p.After)
	session, err := c.api.CheckoutSessions.New(params)
	if err != nil {
		return Session{}, translate("create checkout session", err)
	}
	return asSession(decodeSession(session.LastResponse.RawJSON))
}

// Checkout asks how a checkout stands, and for what was bought by it. The
// snapshot dates the answer.
func (c *Client) Checkout(ctx context.Context, id string) (Session, Snapshot, error) {
	snapshot, err := c.Fetch(ctx, KindSession, id, "subscription")
	if err != nil {
		return Session{}, Snapshot{}, err
	}
	session, err := asSession(decodeSession(snapshot.Raw))
	return session, snapshot, err
}

// ExpireCheckout ends an open checkout, so that it cannot be paid any more. One
// that is not open is left as it is.
func (c *Client) ExpireCheckout(ctx context.Context, id string) error {
	params := &stripego.CheckoutSessionExpireParams{}
	params.Context = ctx
	_, err := c.api.CheckoutSessions.Expire(id, params)
	err = translate("expire checkout session", err)
	var no *refused
	if errors.As(err, &no) && no.status == http.StatusBadRequest || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// CreatePortal opens Stripe's page on which a customer manages what was bought,
// and gives its address.
func (c *Client) CreatePortal(ctx context.Context, customer, returnURL string) (string, error) {
	params := &stripego.BillingPortalSessionParams{Customer: &customer, ReturnURL: &returnURL}
	params.Context = ctx
	portal, err := c.api.BillingPortalSessions.New(params)
	if err != nil {
		return "", translate("create portal session", err)
	}
	return portal.URL, nil
}

func asSession(f Facts, err error) (Session, error) {
	session, ok := f.(Session)
	if err == nil && !ok {
		err = ErrIncomplete
	}
	return session, err
}
