package link

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Sealed are a provider's tokens as they are stored: what reads the table learns
// nothing (OAU-10).
type Sealed struct {
	AccessToken           *string
	RefreshToken          *string
	IDToken               *string
	AccessTokenExpiresAt  *time.Time
	RefreshTokenExpiresAt *time.Time
	// Scope is a list with commas.
	Scope *string
}

func (l *Links) seal(t provider.Tokens) (Sealed, error) {
	var s Sealed
	for _, part := range []struct {
		clear string
		into  **string
	}{{t.Access, &s.AccessToken}, {t.Refresh, &s.RefreshToken}, {t.ID, &s.IDToken}} {
		if part.clear == "" {
			continue
		}
		text, err := l.Ring.Encrypt([]byte(part.clear))
		if err != nil {
			return Sealed{}, fmt.Errorf("seal token: %w", err)
		}
		*part.into = &text
	}
	s.AccessTokenExpiresAt, s.RefreshTokenExpiresAt = moment(t.AccessExpires), moment(t.RefreshExpires)
	if t.Scopes != nil {
		scope := strings.Join(t.Scopes, ",")
		s.Scope = &scope
	}
	return s, nil
}

func (l *Links) open(s Sealed) (provider.Tokens, error) {
	t := provider.Tokens{AccessExpires: s.AccessTokenExpiresAt, RefreshExpires: s.RefreshTokenExpiresAt, Scopes: s.scopes()}
	for _, part := range []struct {
		sealed *string
		into   *string
	}{{s.AccessToken, &t.Access}, {s.RefreshToken, &t.Refresh}, {s.IDToken, &t.ID}} {
		if part.sealed == nil {
			continue
		}
		text, err := l.Ring.Decrypt(*part.sealed)
		if err != nil {
			return provider.Tokens{}, fmt.Errorf("open token: %w", err)
		}
		*part.into = string(text)
	}
	return t, nil
}

func (s Sealed) scopes() []string {
	if s.Scope == nil {
		return []string{}
	}
	return strings.FieldsFunc(*s.Scope, func(r rune) bool { return r == ',' })
}

func moment(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := wire.Moment(*t)
	return &at
}

// early is how long before its end an access token is replaced.
const early = 5 * time.Second

// IDToken gives the newest ID token that a person's accounts with a provider have;
// "" for none.
func (l *Links) IDToken(ctx context.Context, userID, providerID string) (string, error) {
	all, err := l.Store.All(ctx, userID)
	if err != nil {
		return "", err
	}
	var newest *Account
	for i := range all {
		if a := &all[i]; a.ProviderID == providerID && (newest == nil || a.UpdatedAt.After(newest.UpdatedAt)) {
			newest = a
		}
	}
	if newest == nil {
		return "", nil
	}
	tokens, err := l.open(newest.Sealed)
	return tokens.ID, err
}

// current gives tokens that can be used: a new access token where the old one is
// over and can be renewed.
func (l *Links) current(ctx context.Context, p *provider.Provider, a Account) (provider.Tokens, error) {
	t, err := l.open(a.Sealed)
	if err != nil || t.AccessExpires == nil || t.Refresh == "" || l.Now().Add(early).Before(*t.AccessExpires) {
		return t, err
	}
	return l.renew(ctx, p, a)
}

// renew trades an account's refresh token for new tokens. Most providers take a
// refresh token once, so of parallel calls one does it for all; when another
// replica was faster, its tokens are the answer. What was begun is ended whether
// or not the caller waits: the old token may be spent by then.
func (l *Links) renew(ctx context.Context, p *provider.Provider, a Account) (provider.Tokens, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.Limit+time.Second)
	defer cancel()
	release, err := l.renewals.hold(ctx, a.ID)
	if err != nil {
		return provider.Tokens{}, err
	}
	defer release()
	now, err := l.Store.OfUser(ctx, a.UserID, a.ID)
	if err != nil {
		return provider.Tokens{}, err
	}
	old, err := l.open(now.Sealed)
	if err != nil || !sameText(now.RefreshToken, a.RefreshToken) {
		return old, err
	}
	fresh, err := p.Refresh(ctx, old, a.AccountID)
	if errors.Is(err, provider.ErrRefresh) {
		if later, lookErr := l.Store.OfUser(ctx, a.UserID, a.ID); lookErr == nil && !sameText(later.RefreshToken, now.RefreshToken) {
			return l.open(later.Sealed)
		}
	}
	if err != nil {
		return provider.Tokens{}, err
	}
	sealed, err := l.seal(fresh)
	if err != nil {
		return provider.Tokens{}, err
	}
	return fresh, l.Store.Renew(ctx, a.ID, sealed, wire.Moment(l.Now()))
}

// sameText compares sealed texts: sealing one text twice gives two.
func sameText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
