package session

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// errDeferred refuses a POST that only servers with deferred refresh understand.
var errDeferred = problem.New(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED",
	"POST method requires deferSessionRefresh to be enabled in session config")

// Handler serves sessions to the people whose they are.
type Handler struct {
	Sessions *Registry
	// Token gives an access token for set-auth-jwt; nil switches the header off.
	Token func(ctx context.Context, live *Live) (string, error)
	Audit *audit.Log
	// Leave adds to the answer of a sign-out; see entrance.
	Leave func(ctx context.Context, c *wire.Call, h *wire.Headers) error
	// Farewell gives where a session that was ended leads its browser, and from there
	// to an address; "" for nowhere. Nil: always nowhere.
	Farewell func(ctx context.Context, ended Ended, to, state string) (string, error)
}

// Routes names every operation of this feature.
func (h *Handler) Routes(r *wire.Router) {
	wire.Get(r, wire.Op{ID: "getSession", Path: "/get-session", Summary: "Who is signed in, or null", Query: []string{"disableRefresh"}}, h.get)
	wire.Post(r, wire.Op{ID: "postSession", Path: "/get-session", Summary: "Extend the session, with DEFER_SESSION_REFRESH; else refused: GET does", Query: []string{"disableRefresh"}, Errors: []int{405}}, h.post)
	wire.Post(r, wire.Op{ID: "updateSession", Path: "/update-session", Summary: "Write the members that SESSION_FIELDS adds", Session: true, Errors: []int{400, 401}}, h.update)
	wire.Get(r, wire.Op{ID: "listSessions", Path: "/list-sessions", Summary: "The caller's sessions; needs a fresh one", Session: true, OnBehalf: true, Errors: []int{401, 403}}, h.list)
	wire.Post(r, wire.Op{ID: "revokeSession", Path: "/revoke-session", Summary: "End one of the caller's sessions", Session: true, Errors: []int{401}}, h.revoke)
	wire.Post(r, wire.Op{ID: "revokeSessions", Path: "/revoke-sessions", Summary: "End all of the caller's sessions", Session: true, Errors: []int{401}}, h.revokeAll)
	wire.Post(r, wire.Op{ID: "revokeOtherSessions", Path: "/revoke-other-sessions", Summary: "End the caller's other sessions", Session: true, Errors: []int{401}}, h.revokeOthers)
	wire.Post(r, wire.Op{ID: "signOut", Path: "/sign-out", Summary: "End this session"}, h.signOut)
}

// Both is what get-session shows.
type Both struct {
	Session View         `json:"session"`
	User    user.Profile `json:"user"`
	// NeedsRefresh asks the client to POST, which extends the session.
	NeedsRefresh bool `json:"needsRefresh,omitempty"`
}

func (h *Handler) get(ctx context.Context, c *wire.Call) (*wire.Answer[*Both], error) {
	live, err := h.Sessions.Current(ctx, c)
	if err != nil {
		return nil, err
	}
	return h.both(ctx, c, live)
}

// post extends a session where reading does not.
func (h *Handler) post(ctx context.Context, c *wire.Call, _ wire.None) (*wire.Answer[*Both], error) {
	if !h.Sessions.Rules.Deferred {
		return nil, errDeferred
	}
	live, err := h.Sessions.Current(ctx, c)
	if err == nil && live != nil && live.Due {
		live.Due = false
		err = h.Sessions.extend(ctx, live)
	}
	if err != nil {
		return nil, err
	}
	return h.both(ctx, c, live)
}

func (h *Handler) both(ctx context.Context, c *wire.Call, live *Live) (*wire.Answer[*Both], error) {
	a := &wire.Answer[*Both]{}
	a.Pragma = "no-cache"
	if live == nil {
		if p, ok := h.Sessions.Cookies.find(c); ok && p.cookie {
			h.Sessions.Cookies.Clear(&a.Headers)
		}
		return a, nil
	}
	h.Sessions.Renew(&a.Headers, c, live)
	if err := h.addToken(ctx, &a.Headers, live); err != nil {
		return nil, err
	}
	a.Body = &Both{h.Sessions.View(live.Session), h.Sessions.Shape.Profile(live.User), live.Due}
	return a, nil
}

func (h *Handler) addToken(ctx context.Context, headers *wire.Headers, live *Live) (err error) {
	if h.Token == nil {
		return nil
	}
	if headers.AuthJWT, err = h.Token(ctx, live); headers.AuthJWT != "" {
		headers.ExposeHeader("set-auth-jwt")
	}
	return err
}

// One is a session.
type One struct {
	Session View `json:"session"`
}

// update writes the members that SESSION_FIELDS adds.
func (h *Handler) update(ctx context.Context, c *wire.Call, _ wire.None) (*wire.Answer[One], error) {
	live, err := h.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	extra, err := h.Sessions.Fields.Changed(c.Members())
	switch {
	case err != nil:
		return nil, err
	case extra == nil:
		return nil, wire.ErrNothingToUpdate
	}
	live.Session.UpdatedAt = wire.Moment(h.Sessions.Now())
	live.Session.Extra, live.Session.Version, err = h.Sessions.Store.Write(ctx, live.ID, extra, live.Session.UpdatedAt)
	switch {
	case errors.Is(err, errNone):
		return nil, wire.ErrUnauthorized // ended a moment ago, or never was a row: an API key
	case err != nil:
		return nil, err
	}
	_ = h.Sessions.Cache.Outdate(ctx, live.version(), live.TokenHash) // over by itself within a minute
	a := wire.OK(One{h.Sessions.View(live.Session)})
	h.Sessions.Cookies.Set(&a.Headers, c, live.Token, h.Sessions.CookieLife(live))
	return a, nil
}

