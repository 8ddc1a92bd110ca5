// Package provider owns the conversation with those who vouch for people: OpenID
// Connect providers, and the few that speak OAuth 2 with an API of their own. It
// tells who somebody is to a provider. Whose account that is, it does not know.
package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// The ways in which a conversation fails. The texts of what a provider answered
// are left out of them: they may repeat a code or a token.
var (
	ErrIssuer    = errors.New("the answer is another issuer's")
	ErrCode      = errors.New("the code is not taken")
	ErrIdentity  = errors.New("there is no usable proof of who it is")
	ErrNoIDToken = errors.New("the provider has no ID tokens")
	ErrRefresh   = errors.New("the refresh token is not taken")
)

// Identity is who somebody is to a provider.
type Identity struct {
	Subject       string // never empty
	Email         string // in lower case; "" when there is none that can be used
	EmailVerified bool   // the provider says so
	Name          string // "" when there is none
	Image         *string
	// Claims are what the provider said, as a JSON object.
	Claims json.RawMessage
}

// Tokens are what a provider gives for a code, or for a refresh token.
type Tokens struct {
	Access         string
	Refresh        string
	ID             string
	AccessExpires  *time.Time
	RefreshExpires *time.Time
	Scopes         []string // nil: the provider did not say
}

// Options make a provider.
type Options struct {
	// ID names it in our addresses and in the table of accounts.
	ID string
	// ClientIDs are ours there. The first asks; ID tokens may be for any of them.
	ClientIDs []string
	Secret    string
	// Scopes take the place of the usual ones.
	Scopes []string
	// URL is where it is, when that is not the usual place.
	URL string

	Client *http.Client
	Now    func() time.Time
	// Limit bounds a whole conversation: every call that one code leads to.
	Limit time.Duration
}

// Provider vouches for people.
type Provider struct {
	Options
	// FormPost: the answer comes back as a form that the browser posts.
	FormPost bool

	dialect dialect
	// secret makes the client secret for one call.
	secret func(now time.Time) (string, error)
}

// dialect is what providers differ in.
type dialect interface {
	// endpoints gives where to ask, and the name that the provider gives itself
	// in answers.
	endpoints(ctx context.Context) (endpoints, error)
	// reach tells whether the provider is there.
	reach(ctx context.Context) error
	// identity tells whose tokens these are that came for a code. An ID token must
	// hold the nonce.
	identity(ctx context.Context, t Tokens, nonce string) (Identity, error)
	// verify tells whose ID token this is that came in another way, or
	// ErrNoIDToken. A nil nonce is not looked at: with a refresh the first one
	// comes again, or none.
	verify(ctx context.Context, t Tokens, nonce *string) (Identity, error)
	// profile tells what is known of the owner of tokens that were verified before.
	profile(ctx context.Context, t Tokens) (Identity, error)
}

type endpoints struct {
	oauth2.Endpoint
	issuer      string // "" for one that has no name
	namesItself bool   // every answer carries the name (RFC 9207)
	nonce       bool   // ID tokens repeat a nonce
}

func newProvider(o Options, scopes []string, d dialect) *Provider {
	if len(o.Scopes) == 0 {
		o.Scopes = scopes
	}
	return &Provider{Options: o, dialect: d, secret: func(time.Time) (string, error) { return o.Secret, nil }}
}

// Reach tells whether the provider's description can be had, also where it is
// known; those that have none are taken to be there.
func (p *Provider) Reach(ctx context.Context) error {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	return p.dialect.reach(ctx)
}

// limited bounds one conversation.
func (p *Provider) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, p.Client), p.Limit)
}

// config is what the OAuth library wants to know.
func (p *Provider) config(e endpoints, redirect string) (*oauth2.Config, error) {
	secret, err := p.secret(p.Now())
	if err != nil {
		return nil, err
	}
	return &oauth2.Config{ClientID: p.ClientIDs[0], ClientSecret: secret, Endpoint: e.Endpoint, RedirectURL: redirect}, nil
}
