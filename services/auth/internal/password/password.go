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

	"github.com/codex-platform/codex/services/auth/internal/breach"
)

// The refusals of these rules.
var (
	ErrTooShort    = problem.New(http.StatusBadRequest, "PASSWORD_TOO_SHORT", "Password too short")
	ErrTooLong     = problem.New(http.StatusBadRequest, "PASSWORD_TOO_LONG", "Password too long")
	ErrCompromised = problem.New(http.StatusBadRequest, "PASSWORD_COMPROMISED",
		"The password you entered has been compromised. Please choose a different password.")
)

// Policy makes and checks passwords. It never trims, folds or cuts what was
// typed (AUTH-02); the limits count code points (AUTH-01).
type Policy struct {
	Limits validation.PasswordLimits
	Hasher *security.Hasher
	// Service are the words that belong to the service: its name, its address.
	Service []string
	Leaks   breach.Leaks
}

// Choose accepts a new password. It must not be a frequent one, nor made of the
// service's words or of those of its owner: an address, a name (AUTH-03). What
// leaked is refused by Hash.
func (p Policy) Choose(text string, about ...string) (validation.Password, error) {
	chosen, err := p.Limits.Parse(text)
	switch {
	case errors.Is(err, validation.ErrPasswordTooLong):
		return "", ErrTooLong
	case err != nil:
		return "", ErrTooShort
	case breach.Common(text), breach.Personal(text, append(about, p.Service...)...):
		return "", ErrCompromised
	}
	return chosen, nil
}

// Hash gives what is stored of a chosen password. It has the last word on
// whether it may be chosen, where leaked passwords can be asked for.
func (p Policy) Hash(ctx context.Context, chosen validation.Password) (string, error) {
	switch leaked, err := p.Leaks.Has(ctx, chosen.Reveal()); {
	case err != nil:
		return "", err
	case leaked:
		return "", ErrCompromised
	}
	return p.Hasher.Hash(ctx, chosen.Reveal())
}

// Match checks a typed password against a stored hash; nil stands for an account
// that does not exist or has no password, which costs as much and never matches. Nor
// does a hash of a form that is not known: a reset by mail replaces it.
// upgrade says that the hash should be made anew.
func (p Policy) Match(ctx context.Context, typed string, hash *string) (ok, upgrade bool, err error) {
	if _, err := p.Limits.Parse(typed); errors.Is(err, validation.ErrPasswordTooLong) {
		return false, false, ErrTooLong // refused before any costly work
	}
	if hash == nil || !security.KnownHash(*hash) {
		return false, false, p.Hasher.Waste(ctx, typed)
	}
	return p.Hasher.Verify(ctx, typed, *hash)
}
