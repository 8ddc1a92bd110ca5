package provider

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// Question is what a browser is sent to a provider with.
type Question struct {
	State    string
	Nonce    string
	Verifier string // of PKCE; only its hash leaves us
	Redirect string // our address for the answer
	Scopes   []string
	Hint     string
	// Params are the client's own. None may be one that we set; see ReservedParam.
	Params map[string]string
}

// reserved are the parameters by which an answer is bound to its question, and
// those that could take their place (RFC 9101).
var reserved = []string{
	"state", "client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "nonce", "scope",
	"response_mode", "request", "request_uri", "registration", "client_secret", "code_verifier",
}

// ReservedParam tells whether a parameter is not the client's to set.
func ReservedParam(name string) bool { return slices.Contains(reserved, strings.ToLower(name)) }

// Ask gives the address at which the provider asks its user.
func (p *Provider) Ask(ctx context.Context, q Question) (string, error) {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	e, err := p.dialect.endpoints(ctx)
	if err != nil {
		return "", err
	}
	params := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(q.Verifier)}
	add := func(name, value string) {
		if value != "" {
			params = append(params, oauth2.SetAuthURLParam(name, value))
		}
	}
	for name, value := range q.Params {
		add(name, value)
	}
	add("login_hint", q.Hint)
	if e.nonce {
		add("nonce", q.Nonce)
	}
	if p.FormPost {
		add("response_mode", "form_post")
	}
	c := oauth2.Config{ClientID: p.ClientIDs[0], Endpoint: e.Endpoint, RedirectURL: q.Redirect, Scopes: p.with(q.Scopes)}
	return c.AuthCodeURL(q.State, params...), nil
}

// with gives the usual scopes and those that were asked for.
func (p *Provider) with(more []string) []string {
	all := slices.Clone(p.Scopes)
	for _, scope := range more {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}