func (h *Handler) list(ctx context.Context, c *wire.Call) (*wire.Answer[[]View], error) {
	live, err := h.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	now := h.Sessions.Now()
	if !h.Sessions.Rules.IsFresh(&live.Session, now) {
		return nil, wire.ErrNotFresh
	}
	all, err := h.Sessions.Store.OfUser(ctx, live.UserID, now)
	if err != nil {
		return nil, err
	}
	a := wire.OK([]View{})
	for i := range all {
		if all[i].ImpersonatedBy == nil && !h.Sessions.Rules.Over(&all[i], now) {
			a.Body = append(a.Body, h.Sessions.View(all[i]))
		}
	}
	h.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

type revokeForm struct {
	Token string `json:"token" doc:"As listed by /list-sessions"`
}

func (h *Handler) revoke(ctx context.Context, c *wire.Call, in revokeForm) (*wire.Answer[wire.Status], error) {
	return h.end(ctx, c, "revoked", func(live *Live) ([]Ended, error) {
		if !tokenShape(in.Token) {
			return nil, nil // it names no session, and may not be text for a database
		}
		return h.Sessions.Store.DeleteNamed(ctx, live.UserID, in.Token, security.HashToken(in.Token))
	})
}

func (h *Handler) revokeAll(ctx context.Context, c *wire.Call, _ wire.None) (*wire.Answer[wire.Status], error) {
	return h.end(ctx, c, "all revoked", func(live *Live) ([]Ended, error) {
		return h.Sessions.Store.DeleteOfUser(ctx, live.UserID, "")
	})
}

func (h *Handler) revokeOthers(ctx context.Context, c *wire.Call, _ wire.None) (*wire.Answer[wire.Status], error) {
	return h.end(ctx, c, "others revoked", func(live *Live) ([]Ended, error) {
		return h.Sessions.Store.DeleteOfUser(ctx, live.UserID, live.ID)
	})
}

// end deletes sessions of the caller and, when the caller's own is among them,
// clears the cookies.
func (h *Handler) end(ctx context.Context, c *wire.Call, reason string, remove func(*Live) ([]Ended, error)) (*wire.Answer[wire.Status], error) {
	live, err := h.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	ended, err := remove(live)
	if err != nil {
		return nil, err
	}
	if err := h.Audit.Record(ctx, h.Sessions.Store.DB, c, audit.Event{
		Kind: audit.SessionRevoked, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"reason": reason, "sessions": strconv.Itoa(len(ended))},
	}); err != nil {
		return nil, err
	}
	if err := h.Sessions.Announce(ctx, ended, reason); err != nil {
		return nil, err
	}
	a := wire.OK(wire.Status{Status: true})
	for _, e := range ended {
		if e.ID == live.ID {
			h.Sessions.Cookies.Clear(&a.Headers)
			return a, nil
		}
	}
	h.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

type signOutForm struct {
	CallbackURL     *string `json:"callbackURL" doc:"Where the provider that the session began with leads on to; it has to know the address"`
	DisableRedirect *bool   `json:"disableRedirect" doc:"The page goes there by itself"`
	State           *string `json:"state" max:"1000" doc:"What the provider repeats to that page"`
}

// Out is what sign-out answers.
type Out struct {
	Success  bool   `json:"success"`
	URL      string `json:"url,omitempty" doc:"Where the session at the provider ends too"`
	Redirect *bool  `json:"redirect,omitempty"`
}

// signOut ends the session that the call belongs to. Without one there is
// nothing to end, and the browser is cleaned all the same.
func (h *Handler) signOut(ctx context.Context, c *wire.Call, in signOutForm) (*wire.Answer[Out], error) {
	a := wire.OK(Out{Success: true})
	if p, ok := h.Sessions.Cookies.find(c); ok {
		ended, err := h.Sessions.Store.DeleteByToken(ctx, security.HashToken(p.token))
		if err != nil {
			return nil, err
		}
		for _, e := range ended {
			if err := h.Audit.Record(ctx, h.Sessions.Store.DB, c, audit.Event{Kind: audit.SignedOut, UserID: e.UserID, SessionID: e.ID}); err != nil {
				return nil, err
			}
		}
		if err := h.Sessions.Announce(ctx, ended, "signed out"); err != nil {
			return nil, err
		}
		if err := h.lead(ctx, a, ended, in); err != nil {
			return nil, err
		}
	}
	h.Sessions.Cookies.Clear(&a.Headers)
	return a, h.Leave(ctx, c, &a.Headers)
}

// lead adds where the browser goes that has left.
func (h *Handler) lead(ctx context.Context, a *wire.Answer[Out], ended []Ended, in signOutForm) error {
	if h.Farewell == nil || len(ended) == 0 {
		return nil
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	address, err := h.Farewell(ctx, ended[0], text(in.CallbackURL), text(in.State))
	if err != nil || address == "" {
		return err
	}
	goes := in.DisableRedirect == nil || !*in.DisableRedirect
	a.Body.URL, a.Body.Redirect = address, &goes
	if goes {
		a.Location = address
	}
	return nil
}
