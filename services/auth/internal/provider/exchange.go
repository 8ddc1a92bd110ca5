package provider

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// Reply is what a browser came back with, and what its question was bound to.
type Reply struct {
	Code     string
	Issuer   string // as the answer names it; "" when it does not
	Verifier string
	Nonce    string
	Redirect string
	Scopes   []string // that were asked for beyond the usual ones
}

// Complete turns the code of a reply into a proven identity and its tokens. All
// calls together stay within the provider's limit.
func (p *Provider) Complete(ctx context.Context, r Reply) (Identity, Tokens, error) {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	e, err := p.dialect.endpoints(ctx)
	if err != nil {
		return Identity{}, Tokens{}, fmt.Errorf("%w: %w", ErrCode, err)
	}
	if e.issuer != "" && r.Issuer != e.issuer && (r.Issuer != "" || e.namesItself) {
		return Identity{}, Tokens{}, ErrIssuer
	}
	c, err := p.config(e, r.Redirect)
	if err != nil {
		return Identity{}, Tokens{}, err
	}
	given, err := c.Exchange(ctx, r.Code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return Identity{}, Tokens{}, fmt.Errorf("%w: %w", ErrCode, brief(err))
	}
	t := p.tokens(given)
	if t.Scopes == nil { // then it gave what was asked for (RFC 6749 §5.1)
		t.Scopes = p.with(r.Scopes)
	}
	who, err := p.dialect.identity(ctx, t, r.Nonce)
	if err != nil {
		return Identity{}, Tokens{}, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return who, t, nil
}

// Verify tells whose ID token this is that a client got by itself. With an access
// token, that must belong to it.
func (p *Provider) Verify(ctx context.Context, t Tokens, nonce string) (Identity, error) {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	return p.dialect.verify(ctx, t, &nonce)
}

// Profile tells what the provider knows of the owner of tokens that we keep.
func (p *Provider) Profile(ctx context.Context, t Tokens) (Identity, error) {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	return p.dialect.profile(ctx, t)
}

// Refresh turns a refresh token into new tokens. What the provider does not give
// anew stays as it was; a new ID token must be of the same subject.
func (p *Provider) Refresh(ctx context.Context, old Tokens, subject string) (Tokens, error) {
	ctx, cancel := p.limited(ctx)
	defer cancel()
	e, err := p.dialect.endpoints(ctx)
	if err != nil {
		return Tokens{}, err
	}
	c, err := p.config(e, "")
	if err != nil {
		return Tokens{}, err
	}
	given, err := c.TokenSource(ctx, &oauth2.Token{RefreshToken: old.Refresh}).Token()
	if err != nil {
		return Tokens{}, fmt.Errorf("%w: %w", ErrRefresh, brief(err))
	}
	t := p.tokens(given)
	if t.Refresh == old.Refresh && t.RefreshExpires == nil {
		t.RefreshExpires = old.RefreshExpires
	}
	if t.Scopes == nil {
		t.Scopes = old.Scopes
	}
	if t.ID == "" {
		t.ID = old.ID
		return t, nil
	}
	who, err := p.dialect.verify(ctx, Tokens{ID: t.ID}, nil)
	if errors.Is(err, ErrNoIDToken) {
		t.ID = old.ID
		return t, nil
	}
	if err != nil || who.Subject != subject {
		return Tokens{}, errors.Join(ErrRefresh, err)
	}
	return t, nil
}

// tokens reads what a token endpoint gave.
func (p *Provider) tokens(given *oauth2.Token) Tokens {
	t := Tokens{Access: given.AccessToken, Refresh: given.RefreshToken}
	t.ID, _ = given.Extra("id_token").(string)
	t.AccessExpires = p.end(given, "expires_in")
	t.RefreshExpires = p.end(given, "refresh_token_expires_in", "refresh_expires_in")
	if scope, _ := given.Extra("scope").(string); scope != "" {
		t.Scopes = strings.FieldsFunc(scope, func(r rune) bool { return r == ' ' || r == ',' })
	}
	return t
}

// longestLife bounds what is believed of a token's life, in seconds.
const longestLife = 10 * 365 * 24 * 60 * 60

// end gives the moment at which a token is over, or nil when nobody says.
func (p *Provider) end(given *oauth2.Token, names ...string) *time.Time {
	for _, name := range names {
		seconds, err := strconv.ParseFloat(fmt.Sprint(given.Extra(name)), 64) // a number, or text where the answer is a form
		if err == nil && seconds > 0 {
			at := p.Now().Add(time.Duration(min(seconds, longestLife)) * time.Second)
			return &at
		}
	}
	return nil
}

// errorCode is the form of the codes of RFC 6749 §5.2.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// brief gives the OAuth library's errors without the bodies in their texts.
func brief(err error) error {
	var answer *oauth2.RetrieveError
	switch {
	case errors.As(err, &answer) && errorCode.MatchString(answer.ErrorCode):
		return errors.New(answer.ErrorCode)
	case errors.As(err, &answer):
		return fmt.Errorf("status %d", answer.Response.StatusCode)
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return context.Canceled
	}
	return errors.New("there was no usable answer")
}
