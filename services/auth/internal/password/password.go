// Package password owns the rules for passwords: which may be chosen, and that
// checking one costs the same whoever asks.
package password

import (
	"context"
	"errors"
	"net/http"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"
)

// The refusals of these rules.
var (
	ErrTooShort = problem.New(http.StatusBadRequest, "PASSWORD_TOO_SHORT", "Password too short")
	ErrTooLong  = problem.New(http.StatusBadRequest, "PASSWORD_TOO_LONG", "Password too long")
)

// Policy makes and checks passwords. It never trims, folds or cuts what was
// typed (AUTH-02); the limits count code points (AUTH-01).
type Policy struct {
	Limits validation.PasswordLimits
	Hasher *security.Hasher
}

// Choose accepts a new password.
func (p Policy) Choose(text string) (validation.Password, error) {
	chosen, err := p.Limits.Parse(text)
	switch {
	case errors.Is(err, validation.ErrPasswordTooLong):
		return "", ErrTooLong
	case err != nil:
		return "", ErrTooShort
	}
	return chosen, nil
}

// Hash gives what is stored of a chosen password.
func (p Policy) Hash(ctx context.Context, chosen validation.Password) (string, error) {
	return p.Hasher.Hash(ctx, chosen.Reveal())
}

// Match checks a typed password against a stored hash; nil stands for an account
// that does not exist or has no password, which costs as much and never matches.
// upgrade says that the hash should be made anew.
func (p Policy) Match(ctx context.Context, typed string, hash *string) (ok, upgrade bool, err error) {
	if _, err := p.Choose(typed); errors.Is(err, ErrTooLong) {
		return false, false, ErrTooLong // refused before any costly work
	}
	if hash == nil {
		return false, false, p.Hasher.Waste(ctx, typed)
	}
	return p.Hasher.Verify(ctx, typed, *hash)
}
