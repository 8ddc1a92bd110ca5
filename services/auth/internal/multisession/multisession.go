// Package multisession owns several accounts signed in in one browser: which
// sessions it holds beside the active one, and which is active.
//
// Each is a signed cookie of its own, with the token in lower case in its name.
// That name is nearly the token, so it is treated like one: nothing writes it
// anywhere but into the cookie.
package multisession

import (
	"context"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// ErrToken refuses a session that is not one of the browser's.
var ErrToken = problem.New(http.StatusUnauthorized, "INVALID_SESSION_TOKEN", "Invalid session token")

// cookie begins the names of the cookies.
const cookie = "session_token_multi-"

// Browsers keeps the sessions of a browser.
type Browsers struct {
	Sessions *session.Registry
	Audit    *audit.Log
	// Most is how many accounts one browser holds.
	Most int
}

// held is a session's cookie that came with a request.
type held struct {
	name  string
	token string
	live  *session.Live // nil: the session is over
}

// held lists the sessions of a request, those that began last first. A cookie that
// is not ours, or not under its own name, is none.
func (b *Browsers) held(ctx context.Context, c *wire.Call, sessions *session.Registry) ([]held, error) {
	var all []held
	for _, name := range sessions.Cookies.Names(c, cookie) {
		token, ok := sessions.Cookies.Take(c, name)
		if !ok || name != nameOf(token) {
			continue
		}
		live, err := sessions.ByToken(ctx, token)
		if err != nil {
			return nil, err
		}
		if all = append(all, held{name, token, live}); len(all) > 2*b.Most {
			break // a browser of ours holds fewer
		}
	}
	slices.SortStableFunc(all, func(x, y held) int {
		if x.live == nil || y.live == nil {
			return 0
		}
		return y.live.Session.CreatedAt.Compare(x.live.Session.CreatedAt)
	})
	return all, nil
}

func nameOf(token string) string { return cookie + strings.ToLower(token) }

// put adds a session's cookie to an answer.
func (b *Browsers) put(h *wire.Headers, live *session.Live) {
	b.Sessions.Cookies.Put(h, nameOf(live.Token), live.Token, b.Sessions.CookieLife(live))
}

// Renewed is session.Registry's: the cookie of the active session lasts as long as
// the session, and goes over to one that takes its place.
func (b *Browsers) Renewed(h *wire.Headers, c *wire.Call, live *session.Live) {
	active, _ := b.Sessions.Cookies.Take(c, "session_token")
	if _, held := b.Sessions.Cookies.Take(c, nameOf(active)); !held {
		return
	}
	if active != live.Token {
		b.Sessions.Cookies.Drop(h, nameOf(active))
	}
	b.put(h, live)
}

// Begun is entrance.Companion's: a new session takes the place of the person's
// older one in this browser and, where the browser holds as many as it may, of
// the oldest.
func (b *Browsers) Begun(ctx context.Context, tx pgx.Tx, c *wire.Call, e *entrance.Entered) error {
	sessions := b.Sessions.In(tx)
	all, err := b.held(ctx, c, sessions)
	if err != nil {
		return err
	}
	others := 0
	for _, x := range all {
		if x.live == nil {
			continue
		}
		if x.live.UserID != e.User.ID && others < b.Most-1 {
			others++
			continue
		}
		ended, err := sessions.Store.DeleteByToken(ctx, x.live.TokenHash)
		if err != nil {
			return err
		}
		e.Ended = append(e.Ended, ended...)
	}
	return nil
}

// Admitted is entrance.Companion's.
func (b *Browsers) Admitted(ctx context.Context, c *wire.Call, h *wire.Headers, e *entrance.Entered) error {
	all, err := b.held(ctx, c, b.Sessions)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.live == nil {
			b.Sessions.Cookies.Drop(h, x.name)
		}
	}
	b.put(h, e.Live)
	return nil
}

// Left is entrance.Companion's: signing out ends all of them.
func (b *Browsers) Left(ctx context.Context, c *wire.Call, h *wire.Headers) error {
	all, err := b.held(ctx, c, b.Sessions)
	if err != nil {
		return err
	}
	for _, x := range all {
		if err := b.end(ctx, c, x.token, audit.SignedOut, "signed out"); err != nil {
			return err
		}
		b.Sessions.Cookies.Drop(h, x.name)
	}
	return nil
}

// end deletes a session and makes it known.
func (b *Browsers) end(ctx context.Context, c *wire.Call, token string, kind audit.Kind, reason string) error {
	ended, err := b.Sessions.Store.DeleteByToken(ctx, security.HashToken(token))
	if err != nil {
		return err
	}
	for _, e := range ended {
		if err := b.Audit.Record(ctx, b.Sessions.Store.DB, c, audit.Event{
			Kind: kind, UserID: e.UserID, SessionID: e.ID, Details: map[string]string{"reason": reason},
		}); err != nil {
			return err
		}
	}
	return b.Sessions.Announce(ctx, ended, reason)
}

// browser is what a request's browser holds.
type browser struct {
	active *session.Live // nil: nobody is
	all    []held        // those that are not over, the active one among them
}

// browser reads a request. The active session may have no cookie of its own: it
// began before this feature was switched on, or took another one's place.
func (b *Browsers) browser(ctx context.Context, c *wire.Call) (browser, error) {
	active, err := b.Sessions.Current(ctx, c)
	if err != nil {
		return browser{}, err
	}
	if active != nil && (active.ImpersonatedBy != nil || active.ByKey) {
		active = nil // not the browser's own
	}
	all, err := b.held(ctx, c, b.Sessions)
	if err != nil {
		return browser{}, err
	}
	all = slices.DeleteFunc(all, func(x held) bool { return x.live == nil })
	if active != nil && !slices.ContainsFunc(all, func(x held) bool { return x.live.ID == active.ID }) {
		all = slices.Insert(all, 0, held{nameOf(active.Token), active.Token, active})
	}
	return browser{active, all}, nil
}

// find gives the session with this handle, or this token, among those that the
// browser holds.
func (x browser) find(named string) (held, bool) {
	for _, h := range x.all {
		if same(h.live.Handle, named) || same(h.token, named) {
			return h, true
		}
	}
	return held{}, false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
