package multisession

import (
	"context"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (b *Browsers) Routes(r *wire.Router) {
	wire.Get(r, wire.Op{ID: "listDeviceSessions", Path: "/multi-session/list-device-sessions", Summary: "The accounts that are signed in in this browser"}, b.list)
	wire.Post(r, wire.Op{ID: "setActiveSession", Path: "/multi-session/set-active", Summary: "Go on as another account of this browser", Errors: []int{400, 401, 403}}, b.setActive)
	wire.Post(r, wire.Op{ID: "revokeDeviceSession", Path: "/multi-session/revoke", Summary: "Sign out one account of this browser", Session: true, Errors: []int{400, 401, 403}}, b.revoke)
}

func (b *Browsers) list(ctx context.Context, c *wire.Call) (*wire.Answer[[]session.Both], error) {
	x, err := b.browser(ctx, c)
	if err != nil {
		return nil, err
	}
	a := wire.OK([]session.Both{})
	listed := map[string]bool{}
	for _, h := range x.all {
		if !listed[h.live.UserID] {
			listed[h.live.UserID] = true
			a.Body = append(a.Body, b.both(h.live))
		}
	}
	return a, nil
}

func (b *Browsers) both(live *session.Live) session.Both {
	return session.Both{Session: b.Sessions.View(live.Session), User: b.Sessions.Shape.Profile(live.User)}
}

type namedForm struct {
	SessionToken string `json:"sessionToken" doc:"As listed by list-device-sessions"`
}

func (b *Browsers) setActive(ctx context.Context, c *wire.Call, in namedForm) (*wire.Answer[session.Both], error) {
	x, err := b.browser(ctx, c)
	if err != nil {
		return nil, err
	}
	next, ok := x.find(in.SessionToken)
	if !ok {
		return nil, ErrToken
	}
	if err := b.Audit.Record(ctx, b.Sessions.Store.DB, c, audit.Event{Kind: audit.SessionSwitched, UserID: next.live.UserID, SessionID: next.live.ID}); err != nil {
		return nil, err
	}
	a := wire.OK(b.both(next.live))
	b.Sessions.Cookies.Set(&a.Headers, c, next.token, b.Sessions.CookieLife(next.live))
	b.put(&a.Headers, next.live)
	if x.active != nil && x.active.ID != next.live.ID {
		b.put(&a.Headers, x.active)
	}
	return a, nil
}

func (b *Browsers) revoke(ctx context.Context, c *wire.Call, in namedForm) (*wire.Answer[wire.Status], error) {
	if _, err := b.Sessions.Stored(ctx, c); err != nil {
		return nil, err
	}
	x, err := b.browser(ctx, c)
	if err != nil {
		return nil, err
	}
	gone, ok := x.find(in.SessionToken)
	if !ok {
		return nil, ErrToken
	}
	if err := b.end(ctx, c, gone.token, audit.SessionRevoked, "signed out in this browser"); err != nil {
		return nil, err
	}
	a := wire.OK(wire.Status{Status: true})
	b.Sessions.Cookies.Drop(&a.Headers, gone.name)
	if x.active != nil && x.active.ID != gone.live.ID {
		return a, nil
	}
	for _, h := range x.all {
		if h.live.ID != gone.live.ID {
			b.Sessions.Cookies.Set(&a.Headers, c, h.token, b.Sessions.CookieLife(h.live))
			return a, nil
		}
	}
	b.Sessions.Cookies.Clear(&a.Headers)
	return a, nil
}
