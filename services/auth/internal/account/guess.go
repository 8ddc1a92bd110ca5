package account

import (
	"context"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// match checks a typed password against the hash of its account, nil for one
// that is not there or has none, and lets the limits count it. The work and the
// answer are the same for an account of which no password is right any more.
func (a *Accounts) match(ctx context.Context, c *wire.Call, g limit.Guess, hash *string) (ok, upgrade bool, err error) {
	standing, err := a.Limits.Begin(ctx, g)
	if err != nil {
		return false, false, err
	}
	if standing.Spent {
		hash = nil
	}
	ok, upgrade, err = a.Passwords.Match(ctx, g.Password, hash)
	switch {
	case err != nil: // nothing was looked at
		_ = a.Limits.Undo(ctx, g)
		return false, false, err
	case ok:
		return true, upgrade, a.Limits.Right(ctx, g)
	}
	return false, false, a.wrong(ctx, c, g, standing.Last)
}

// wrong notes a wrong password, and records what it led to: an account whose
// password counts no more, or spraying.
func (a *Accounts) wrong(ctx context.Context, c *wire.Call, g limit.Guess, last bool) error {
	if last && g.UserID != "" {
		if err := a.Audit.Record(ctx, a.Store.DB, c, audit.Event{Kind: audit.PasswordSpent, UserID: g.UserID, Failed: true}); err != nil {
			return err
		}
	}
	by := a.Limits.Wrong(ctx, g)
	if by == "" {
		return nil
	}
	return a.Audit.Record(ctx, a.Store.DB, c, audit.Event{Kind: audit.SprayDetected, Failed: true, Details: map[string]string{"by": by}})
}

// guess is an attempt as the limits count it: by the person's address through
// whichever door, and by what was typed where there is no such person.
func (t Attempt) guess(c *wire.Call) limit.Guess {
	g := limit.Guess{From: c.Address, Account: t.Named, UserID: t.User.ID, Password: t.Typed}
	if t.User.ID != "" {
		g.Account = t.User.Email
	}
	return g
}
