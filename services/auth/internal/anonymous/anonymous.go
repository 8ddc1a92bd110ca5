// Package anonymous owns people without an address: made by whoever asks, signed
// in by their one session, and gone when the browser comes back as somebody who
// is known, or when the session is over.
package anonymous

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrClosed = problem.New(http.StatusForbidden, "ANONYMOUS_SIGN_UP_DISABLED", "New accounts cannot be made here, anonymous ones neither")
	ErrAgain  = problem.New(http.StatusBadRequest, "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY", "Anonymous users cannot sign in again anonymously")
	ErrNot    = problem.New(http.StatusForbidden, "USER_IS_NOT_ANONYMOUS", "User is not anonymous")
	ErrStays  = problem.New(http.StatusBadRequest, "DELETE_ANONYMOUS_USER_DISABLED", "Deleting anonymous users is disabled")
)

const (
	method = "anonymous"
	name   = "Anonymous"
	// domain is one that no mail reaches (RFC 2606).
	domain = "@anonymous.placeholder.invalid"
	// cookie keeps who the browser was while a second factor is due, and waiting
	// is how long that may take.
	cookie  = "anonymous"
	waiting = 10 * time.Minute
	// tag makes the cookie's value worth nothing as a token.
	tag = "anonymous:"
)

// People makes and removes them.
type People struct {
	DB       database.Beginner
	Store    Store
	Sessions *session.Registry
	Entrance *entrance.Entrance
	Audit    *audit.Log
	// Remove deletes a person with everything that other services keep.
	Remove func(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, actor string) ([]session.Ended, error)
	// Replace is Remove for one who goes on as the successor, who gets the files.
	Replace func(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, successor string) ([]session.Ended, error)
	// Keep: they stay when the browser comes back as somebody else.
	Keep bool
	// Leave: they can delete themselves.
	Leave bool
	// Closed: nobody can sign up, so nobody comes this way either.
	Closed bool
	Now    func() time.Time
}

// enter makes a person and lets them in.
func (p *People) enter(ctx context.Context, c *wire.Call) (*entrance.Entered, error) {
	u := user.New(security.NewID(), name, strings.ToLower(security.Token(32))+domain, nil, p.Now())
	u.IsAnonymous = true
	var in *entrance.Entered
	err := database.InTx(ctx, p.DB, func(tx pgx.Tx) error {
		if _, err := (user.Store{DB: tx}).Insert(ctx, u); err != nil {
			return err
		}
		if err := p.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.SignedUp, UserID: u.ID, Details: map[string]string{"method": method}}); err != nil {
			return err
		}
		var err error
		in, err = p.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: u, Method: method, Remember: true, New: true})
		return err
	})
	return in, err
}

// remove deletes a person.
func (p *People) remove(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User) ([]session.Ended, error) {
	return unlessGone(p.Remove(ctx, tx, c, u, ""))
}

// unlessGone takes one who is gone already for as good.
func unlessGone(ended []session.Ended, err error) ([]session.Ended, error) {
	if errors.Is(err, user.ErrNone) {
		return nil, nil
	}
	return ended, err
}

// Begun is entrance.Companion's: the browser comes back as somebody who is known,
// and the person without an address goes in the same step.
func (p *People) Begun(ctx context.Context, tx pgx.Tx, c *wire.Call, e *entrance.Entered) error {
	if p.Keep || e.User.IsAnonymous {
		return nil
	}
	before, err := p.before(ctx, tx, c)
	if err != nil || before == nil || before.ID == e.User.ID {
		return err
	}
	ended, err := unlessGone(p.Replace(ctx, tx, c, *before, e.User.ID))
	e.Ended = append(e.Ended, ended...)
	return err
}

// before gives the person without an address that the browser was, by its session
// or, after a second factor, by what was kept; nil for none.
func (p *People) before(ctx context.Context, tx pgx.Tx, c *wire.Call) (*user.User, error) {
	live, err := p.Sessions.In(tx).Stored(ctx, c)
	switch {
	case err == nil && live.User.IsAnonymous:
		return &live.User, nil
	case err != nil && !errors.Is(err, wire.ErrUnauthorized) && !errors.Is(err, wire.ErrOnBehalf):
		return nil, err
	}
	value, _ := p.Sessions.Cookies.Take(c, cookie)
	id, kept := strings.CutPrefix(value, tag)
	if !kept {
		return nil, nil
	}
	u, err := user.Store{DB: tx}.ByID(ctx, id)
	if errors.Is(err, user.ErrNone) || err == nil && !u.IsAnonymous {
		return nil, nil
	}
	return &u, err
}

// Asked is entrance.Waiting's: the challenge takes the session's cookie, so who
// the browser was is kept until the second factor is given.
func (p *People) Asked(ctx context.Context, c *wire.Call, h *wire.Headers, _ *entrance.Entered) error {
	live, err := p.Sessions.Current(ctx, c)
	if err == nil && live != nil && live.User.IsAnonymous {
		p.Sessions.Cookies.Put(h, cookie, tag+live.UserID, waiting)
	}
	return err
}

// Admitted is entrance.Companion's.
func (p *People) Admitted(_ context.Context, c *wire.Call, h *wire.Headers, _ *entrance.Entered) error {
	if _, kept := p.Sessions.Cookies.Take(c, cookie); kept {
		p.Sessions.Cookies.Drop(h, cookie)
	}
	return nil
}

// Left is entrance.Companion's.
func (*People) Left(context.Context, *wire.Call, *wire.Headers) error { return nil }

// Sweep removes up to limit people whose sessions are over: nobody can be them
// again.
func (p *People) Sweep(ctx context.Context, limit int) (int64, error) {
	gone, err := p.Store.Gone(ctx, p.Now(), limit)
	if err != nil {
		return 0, err
	}
	var removed int64
	for _, u := range gone {
		err := database.InTx(ctx, p.DB, func(tx pgx.Tx) error {
			_, err := p.remove(ctx, tx, nil, u)
			return err
		})
		if err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}
