package emailotp

import (
	"context"
	"errors"
	"net/http"
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

// The refusals of changing an address by code.
var (
	ErrNoChange  = problem.New(http.StatusBadRequest, "CHANGE_EMAIL_WITH_OTP_IS_DISABLED", "Change email with OTP is disabled")
	ErrSame      = problem.New(http.StatusBadRequest, "EMAIL_IS_THE_SAME", "Email is the same")
	ErrTaken     = problem.New(http.StatusBadRequest, "EMAIL_ALREADY_IN_USE", "Email already in use")
	ErrUnproven  = problem.New(http.StatusBadRequest, "OTP_IS_REQUIRED_TO_VERIFY_CURRENT_EMAIL", "OTP is required to verify current email")
	errMovedAway = wire.ErrUnauthorized // the caller's own address changed a moment ago
)

// Change is how addresses are changed by codes.
type Change struct {
	On bool
	// Confirm asks for a code of the old address first, where that was proven.
	Confirm bool
}

// caller gives who may change the own address to this one.
func (k *Codes) caller(ctx context.Context, c *wire.Call, typed string) (*session.Live, string, error) {
	live, err := k.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, "", err
	}
	email, err := validation.ParseEmail(typed)
	switch {
	case !k.Change.On:
		return nil, "", ErrNoChange
	case err != nil:
		return nil, "", ErrEmail
	case email.String() == live.User.Email:
		return nil, "", ErrSame
	case !k.Sessions.Rules.IsFresh(&live.Session, k.Now()):
		return nil, "", wire.ErrNotFresh
	}
	return live, email.String(), nil
}

// both names a change: the code of one person's change is nobody else's.
func both(live *session.Live, email string) string { return live.UserID + ":" + email }

type requestChangeForm struct {
	NewEmail string  `json:"newEmail"`
	OTP      *string `json:"otp" doc:"The code of type email-verification that was mailed to the old address"`
}

func (k *Codes) postRequestChange(ctx context.Context, c *wire.Call, in requestChangeForm) (*wire.Answer[wire.Success], error) {
	began := time.Now()
	live, email, err := k.caller(ctx, c, in.NewEmail)
	if err != nil {
		return nil, err
	}
	old := ""
	if k.Change.Confirm && live.User.EmailVerified {
		if in.OTP == nil || *in.OTP == "" {
			return nil, ErrUnproven
		}
		old = *in.OTP
		if err := k.match(ctx, c, verify, live.User.Email, live.User.Email, old); err != nil {
			return nil, err
		}
	}
	if err := k.Limits.LetterBy(ctx, live.UserID, email); err != nil {
		return nil, err
	}
	if err := k.writeChange(ctx, c, live, email, old); err != nil {
		return nil, err
	}
	return wire.OK(wire.Success{Success: true}), wire.AtLeast(ctx, began, k.Floor)
}

// writeChange mails a code to a new address, unless somebody has it: the caller
// cannot tell.
func (k *Codes) writeChange(ctx context.Context, c *wire.Call, live *session.Live, email, old string) error {
	return database.InTx(ctx, k.DB, func(tx pgx.Tx) error {
		if old != "" {
			if err := k.spend(ctx, tx, verify, live.User.Email, old); err != nil {
				return err
			}
		}
		code, err := k.keep(ctx, tx, change, both(live, email), live.UserID)
		if err != nil {
			return err
		}
		if err := k.Audit.Record(ctx, tx, c, audit.Event{
			Kind: audit.EmailChangeAsked, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"method": method},
		}); err != nil {
			return err
		}
		_, err = user.Store{DB: tx}.ByEmail(ctx, email)
		if !errors.Is(err, user.ErrNone) {
			return err // nil: the address is taken
		}
		return k.mail(ctx, tx, c, change, live.User, email, code)
	})
}

type changeForm struct {
	NewEmail string `json:"newEmail"`
	OTP      string `json:"otp"`
}

func (k *Codes) postChange(ctx context.Context, c *wire.Call, in changeForm) (*wire.Answer[wire.Success], error) {
	live, email, err := k.caller(ctx, c, in.NewEmail)
	if err != nil {
		return nil, err
	}
	if err := k.match(ctx, c, change, email, both(live, email), in.OTP); err != nil {
		return nil, err
	}
	if err := k.move(ctx, c, live, email, in.OTP); err != nil {
		return nil, err
	}
	a := wire.OK(wire.Success{Success: true})
	k.Sessions.Cookies.Set(&a.Headers, c, live.Token, k.Sessions.CookieLife(live))
	return a, k.Sessions.Changed(ctx, live.UserID)
}

// move gives the caller the new address, which the code has proven. What was
// mailed to the old one is worth nothing from here on, and its reader is told.
func (k *Codes) move(ctx context.Context, c *wire.Call, live *session.Live, email, code string) error {
	return database.InTx(ctx, k.DB, func(tx pgx.Tx) error {
		if err := k.spend(ctx, tx, change, both(live, email), code); err != nil {
			return err
		}
		now := wire.Moment(k.Now())
		switch _, err := (user.Store{DB: tx}).Move(ctx, live.UserID, live.User.Email, email, now); {
		case errors.Is(err, user.ErrTaken):
			return ErrTaken
		case errors.Is(err, user.ErrNone):
			return errMovedAway
		case err != nil:
			return err
		}
		if err := (account.Store{DB: tx}).ForgetResets(ctx, live.UserID); err != nil {
			return err
		}
		if err := k.Audit.Record(ctx, tx, c, audit.Event{
			Kind: audit.EmailChanged, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"method": method},
		}); err != nil || live.User.IsAnonymous {
			return err
		}
		return k.Letters.Put(ctx, tx, mailer.Letter{
			Kind: mail.EmailChanged, UserID: live.UserID, Cause: security.NewID(),
			Contents: mailer.Contents{
				To: live.User.Email, Name: live.User.Name, Language: c.Header("Accept-Language"), Address: email, At: now,
			},
		})
	})
}
