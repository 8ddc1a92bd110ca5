package provider

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// maxToken bounds an ID token, in bytes, before any costly work.
const maxToken = 16 << 10

// clockSkew is how far a provider's clock may be ahead of ours.
const clockSkew = 5 * time.Minute

// openID is the dialect of OpenID Connect.
type openID struct {
	o         Options
	documents *kept[document]
	keys      keys
	// issuer tells the issuer that a token must be of, where the document names
	// a pattern; see Microsoft.
	issuer func(named string, c claims) string
	// verified tells whether the provider stands for the address.
	verified func(c claims) bool
	match    func(named string) bool
}

func newOpenID(o Options) *openID {
	d := &openID{
		o:        o,
		issuer:   func(named string, _ claims) string { return named },
		verified: func(c claims) bool { return c.yes("email_verified") },
	}
	d.documents = newKept(o.Now, d.discover)
	d.keys.set = newKept(o.Now, d.fetchKeys)
	return d
}

func (d *openID) discover(ctx context.Context) (document, error) {
	return discover(ctx, d.o.Client, d.o.URL, d.match)
}

func (d *openID) reach(ctx context.Context) error {
	_, err := d.discover(ctx)
	return err
}

func (d *openID) fetchKeys(ctx context.Context) (*oidc.StaticKeySet, error) {
	doc, _, err := d.documents.get(ctx)
	if err != nil {
		return nil, err
	}
	var text json.RawMessage
	if err := getJSON(ctx, d.o.Client, doc.Keys, "", &text); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	return readKeys(text)
}

func (d *openID) endpoints(ctx context.Context) (endpoints, error) {
	doc, _, err := d.documents.get(ctx)
	if err != nil {
		return endpoints{}, err
	}
	e := endpoints{Endpoint: doc.endpoint(), issuer: doc.Issuer, namesItself: doc.NamesItself, nonce: true}
	if strings.Contains(doc.Issuer, "{") { // a pattern: answers do not name it
		e.issuer = ""
	}
	return e, nil
}

func (d *openID) identity(ctx context.Context, t Tokens, nonce string) (Identity, error) {
	if t.ID == "" {
		return Identity{}, errors.New("there is no ID token")
	}
	return d.verify(ctx, t, &nonce)
}

func (d *openID) verify(ctx context.Context, t Tokens, nonce *string) (Identity, error) {
	c, err := d.check(ctx, t, nonce)
	if err != nil {
		return Identity{}, err
	}
	if t.Access != "" && (c.text("email") == "" || c.text("name") == "") {
		if c, err = d.complete(ctx, t.Access, c); err != nil {
			return Identity{}, err
		}
	}
	return d.read(c)
}

// check verifies an ID token: signature by the configured issuer's keys, issuer,
// audience, end, nonce (OAU-03). Without a nonce it is not looked at.
func (d *openID) check(ctx context.Context, t Tokens, nonce *string) (claims, error) {
	doc, _, err := d.documents.get(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(t.ID) > maxToken:
		return nil, errors.New("the ID token is too long")
	}
	// Issuer and audience are looked at below: there may be more than one of each.
	token, err := oidc.NewVerifier(doc.Issuer, d.keys, &oidc.Config{
		SkipIssuerCheck: true, SkipClientIDCheck: true, SupportedSigningAlgs: doc.algorithms(), Now: d.o.Now,
	}).Verify(ctx, t.ID)
	if err != nil {
		return nil, fmt.Errorf("ID token: %w", reason(err))
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return nil, errors.New("ID token: it has no claims")
	}
	switch party := c.text("azp"); {
	case token.Issuer != d.issuer(doc.Issuer, c):
		return nil, errors.New("ID token: it is another issuer's")
	case !slices.ContainsFunc(token.Audience, d.ours), party != "" && !d.ours(party), party == "" && len(token.Audience) > 1:
		return nil, errors.New("ID token: it is meant for another client")
	case token.IssuedAt.After(d.o.Now().Add(clockSkew)):
		return nil, errors.New("ID token: it is of the future")
	case nonce != nil && subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(*nonce)) == 0:
		return nil, errors.New("ID token: it has another nonce")
	case t.Access != "" && token.AccessTokenHash != "" && token.VerifyAccessToken(t.Access) != nil:
		return nil, errors.New("ID token: it belongs to another access token")
	}
	return c, nil
}

// reason leaves out what go-oidc repeats of a token.
func reason(err error) error {
	var over *oidc.TokenExpiredError
	switch {
	case errors.As(err, &over):
		return errors.New("it is over")
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(err.Error(), "key set"), strings.Contains(err.Error(), "discovery"):
		return errors.New("the provider's keys cannot be had")
	}
	return errors.New("it is malformed, or its signature is not the provider's")
}

func (d *openID) ours(client string) bool { return slices.Contains(d.o.ClientIDs, client) }

// complete adds what the user info endpoint says and the ID token does not. The
// address and whether it is proven always come from one of them together.
func (d *openID) complete(ctx context.Context, access string, c claims) (claims, error) {
	doc, _, err := d.documents.get(ctx)
	if err != nil || doc.UserInfo == "" {
		return c, err
	}
	var more claims
	if err := getJSON(ctx, d.o.Client, doc.UserInfo, access, &more); err != nil {
		return nil, fmt.Errorf("user info: %w", err)
	}
	if subject := more.text("sub"); subject == "" || subject != c.text("sub") { // OpenID Connect Core §5.3.2
		return nil, errors.New("user info: it is somebody else's")
	}
	if c.text("email") != "" {
		delete(more, "email_verified")
	}
	for name, value := range c {
		more[name] = value
	}
	return more, nil
}

func (d *openID) profile(ctx context.Context, t Tokens) (Identity, error) {
	c := claims{}
	if t.ID != "" { // it was verified when it came
		var err error
		if c, err = payload(t.ID); err != nil {
			return Identity{}, err
		}
	}
	if c.text("sub") != "" && c.text("email") != "" {
		return d.read(c)
	}
	doc, _, err := d.documents.get(ctx)
	if err != nil {
		return Identity{}, err
	}
	var more claims
	if err := getJSON(ctx, d.o.Client, doc.UserInfo, t.Access, &more); err != nil {
		return Identity{}, fmt.Errorf("user info: %w", err)
	}
	return d.read(more)
}

func (d *openID) read(c claims) (Identity, error) {
	name := c.text("name")
	if name == "" {
		name = strings.TrimSpace(c.text("given_name") + " " + c.text("family_name"))
	}
	if name == "" {
		name = c.text("preferred_username")
	}
	return newIdentity(c, c.text("sub"), c.text("email"), d.verified(c), name, c.text("picture"))
}
