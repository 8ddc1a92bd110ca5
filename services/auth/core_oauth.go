package main

import (
	"github.com/codex-platform/codex/services/auth/internal/link"
	"github.com/codex-platform/codex/services/auth/internal/oauth"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/provider"
)

// addOAuth is signing in with providers, and the accounts that people have there.
func addOAuth(f *features) error {
	s, p := f.settings, f.parts
	served, err := s.Providers.open(provider.NewClient(s.Providers.Limit), p.now)
	if err != nil {
		return err
	}
	if s.Accounts.SignUpClosed {
		clear(served.signUp)
	}
	links := &link.Links{
		DB: p.pool, Store: link.Store{DB: p.pool}, Providers: served.providers, Sessions: f.sessions,
		Owners: owner.Owners{Audit: f.audit, Now: p.now}, Audit: f.audit, Letters: f.letters, Ring: f.ring,
		Rules: s.linkRules(), Now: p.now, Log: p.log,
	}
	if len(served.told) > 0 {
		f.farewell = &oauth.Farewell{
			DB: p.pool, Links: links, Once: f.once, Providers: served.told, Own: f.origins.Own(), Life: s.Sessions.Absolute, Log: p.log,
		}
		f.entrance.Companions = append(f.entrance.Companions, f.farewell)
		f.sessions.Succeeded = f.farewell.Follow
	}
	f.doors = append(f.doors, links, &oauth.Handler{
		DB: p.pool, Links: links, Providers: served.providers, SignUp: served.signUp, Once: f.once, Sessions: f.sessions,
		Entrance: f.entrance, Audit: f.audit, Limits: f.limits, Base: s.at(s.BasePath.String()), Home: s.PublicURL.String(), Log: p.log,
	})
	return nil
}
