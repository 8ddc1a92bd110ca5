package twofactor

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// errNoPassword says that a person has none to prove.
var errNoPassword = errors.New("no password")

// prove lets the caller change the second factor: by the password, or, who has
// none, by a session that just began (AUTH-13).
func (t *TwoFactor) prove(ctx context.Context, c *wire.Call, live *session.Live, password *string) (byPassword bool, err error) {
	typed := ""
	if password != nil {
		typed = *password
	}
	_, err = t.Prove(ctx, c, live, typed, errNoPassword)
	switch {
	case !errors.Is(err, errNoPassword):
		return err == nil, err
	case !t.Sessions.Rules.IsFresh(&live.Session, t.Now()):
		return false, wire.ErrNotFresh
	}
	return false, nil
}

// enrol makes the secret and the backup codes of an authenticator that counts
// from its first right code on.
func (t *TwoFactor) enrol(ctx context.Context, live *session.Live) (secret string, codes []string, err error) {
	secret, codes = security.Token(secretLength), newBackupCodes()
	sealed, err := t.Ring.Encrypt([]byte(secret))
	if err != nil {
		return "", nil, err
	}
	sealedCodes, err := t.sealCodes(codes)
	if err != nil {
		return "", nil, err
	}
	kept, err := t.Store.Enrol(ctx, live.UserID, sealed, sealedCodes, t.Now())
	if err == nil && !kept {
		err = ErrHasTOTP
	}
	return secret, codes, err
}

// change is what became of the caller's session when the second factor was
// switched: it is a new one.
type change struct {
	next  *session.Live
	ended []session.Ended
}

// turn makes signing in ask for a second factor, or no longer. Challenges and
// trusted devices of before are over, and the person is told.
func (t *TwoFactor) turn(ctx context.Context, tx pgx.Tx, c *wire.Call, on bool, e audit.Event, language string) (user.User, error) {
	what := mail.WhatAdded
	if e.Kind = audit.SecondFactorOn; !on {
		e.Kind, what = audit.SecondFactorOff, mail.WhatRemoved
	}
	u, err := Store{DB: tx}.Switch(ctx, e.UserID, on, wire.Moment(t.Now()))
	if err != nil {
		return user.User{}, err
	}
	for _, purpose := range []string{purposeChallenge, purposeCode, purposeTrust} {
		if err := t.Once.ForgetUser(ctx, tx, purpose, e.UserID); err != nil {
			return user.User{}, err
		}
	}
	if err := t.Audit.Record(ctx, tx, c, e); err != nil {
		return user.User{}, err
	}
	return u, t.Letters.Put(ctx, tx, changed(u, what, language))
}

// switchTo is turn by the person, whose session is replaced.
func (t *TwoFactor) switchTo(ctx context.Context, tx pgx.Tx, c *wire.Call, live *session.Live, on bool, method string) (change, error) {
	e := audit.Event{UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"method": method}}
	u, err := t.turn(ctx, tx, c, on, e, c.Header("Accept-Language"))
	if err != nil {
		return change{}, err
	}
	ended, err := session.Store{DB: tx}.DeleteByToken(ctx, live.TokenHash)
	if err != nil {
		return change{}, err
	}
	if len(ended) == 0 {
		return change{}, wire.ErrUnauthorized // it was ended a moment ago, and nothing may begin in its name
	}
	next, err := t.Sessions.Succeed(ctx, tx, live, u, c)
	return change{&next, ended}, err
}

// mailOnly turns on the second factor of somebody who wants codes by mail.
func (t *TwoFactor) mailOnly(ctx context.Context, c *wire.Call, live *session.Live) (change, error) {
	var done change
	err := database.InTx(ctx, t.DB, func(tx pgx.Tx) error {
		err := Store{DB: tx}.Ensure(ctx, live.UserID, t.Now())
		if err != nil {
			return err
		}
		done, err = t.switchTo(ctx, tx, c, live, true, methodOTP)
		return err
	})
	return done, err
}

// disable forgets the second factor.
func (t *TwoFactor) disable(ctx context.Context, c *wire.Call, live *session.Live) (change, error) {
	var done change
	err := database.InTx(ctx, t.DB, func(tx pgx.Tx) error {
		err := Store{DB: tx}.Delete(ctx, live.UserID)
		if err != nil {
			return err
		}
		done, err = t.switchTo(ctx, tx, c, live, false, "all")
		return err
	})
	return done, err
}

// Remove forgets the second factor of the person whom the event is about, as the
// event's actor wants it.
func (t *TwoFactor) Remove(ctx context.Context, tx pgx.Tx, c *wire.Call, e audit.Event, language string) (user.User, error) {
	if err := (Store{DB: tx}).Delete(ctx, e.UserID); err != nil {
		return user.User{}, err
	}
	return t.turn(ctx, tx, c, false, e, language)
}

// tell makes a change known once it is committed.
func (t *TwoFactor) tell(ctx context.Context, userID string, done change) error {
	if err := t.Sessions.Changed(ctx, userID); err != nil {
		return err
	}
	return t.Sessions.Announce(ctx, done.ended, "second factor changed")
}

// renewCodes replaces the backup codes as a set.
func (t *TwoFactor) renewCodes(ctx context.Context, c *wire.Call, live *session.Live) ([]string, error) {
	codes := newBackupCodes()
	sealed, err := t.sealCodes(codes)
	if err != nil {
		return nil, err
	}
	return codes, database.InTx(ctx, t.DB, func(tx pgx.Tx) error {
		f, err := Store{DB: tx}.Hold(ctx, live.UserID)
		if err != nil {
			return err
		}
		swapped, err := Store{DB: tx}.SwapCodes(ctx, live.UserID, f.BackupCodes, sealed, t.Now())
		switch {
		case err != nil:
			return err
		case !swapped:
			return ErrNotEnabled
		}
		if err := t.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.BackupCodesMade, UserID: live.UserID, SessionID: live.ID}); err != nil {
			return err
		}
		return t.Letters.Put(ctx, tx, changed(live.User, mail.WhatBackupCodes, c.Header("Accept-Language")))
	})
}
