package main

import (
	"github.com/codex-platform/codex/services/auth/internal/activity"
	"github.com/codex-platform/codex/services/auth/internal/admin"
	"github.com/codex-platform/codex/services/auth/internal/audit"
)

// addAdmin is the administration of people. Its rules are there without the
// plugin too, for the commands.
func addAdmin(f *features) error {
	s, p := f.settings, f.parts
	f.admin = &admin.Admin{
		DB: p.pool, Store: admin.Store{DB: p.pool}, Rules: s.Admin.rules(), Sessions: f.sessions, Passwords: f.passwords, Deletion: f.deletion, Factors: f.second,
		Audit: f.audit, Letters: f.letters, ReasonRequired: s.Admin.Reason == "required", ImpersonationLife: s.Admin.Impersonation, Now: p.now,
	}
	if f.names != nil {
		f.admin.Names = f.names
	}
	if s.Plugins.Admin {
		f.doors = append(f.doors, f.admin)
		f.entrance.Companions = append(f.entrance.Companions, f.admin)
	}
	return nil
}

// addActivity is reading the record of what happened.
func addActivity(f *features) error {
	h := &activity.Handler{Events: audit.Reader{DB: f.parts.reads}, Sessions: f.sessions}
	if f.settings.Plugins.Admin {
		h.Searcher = f.admin.Searcher
	}
	f.doors = append(f.doors, h)
	return nil
}
