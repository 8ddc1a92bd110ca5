package main

import (
	"github.com/codex-platform/codex/services/auth/internal/lastmethod"
	"github.com/codex-platform/codex/services/auth/internal/multisession"
)

// addMultiSession is several accounts in one browser.
func addMultiSession(f *features) error {
	if !f.settings.Plugins.MultiSession {
		return nil
	}
	b := &multisession.Browsers{Sessions: f.sessions, Audit: f.audit, Most: f.settings.Ways.Accounts}
	f.entrance.Companions = append(f.entrance.Companions, b)
	f.sessions.Renewed = b.Renewed
	f.doors = append(f.doors, b)
	return nil
}

// addLastMethod is the hint how somebody signed in the last time.
func addLastMethod(f *features) error {
	if f.settings.Ways.LastMethod {
		f.entrance.Companions = append(f.entrance.Companions, lastmethod.Companion{Cookies: f.sessions.Cookies})
	}
	return nil
}
