package main

import "github.com/codex-platform/codex/services/auth/internal/anonymous"

// addAnonymous is people without an address.
func addAnonymous(f *features) error {
	s, p := f.settings, f.parts
	if !s.Plugins.Anonymous {
		return nil
	}
	people := &anonymous.People{
		DB: p.pool, Store: anonymous.Store{DB: p.pool}, Sessions: f.sessions, Entrance: f.entrance, Audit: f.audit,
		Remove: f.deletion.Remove, Replace: f.deletion.Replace, Keep: bool(s.Ways.AnonymousKeep), Leave: bool(s.Ways.AnonymousLeave),
		Closed: s.Accounts.SignUpClosed, Now: p.now,
	}
	f.entrance.Companions = append(f.entrance.Companions, people)
	f.doors = append(f.doors, people)
	f.sweeps["anonymous people"] = people.Sweep
	return nil
}
