package verification

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of changing an address.
var (
	ErrChangeOff = problem.New(http.StatusBadRequest, "CHANGE_EMAIL_DISABLED", "Change email is disabled")
	ErrSame      = problem.New(http.StatusBadRequest, "EMAIL_IS_THE_SAME", "Email is the same")
	ErrOther     = problem.New(http.StatusUnauthorized, "INVALID_USER", "Invalid user")
)

// The steps of a change, as links name them (contract §4).
const (
	confirmStep = "change-email-confirmation" // mailed to the old address
	proveStep   = "change-email-verification" // mailed to the new one
)

// Change is how addresses are changed by links.
type Change struct {
	On bool
	// Confirm asks at the old address first, where that was proven.
	Confirm bool
}

type changeForm struct {
	NewEmail    validation.Email `json:"newEmail"`
	CallbackURL *string          `json:"callbackURL" doc:"Where the links lead on to"`
}

// postChange begins a change. Whether somebody has the new address already cannot
// be told from outside.
func (v *Verification) postChange(ctx context.Context, c *wire.Call, in changeForm) (*wire.Answer[wire.Status], error) {
	began, email := time.Now(), in.NewEmail.String()
	live, err := v.Sessions.Stored(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case !v.Change.On:
		return nil, ErrChangeOff
	case email == live.User.Email:
		return nil, ErrSame
	case !v.Sessions.Rules.IsFresh(&live.Session, v.Now()):
		return nil, wire.ErrNotFresh
	}
	if err := v.Limits.LetterBy(ctx, live.UserID, email); err != nil {
		return nil, err
	}
	callback := ""
	if in.CallbackURL != nil {
		callback = *in.CallbackURL
	}
	if err := v.writeChange(ctx, c, live, email, callback); err != nil {
		return nil, err
	}
	return wire.OK(wire.Status{Status: true}), wire.AtLeast(ctx, began, v.Floor)
}

func (v *Verification) writeChange(ctx context.Context, c *wire.Call, live *session.Live, email, callback string) error {
	return database.InTx(ctx, v.DB, func(tx pgx.Tx) error {
		if err := v.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.EmailChangeAsked, UserID: live.UserID, SessionID: live.ID}); err != nil {
			return err
		}
		if _, err := (user.Store{DB: tx}).ByEmail(ctx, email); !errors.Is(err, user.ErrNone) {
			return err // nil: the address is taken
		}
		language := c.Header("Accept-Language")
		if v.Change.Confirm && live.User.EmailVerified {
			return v.Letters.Put(ctx, tx, mailer.Letter{
				Kind: mail.ChangeEmailConfirm, UserID: live.UserID, Cause: security.NewID(),
				Contents: mailer.Contents{To: live.User.Email, Name: live.User.Name, Language: language, Callback: callback, Address: email},
			})
		}
		return v.Letters.Put(ctx, tx, provingLetter(live.User, email, language, callback, security.NewID()))
	})
}

// provingLetter asks at the new address. Its contents name the old one, to which
// the change is bound.
func provingLetter(u user.User, email, language, callback, cause string) mailer.Letter {
	return mailer.Letter{
		Kind: mail.ChangeEmailVerify, UserID: u.ID, Cause: cause,
		Contents: mailer.Contents{To: email, Name: u.Name, Language: language, Callback: callback, Address: u.Email},
	}
}

// ConfirmLink is the mailer's Linker for the letter to the old address.
func (v *Verification) ConfirmLink(ctx context.Context, c mailer.Contents) (string, time.Duration, error) {
	return v.changeLink(ctx, c, confirmStep, c.To, c.Address)
}

// ProveLink is the mailer's Linker for the letter to the new address.
func (v *Verification) ProveLink(ctx context.Context, c mailer.Contents) (string, time.Duration, error) {
	return v.changeLink(ctx, c, proveStep, c.Address, c.To)
}

func (v *Verification) changeLink(ctx context.Context, c mailer.Contents, step, old, email string) (string, time.Duration, error) {
	u, err := v.Users.ByID(ctx, c.UserID)
	switch {
	case errors.Is(err, user.ErrNone), err == nil && u.Email != old:
		return "", 0, mailer.ErrStale
	case err != nil:
		return "", 0, err
	}
	now := v.Now()
	token, err := v.Ring.SignJWT(map[string]any{
		"email": old, "userId": c.UserID, "updateTo": email, "requestType": step, "iat": now.Unix(), "exp": now.Add(v.Life).Unix(),
	})
	if err != nil {
		return "", 0, err
	}
	callback := c.Callback
	if callback == "" {
		callback = "/"
	}
	return v.Base + "/verify-email?token=" + token + "&callbackURL=" + url.QueryEscape(callback), v.Life, nil
}

// step does what a link of a change stands for; moved is the person with the new
// address once it is theirs. Opening a link again is a plain success.
func (v *Verification) step(ctx context.Context, c *wire.Call, p proof) (moved *user.User, err error) {
	own, err := v.Sessions.Current(ctx, c)
	if err != nil {
		return nil, err
	}
	if own != nil && own.UserID != p.userID {
		return nil, ErrOther
	}
	err = database.InTx(ctx, v.DB, func(tx pgx.Tx) error {
		moved = nil
		u, err := user.Store{DB: tx}.ByID(ctx, p.userID)
		switch {
		case errors.Is(err, user.ErrNone):
			return wire.ErrUserNotFound
		case err != nil:
			return err
		case u.Email == p.updateTo:
			moved = &u
			return nil
		case u.Email != p.email:
			return wire.ErrInvalidToken
		case p.step == confirmStep:
			return v.Letters.Put(ctx, tx, provingLetter(u, p.updateTo, c.Header("Accept-Language"), c.Query("callbackURL"), p.id))
		}
		moved, err = v.move(ctx, tx, c, u, p.updateTo)
		return err
	})
	if err != nil || moved == nil {
		return nil, err
	}
	return moved, v.Sessions.Changed(ctx, p.userID)
}

// move gives a person the new address, which the link has proven. What was mailed
// to the old one is worth nothing from here on, and its reader is told (AUTH-14).
func (v *Verification) move(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, email string) (*user.User, error) {
	now := wire.Moment(v.Now())
	moved, err := user.Store{DB: tx}.Move(ctx, u.ID, u.Email, email, now)
	switch {
	case errors.Is(err, user.ErrNone):
		return v.moved(ctx, tx, u.ID, email)
	case errors.Is(err, user.ErrTaken):
		return nil, wire.ErrInvalidToken
	case err != nil:
		return nil, err
	}
	if err := (account.Store{DB: tx}).ForgetResets(ctx, u.ID); err != nil {
		return nil, err
	}
	if err := v.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.EmailChanged, UserID: u.ID, Details: map[string]string{"method": "link"}}); err != nil {
		return nil, err
	}
	return &moved, v.Letters.Put(ctx, tx, mailer.Letter{
		Kind: mail.EmailChanged, UserID: u.ID, Cause: security.NewID(),
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: c.Header("Accept-Language"), Address: email, At: now},
	})
}

// moved gives a person who got the new address by another opening of the link a
// moment ago.
func (v *Verification) moved(ctx context.Context, tx pgx.Tx, id, email string) (*user.User, error) {
	u, err := user.Store{DB: tx}.ByID(ctx, id)
	switch {
	case errors.Is(err, user.ErrNone), err == nil && u.Email != email:
		return nil, wire.ErrInvalidToken
	case err != nil:
		return nil, err
	}
	return &u, nil
}
