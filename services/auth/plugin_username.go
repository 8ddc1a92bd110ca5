package main

import "github.com/codex-platform/codex/services/auth/internal/username"

// addUsername is user names to sign in with.
func addUsername(f *features) error {
	if !f.settings.Plugins.Username {
		return nil
	}
	n := &username.Names{
		Store: username.Store{DB: f.parts.pool}, Accounts: f.accounts, Limits: f.limits, Once: f.once,
		Shortest: f.settings.Ways.MinName, Longest: f.settings.Ways.MaxName,
	}
	f.accounts.Names = n
	f.names = n
	f.doors = append(f.doors, n)
	return nil
}
