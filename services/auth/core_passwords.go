package main

import (
	"context"
	"time"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/breach"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/password"
)

// guessLife is how long wrong passwords make an account wait longer, be there one or not.
const guessLife = 24 * time.Hour

// newPolicy is the rules for passwords.
func newPolicy(s settings, p parts) (password.Policy, error) {
	policy := password.Policy{
		Limits: s.passwordLimits(), Hasher: security.NewHasher(s.hashing()), Service: s.ownWords(),
		Leaks: breach.Leaks{Closed: bool(s.Breach.Failure), Log: p.log},
	}
	if s.Breach.URL != "" {
		policy.Leaks.Online = breach.NewRange(s.Breach.URL.String(), nil)
	}
	if s.Breach.Filter != "" {
		var err error
		if policy.Leaks.Filter, err = breach.OpenFilter(s.Breach.Filter); err != nil {
			return policy, err
		}
	}
	return policy, nil
}

// addPasswords is how passwords are judged before they are chosen, and how
// guessing them is slowed down.
func addPasswords(f *features) (err error) {
	s, p := f.settings, f.parts
	if f.passwords, err = newPolicy(s, p); err != nil {
		return err
	}
	if f.limits != nil {
		f.limits.Guesses = &limit.Guesses{
			Store: limit.Store{DB: p.pool}, Ring: f.ring, Backoff: s.Guesses.backoff(),
			Spray: limit.NewSpray(s.Guesses.spray(), p.redis, p.now, p.log), Now: p.now,
		}
	}
	f.doors = append(f.doors, &password.Handler{Policy: f.passwords, Limits: f.limits})
	f.sweeps["guesses"] = func(ctx context.Context, n int) (int64, error) {
		return limit.Store{DB: p.pool}.Sweep(ctx, p.now().Add(-guessLife), n)
	}
	return nil
}
