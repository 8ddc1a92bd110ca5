package main

import (
	"github.com/codex-platform/codex/pkg/mail"

	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/magiclink"
	"github.com/codex-platform/codex/services/auth/internal/owner"
)

// addMagicLink is signing in by a mailed link.
func addMagicLink(f *features) error {
	s, p := f.settings, f.parts
	if !s.Plugins.MagicLink {
		return nil
	}
	l := &magiclink.Links{
		DB: p.pool, Users: f.users, Owners: f.owners(s.Ways.LinkSignUp), Once: f.once, Entrance: f.entrance, Letters: f.letters, Limits: f.limits,
		Base: s.at(s.BasePath.String()), Origin: f.origins.Own(), Life: s.Ways.LinkLife, Floor: s.Accounts.AnswerFloor, Now: p.now,
	}
	f.doors = append(f.doors, l)
	f.links[mail.MagicLink] = l.Link
	return nil
}

// owners finds who is behind an address; signUp says whether an unknown one
// becomes somebody.
func (f *features) owners(signUp limit.Switch) owner.Owners {
	return owner.Owners{SignUp: bool(signUp) && !f.settings.Accounts.SignUpClosed, Audit: f.audit, Now: f.parts.now}
}
