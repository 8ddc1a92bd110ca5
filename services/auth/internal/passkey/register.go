package passkey

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// longestName bounds what a passkey is called, in code points.
const longestName = 100

func (p *Passkeys) getRegister(ctx context.Context, c *wire.Call) (*wire.Answer[CreationOptions], error) {
	live, err := p.fresh(ctx, c)
	if err != nil {
		return nil, err
	}
	name, attachment := c.Query("name"), c.Query("authenticatorAttachment")
	if utf8.RuneCountInString(name) > longestName || !utf8.ValidString(name) {
		return nil, wire.Invalid("query.name", "Too big: expected string to have <=100 characters")
	}
	if attachment != "" && attachment != "platform" && attachment != "cross-platform" {
		return nil, wire.Invalid("query.authenticatorAttachment", `Invalid option: expected one of "platform"|"cross-platform"`)
	}
	existing, err := p.Store.OfUser(ctx, live.UserID)
	switch {
	case err != nil:
		return nil, err
	case len(existing) >= most:
		return nil, ErrFull
	}
	handle := handleOf(existing)
	a := &wire.Answer[CreationOptions]{}
	challenge, err := p.begin(ctx, &a.Headers, registering, live.UserID, ceremony{Handle: handle, Name: name})
	if err != nil {
		return nil, err
	}
	a.Body = p.creation(challenge, handle, name, attachment, live.User, existing)
	p.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

// handleOf is how authenticators know a person: by one random name for all of the
// person's passkeys, so that an authenticator keeps one for each person.
func handleOf(existing []Passkey) []byte {
	for _, e := range existing {
		if e.UserHandle != nil {
			return e.UserHandle
		}
	}
	return []byte(security.Token(32))
}

type registerForm struct {
	Response      json.RawMessage `json:"response" required:"true" doc:"RegistrationResponseJSON"`
	Name          *string         `json:"name" max:"100"`
	CreateSession *bool           `json:"createSession" doc:"Also begin a new session in place of this one"`
}

// Registered is the new passkey, with a session where one was asked for.
type Registered struct {
	Listed
	Session *session.View `json:"session,omitempty"`
	User    *user.Profile `json:"user,omitempty"`
}

func (p *Passkeys) postRegister(ctx context.Context, c *wire.Call, in registerForm) (*wire.Answer[Registered], error) {
	live, err := p.fresh(ctx, c)
	if err != nil {
		return nil, err
	}
	userID, x, err := p.end(ctx, c, registering)
	switch {
	case err != nil:
		return nil, err
	case userID != live.UserID:
		return nil, ErrNotYours
	}
	k, err := p.attested(in.Response, x)
	if err != nil {
		return nil, p.refuse(ctx, c, audit.Event{Kind: audit.PasskeyAdded, UserID: live.UserID, SessionID: live.ID}, err, ErrRegistration)
	}
	k.UserID = live.UserID
	switch {
	case in.Name != nil:
		k.Name = in.Name
	case x.Name != "":
		k.Name = &x.Name
	}
	entered, ended, err := p.register(ctx, c, live, k, in.CreateSession != nil && *in.CreateSession)
	if err != nil {
		return nil, err
	}
	a := wire.OK(Registered{Listed: k.View()})
	p.Sessions.Cookies.Drop(&a.Headers, challengeCookie)
	if entered == nil {
		p.Sessions.Renew(&a.Headers, c, live)
		return a, nil
	}
	view, profile := p.Sessions.View(entered.Live.Session), p.Sessions.Shape.Profile(entered.Live.User)
	a.Body.Session, a.Body.User = &view, &profile
	if err := p.Sessions.Announce(ctx, ended, "replaced"); err != nil {
		return nil, err
	}
	return a, p.Entrance.Admit(ctx, c, &a.Headers, entered)
}

// register keeps a passkey, tells its owner, and begins a session in place of the
// caller's where that was asked for.
func (p *Passkeys) register(ctx context.Context, c *wire.Call, live *session.Live, k Passkey, enter bool) (entered *entrance.Entered, ended []session.Ended, err error) {
	err = database.InTx(ctx, p.DB, func(tx pgx.Tx) error {
		entered, ended = nil, nil
		kept, err := Store{DB: tx}.Insert(ctx, k)
		switch {
		case err != nil:
			return err
		case !kept:
			return ErrRegistration
		}
		if err := p.Audit.Record(ctx, tx, c, audit.Event{
			Kind: audit.PasskeyAdded, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"passkey_id": k.ID},
		}); err != nil {
			return err
		}
		if err := p.Letters.Put(ctx, tx, changed(live.User, mail.WhatAdded, c.Header("Accept-Language"))); err != nil || !enter {
			return err
		}
		if ended, err = (session.Store{DB: tx}).DeleteByToken(ctx, live.TokenHash); err != nil {
			return err
		}
		if len(ended) == 0 {
			return wire.ErrUnauthorized // it was ended a moment ago, and nothing may begin in its name
		}
		if entered, err = p.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: live.User, Method: "passkey", Remember: live.Remember, Strong: true}); err != nil {
			return err
		}
		return p.Sessions.Inherit(ctx, tx, live.ID, entered.Live.ID)
	})
	return entered, ended, err
}
