package main

import (
	"context"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/apikey"
)

// keyGone is how long a key is still found after its end, and told to be over.
const keyGone = 30 * 24 * time.Hour

// addAPIKeys is keys with which programs act as their owner.
func addAPIKeys(f *features) error {
	s, p := f.settings, f.parts
	if !s.Plugins.APIKey {
		return nil
	}
	k := &apikey.Keys{
		DB: p.pool, Store: apikey.Store{DB: p.pool}, Sessions: f.sessions, Issuer: f.issuer, Services: f.services, Audit: f.audit,
		Limits: f.limits, Rules: s.APIKeys.rules(), Now: p.now,
	}
	if s.APIKeys.Sessions {
		f.sessions.Key = k.Session
	}
	f.sweeps["API keys"] = func(ctx context.Context, n int) (int64, error) { return k.Store.Sweep(ctx, p.now().Add(-keyGone), n) }
	f.doors, f.backDoors = append(f.doors, k), append(f.backDoors, k)
	return nil
}
