// Package entrance owns what every way of signing in ends in: the second factor
// that may be due, the session, its record, and what else happens whenever
// somebody comes in. Features prove who somebody is and hand over here; none of
// them begins a session by itself.
package entrance

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Arrival is a person who has shown, by one way of signing in, to be that person.
type Arrival struct {
	User user.User
	// Method is the way: "email", "username", "magic-link", "email-otp",
	// "passkey", "anonymous", "email-verification", or a provider's id.
	Method   string
	Remember bool
	// New: the person was made just now.
	New bool
	// Strong: no second factor is due any more; it was given, or the proof was
	// as good as two (a passkey).
	Strong bool
}

// Entered is what became of an arrival: a session, or a challenge.
type Entered struct {
	Arrival
	Live      *session.Live // nil while a second factor is due
	Challenge *Challenge    // nil with a session
	// Ended are sessions whose rows went in the same transaction; Admit tells it.
	Ended []session.Ended

	cookies []string
}

// Challenge asks for a second factor.
type Challenge struct {
	// Methods are the kinds of codes that are taken: "totp", "otp".
	Methods []string
}

// SecondFactor decides whether a second factor is due.
type SecondFactor interface {
	// Ask begins a challenge in the transaction, or gives nil when none is due.
	// The cookies are Set-Cookie lines for the answer in either case.
	Ask(ctx context.Context, tx pgx.Tx, c *wire.Call, a Arrival) (asked *Challenge, cookies []string, err error)
}

// Companion does something of its own whenever somebody comes in or leaves.
type Companion interface {
	// Begun runs in the transaction that begins the session.
	Begun(ctx context.Context, tx pgx.Tx, c *wire.Call, e *Entered) error
	// Admitted runs after the transaction, and may add to the answer.
	Admitted(ctx context.Context, c *wire.Call, h *wire.Headers, e *Entered) error
	// Left adds to the answer of a sign-out.
	Left(ctx context.Context, c *wire.Call, h *wire.Headers) error
}

// Waiting is a companion that has something to keep in the browser while a second
// factor is due.
type Waiting interface {
	Asked(ctx context.Context, c *wire.Call, h *wire.Headers, e *Entered) error
}

// Entrance lets people in.
type Entrance struct {
	Sessions   *session.Registry
	Audit      *audit.Log
	Second     SecondFactor // nil: the plugin is off
	Companions []Companion
	// Page is where a browser that came by a link gives its second factor: an
	// absolute address.
	Page string
	Now  func() time.Time
}

// Enter begins a session, or a challenge when a second factor is due, in the
// transaction of the proof: either both happened or neither.
func (e *Entrance) Enter(ctx context.Context, tx pgx.Tx, c *wire.Call, a Arrival) (*Entered, error) {
	in := &Entered{Arrival: a}
	if a.User.Barred(e.Now()) {
		return nil, wire.ErrBanned
	}
	if a.User.Banned {
		lifted, err := user.Store{DB: tx}.LiftBan(ctx, a.User.ID, wire.Moment(e.Now()))
		if err != nil {
			return nil, err
		}
		in.User = lifted
		a = in.Arrival
	}
	if e.Second != nil && !a.Strong {
		var err error
		if in.Challenge, in.cookies, err = e.Second.Ask(ctx, tx, c, a); err != nil {
			return nil, err
		}
		if in.Challenge != nil {
			return in, e.Audit.Record(ctx, tx, c, audit.Event{
				Kind: audit.SecondFactorAsked, UserID: a.User.ID, Details: map[string]string{"method": a.Method},
			})
		}
	}
	live, err := e.Sessions.Begin(ctx, tx, a.User, c, a.Remember)
	if err != nil {
		return nil, err
	}
	in.Live = &live
	if err := e.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.SignedIn, UserID: a.User.ID, SessionID: live.ID, Details: map[string]string{"method": a.Method},
	}); err != nil {
		return nil, err
	}
	for _, companion := range e.Companions {
		if err := companion.Begun(ctx, tx, c, in); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Turned records that somebody who gave the proof was turned away for a ban, once the
// transaction of the proof was taken back, and gives why. Other errors it gives as they are.
func (e *Entrance) Turned(ctx context.Context, c *wire.Call, userID, method string, why error) error {
	if !errors.Is(why, wire.ErrBanned) {
		return why
	}
	if err := e.Audit.Record(ctx, e.Sessions.Store.DB, c, audit.Event{
		Kind: audit.SignedIn, UserID: userID, Failed: true, Details: map[string]string{"method": method, "reason": wire.ErrBanned.Code},
	}); err != nil {
		return err
	}
	return why
}

// Admit puts what an arrival became into the answer, once the transaction is
// committed.
func (e *Entrance) Admit(ctx context.Context, c *wire.Call, h *wire.Headers, in *Entered) error {
	if err := e.Sessions.Announce(ctx, in.Ended, "replaced by a sign-in"); err != nil {
		return err
	}
	if in.Challenge != nil {
		return e.ask(ctx, c, h, in)
	}
	e.Sessions.Cookies.Set(h, c, in.Live.Token, e.Sessions.CookieLife(in.Live))
	h.SetCookie = append(h.SetCookie, in.cookies...)
	for _, companion := range e.Companions {
		if err := companion.Admitted(ctx, c, h, in); err != nil {
			return err
		}
	}
	return nil
}

// ask puts a challenge into the answer.
func (e *Entrance) ask(ctx context.Context, c *wire.Call, h *wire.Headers, in *Entered) error {
	e.Sessions.Cookies.Clear(h)
	h.SetCookie = append(h.SetCookie, in.cookies...)
	for _, companion := range e.Companions {
		if w, waits := companion.(Waiting); waits {
			if err := w.Asked(ctx, c, h, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// Leave adds to the answer of a sign-out what the companions have to say.
func (e *Entrance) Leave(ctx context.Context, c *wire.Call, h *wire.Headers) error {
	for _, companion := range e.Companions {
		if err := companion.Left(ctx, c, h); err != nil {
			return err
		}
	}
	return nil
}

// Body is what the JSON doors of signing in answer: a session, or a challenge.
type Body struct {
	Redirect          *bool         `json:"redirect,omitempty"`
	Token             *string       `json:"token,omitempty"`
	URL               string        `json:"url,omitempty"`
	User              *user.Profile `json:"user,omitempty"`
	TwoFactorRedirect bool          `json:"twoFactorRedirect,omitempty" doc:"A second factor is asked for, there is no session yet"`
	TwoFactorMethods  []string      `json:"twoFactorMethods,omitempty"`
}

// Body gives the body of an arrival: {"token","user"}, or the challenge.
func (e *Entrance) Body(in *Entered) Body {
	if in.Challenge != nil {
		return Body{TwoFactorRedirect: true, TwoFactorMethods: in.Challenge.Methods}
	}
	profile := e.Sessions.Shape.Profile(in.Live.User)
	return Body{Token: &in.Live.Token, User: &profile}
}

// Onward gives where a browser goes that came by a link: to where the link leads,
// or to the page that asks for the second factor.
func (e *Entrance) Onward(in *Entered, to string) string {
	if in.Challenge == nil {
		return to
	}
	return wire.AddQuery(e.Page, "callbackURL", to)
}
