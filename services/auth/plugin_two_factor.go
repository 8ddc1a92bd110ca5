package main

import (
	"cmp"

	"github.com/codex-platform/codex/services/auth/internal/twofactor"
)

// addTwoFactor is the second step of signing in. Its rules are there without the
// plugin too, for the commands.
func addTwoFactor(f *features) error {
	s, p := f.settings, f.parts
	f.second = &twofactor.TwoFactor{
		DB: p.pool, Store: twofactor.Store{DB: p.pool}, Users: f.users, Once: f.once, Ring: f.ring, Sessions: f.sessions, Entrance: f.entrance,
		Audit: f.audit, Letters: f.letters, Limits: f.limits, Prove: f.accounts.Prove, Now: p.now,
		Rules: twofactor.Rules{
			Issuer: cmp.Or(s.SecondFactor.Issuer, s.Mail.Brand), Mailed: s.SecondFactor.Mailed, Trust: s.SecondFactor.Trust,
		},
	}
	if s.Plugins.TwoFactor {
		f.entrance.Second = f.second
		f.doors = append(f.doors, f.second)
	}
	return nil
}
