package twofactor

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// attempt is one code that somebody gives.
type attempt struct {
	who   claim
	kind  string // of the code, for the record
	wrong error  // the refusal of a code that is not right
	// check looks at the code, and spends it when it is right. An error is not
	// counted as a wrong code.
	check func(ctx context.Context, tx pgx.Tx, f Factor) (right bool, err error)
	// then is what a right code does.
	then func(ctx context.Context, tx pgx.Tx, f Factor) error
}

// try checks a code. A wrong one is counted in the transaction that looked at it,
// and refused after it.
func (t *TwoFactor) try(ctx context.Context, c *wire.Call, a attempt) error {
	var refused error
	err := database.InTx(ctx, t.DB, func(tx pgx.Tx) error {
		refused = nil
		f, err := Store{DB: tx}.Hold(ctx, a.who.userID)
		if err != nil {
			return err
		}
		if wait := f.wait(t.Now()); wait > 0 {
			return ErrLocked.WithRetryAfter(wait)
		}
		if err := t.charge(ctx, tx, a.who); err != nil {
			return err
		}
		right, err := a.check(ctx, tx, f)
		switch {
		case err != nil:
			return err
		case !right:
			refused = a.wrong
			return t.count(ctx, tx, c, f, a)
		case f.Failures > 0:
			f.Failures = 0
			if err := (Store{DB: tx}).Count(ctx, f, t.Now()); err != nil {
				return err
			}
		}
		return a.then(ctx, tx, f)
	})
	return t.Entrance.Turned(ctx, c, a.who.userID, a.who.asked.Method, cmp.Or(err, refused))
}

// wait is how long no code of the person is looked at.
func (f Factor) wait(now time.Time) time.Duration {
	var until time.Time
	if f.LockedUntil != nil {
		until = *f.LockedUntil
	}
	if n := len(f.WrongAt) - perHour; n >= 0 && f.WrongAt[n].Add(time.Hour).After(until) {
		until = f.WrongAt[n].Add(time.Hour)
	}
	return until.Sub(now)
}

// count keeps a wrong code.
func (t *TwoFactor) count(ctx context.Context, tx pgx.Tx, c *wire.Call, f Factor, a attempt) error {
	now := wire.Moment(t.Now())
	f.Failures++
	f.WrongAt = append(f.WrongAt, now)
	f.WrongAt = f.WrongAt[max(0, len(f.WrongAt)-perHour):]
	wrong := audit.Event{
		Kind: audit.SecondFactorUsed, UserID: f.UserID, Failed: true, Details: map[string]string{"method": a.kind, "reason": "code"},
	}
	if a.who.live != nil {
		wrong.SessionID = a.who.live.ID
	}
	if f.Failures >= InARow {
		until := now.Add(LockTime)
		f.Failures, f.LockedUntil = 0, &until
		wrong.Details["locked_until"] = until.Format(time.RFC3339)
	}
	if err := (Store{DB: tx}).Count(ctx, f, now); err != nil {
		return err
	}
	return t.Audit.Record(ctx, tx, c, wrong)
}

// passed is what a right code led to.
type passed struct {
	live   *session.Live
	in     *entrance.Entered // nil for somebody who was signed in already
	trust  wire.Headers      // the cookie of a trusted device
	change change            // what the first right code of an authenticator did
}

// pass lets the giver of a right code in; somebody signed in already stays so.
func (t *TwoFactor) pass(ctx context.Context, tx pgx.Tx, c *wire.Call, who claim, kind string, trust bool) (passed, error) {
	p := passed{live: who.live}
	used := audit.Event{Kind: audit.SecondFactorUsed, UserID: who.userID, Details: map[string]string{"method": kind}}
	if who.live != nil {
		used.SessionID = who.live.ID
		return p, t.Audit.Record(ctx, tx, c, used)
	}
	if _, err := t.Once.Take(ctx, tx, purposeChallenge, who.id); errors.Is(err, once.ErrNone) {
		return p, ErrCookie
	} else if err != nil {
		return p, err
	}
	if err := t.Audit.Record(ctx, tx, c, used); err != nil {
		return p, err
	}
	if trust {
		if err := t.remember(ctx, tx, c, &p.trust, who); err != nil {
			return p, err
		}
	}
	u, err := user.Store{DB: tx}.ByID(ctx, who.userID)
	if errors.Is(err, user.ErrNone) {
		return p, ErrCookie
	} else if err != nil {
		return p, err
	}
	p.in, err = t.Entrance.Enter(ctx, tx, c, entrance.Arrival{
		User: u, Method: who.asked.Method, Remember: who.asked.Remember, New: who.asked.New, Strong: true,
	})
	if err != nil {
		return p, err
	}
	p.live = p.in.Live
	return p, nil
}
