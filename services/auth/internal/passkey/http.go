package passkey

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (p *Passkeys) Routes(r *wire.Router) {
	wire.Get(r, wire.Op{ID: "generatePasskeyRegistrationOptions", Path: "/passkey/generate-register-options", Summary: "Begin to register a passkey; needs a fresh session",
		Session: true, Query: []string{"authenticatorAttachment", "name", "context"}, Errors: []int{400, 401, 403}}, p.getRegister)
	wire.Post(r, wire.Op{ID: "passkeyVerifyRegistration", Path: "/passkey/verify-registration", Summary: "Register a passkey", Session: true, Errors: []int{400, 401, 403, 429}}, p.postRegister)
	wire.Get(r, wire.Op{ID: "passkeyGenerateAuthenticateOptions", Path: "/passkey/generate-authenticate-options", Summary: "Begin to sign in with a passkey"}, p.getSignIn)
	wire.Post(r, wire.Op{ID: "passkeyVerifyAuthentication", Path: "/passkey/verify-authentication", Summary: "Sign in with a passkey", Errors: []int{400, 401, 403, 429}}, p.postSignIn)
	wire.Get(r, wire.Op{ID: "listPasskeys", Path: "/passkey/list-user-passkeys", Summary: "The caller's passkeys", Session: true, Errors: []int{401}}, p.list)
	wire.Post(r, wire.Op{ID: "updatePasskey", Path: "/passkey/update-passkey", Summary: "Name one of the caller's passkeys", Session: true, Errors: []int{400, 401, 404}}, p.postRename)
	wire.Post(r, wire.Op{ID: "deletePasskey", Path: "/passkey/delete-passkey", Summary: "Remove one of the caller's passkeys; needs a fresh session", Session: true, Errors: []int{400, 401, 403, 404}}, p.postDelete)
}

// fresh gives the caller's session when it just began: a passkey outlives it.
func (p *Passkeys) fresh(ctx context.Context, c *wire.Call) (*session.Live, error) {
	live, err := p.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	if !p.Sessions.Rules.IsFresh(&live.Session, p.Now()) {
		return nil, wire.ErrNotFresh
	}
	return live, nil
}

func (p *Passkeys) list(ctx context.Context, c *wire.Call) (*wire.Answer[[]Listed], error) {
	live, err := p.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := p.Store.OfUser(ctx, live.UserID)
	if err != nil {
		return nil, err
	}
	a := wire.OK([]Listed{})
	for _, k := range all {
		a.Body = append(a.Body, k.View())
	}
	p.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

type renameForm struct {
	ID   string `json:"id" max:"64"`
	Name string `json:"name" max:"100"`
}

// Renamed is a passkey that was changed.
type Renamed struct {
	Passkey Listed `json:"passkey"`
}

func (p *Passkeys) postRename(ctx context.Context, c *wire.Call, in renameForm) (*wire.Answer[Renamed], error) {
	live, err := p.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	var k Passkey
	err = database.InTx(ctx, p.DB, func(tx pgx.Tx) (err error) {
		if k, err = (Store{DB: tx}).Rename(ctx, live.UserID, in.ID, in.Name); err != nil {
			return err
		}
		return p.Audit.Record(ctx, tx, c, audit.Event{
			Kind: audit.PasskeyChanged, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"passkey_id": k.ID},
		})
	})
	if errors.Is(err, errNone) {
		return nil, ErrNotFound
	} else if err != nil {
		return nil, err
	}
	a := wire.OK(Renamed{k.View()})
	p.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

type deleteForm struct {
	ID string `json:"id" max:"64"`
}

func (p *Passkeys) postDelete(ctx context.Context, c *wire.Call, in deleteForm) (*wire.Answer[wire.Status], error) {
	live, err := p.fresh(ctx, c)
	if err != nil {
		return nil, err
	}
	err = database.InTx(ctx, p.DB, func(tx pgx.Tx) error {
		if err := (Store{DB: tx}).Delete(ctx, live.UserID, in.ID); err != nil {
			return err
		}
		if err := p.Audit.Record(ctx, tx, c, audit.Event{
			Kind: audit.PasskeyRemoved, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"passkey_id": in.ID},
		}); err != nil {
			return err
		}
		return p.Letters.Put(ctx, tx, changed(live.User, mail.WhatRemoved, c.Header("Accept-Language")))
	})
	if errors.Is(err, errNone) {
		return nil, ErrNotFound
	} else if err != nil {
		return nil, err
	}
	a := wire.OK(wire.Status{Status: true})
	p.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}
