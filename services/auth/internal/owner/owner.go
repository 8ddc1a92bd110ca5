// Package owner owns the person behind an address whose mail somebody has shown
// to read, by a link, a code or a reset: who that is, and that nobody else keeps a way in.
//
// An account whose address was never proven may be a stranger's, made in advance
// with a password or a passkey of the stranger's own. Its owner must inherit none of
// them (contract §10, OAU-07): they are removed in the step that marks the address as
// proven. A second factor that is on stays, since a mailbox alone must never skip one
// (MFA-06).
package owner

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// ErrNone says that the address belongs to nobody, and that nobody is made of it.
var ErrNone = errors.New("no owner of this address")

// Owners finds people by addresses that were proven a moment ago.
type Owners struct {
	// SignUp: an unknown address becomes a person.
	SignUp bool
	Audit  *audit.Log
	Now    func() time.Time
}

// Newcomer is who an unknown address becomes.
type Newcomer struct {
	Name  string
	Image *string
}

// Found is the owner of an address, who has proven it by now.
type Found struct {
	User user.User
	New  bool
	// Ended are sessions that were not the owner's.
	Ended []session.Ended
}

// Find gives the owner of a proven address, in the transaction that spends the
// proof. method is the way of the proof: "magic-link", "email-otp".
func (o Owners) Find(ctx context.Context, tx pgx.Tx, c *wire.Call, method, email string, n Newcomer) (Found, error) {
	u, err := user.Store{DB: tx}.ByEmail(ctx, email)
	switch {
	case errors.Is(err, user.ErrNone) && o.SignUp:
		return o.add(ctx, tx, c, method, email, n)
	case errors.Is(err, user.ErrNone), err == nil && u.IsAnonymous:
		return Found{}, ErrNone
	case err != nil:
		return Found{}, err
	}
	return o.Claim(ctx, tx, c, method, u)
}

// add makes a person of an unknown address.
func (o Owners) add(ctx context.Context, tx pgx.Tx, c *wire.Call, method, email string, n Newcomer) (Found, error) {
	u := user.New(security.NewID(), n.Name, email, n.Image, o.Now())
	u.EmailVerified = true
	inserted, err := user.Store{DB: tx}.Insert(ctx, u)
	if err != nil {
		return Found{}, err
	}
	if !inserted { // signed up a moment ago, which is visible by now
		o.SignUp = false
		return o.Find(ctx, tx, c, method, email, n)
	}
	return Found{User: u, New: true}, o.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.SignedUp, UserID: u.ID, Details: map[string]string{"method": method},
	})
}

// Claim makes an account its owner's: one that was proven before is as it was.
func (o Owners) Claim(ctx context.Context, tx pgx.Tx, c *wire.Call, method string, u user.User) (Found, error) {
	if u.EmailVerified {
		return Found{User: u}, nil
	}
	store := Store{DB: tx}
	proven, err := store.prove(ctx, u.ID, u.Email, wire.Moment(o.Now()))
	if errors.Is(err, user.ErrNone) { // claimed, changed or deleted a moment ago
		u, err = user.Store{DB: tx}.ByEmail(ctx, u.Email)
		if errors.Is(err, user.ErrNone) || err == nil && !u.EmailVerified {
			err = ErrNone
		}
		return Found{User: u}, err
	}
	if err != nil {
		return Found{}, err
	}
	if err := store.strip(ctx, u.ID); err != nil {
		return Found{}, err
	}
	return o.alone(ctx, tx, c, method, proven)
}

// Doubt makes an account its owner's as Claim does, but for the password: it may be
// the owner's or a stranger's, and counts no more until it is confirmed. user.ErrNone
// says that the address was proven before or is not that person's.
func (o Owners) Doubt(ctx context.Context, tx pgx.Tx, c *wire.Call, method, id, email string) (Found, error) {
	store := Store{DB: tx}
	proven, err := store.prove(ctx, id, email, wire.Moment(o.Now()))
	if err != nil {
		return Found{}, err
	}
	if err := store.doubt(ctx, id); err != nil {
		return Found{}, err
	}
	return o.alone(ctx, tx, c, method, proven)
}

// alone ends the sessions of whoever else came in.
func (o Owners) alone(ctx context.Context, tx pgx.Tx, c *wire.Call, method string, u user.User) (Found, error) {
	ended, err := session.Store{DB: tx}.DeleteOfUser(ctx, u.ID, "")
	if err != nil {
		return Found{}, err
	}
	return Found{User: u, Ended: ended}, o.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.EmailVerified, UserID: u.ID, Details: map[string]string{"method": method, "sessions": strconv.Itoa(len(ended))},
	})
}
