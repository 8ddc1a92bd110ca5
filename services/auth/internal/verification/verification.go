// Package verification owns the proof that an address belongs to its person: the
// link that is mailed, and what opening it does.
//
// The link carries a signed token (contract §4) and nothing is stored for it. It
// is made when the letter leaves, so that a letter that had to wait for the mail
// server still works when it arrives.
package verification

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrExpired  = problem.New(http.StatusUnauthorized, "TOKEN_EXPIRED", "Token expired")
	ErrMismatch = problem.New(http.StatusBadRequest, "EMAIL_MISMATCH", "Email mismatch")
	// ErrElsewhere refuses a link for a password that was not typed in this browser.
	ErrElsewhere = problem.New(http.StatusUnauthorized, "OPENED_ELSEWHERE",
		"Your address is confirmed. To confirm your password too, open this link in the browser in which you signed in with it, or set a new password.")
	ErrAlready = problem.New(http.StatusBadRequest, "EMAIL_ALREADY_VERIFIED", "Email is already verified")
)

// Verification proves addresses.
type Verification struct {
	DB       database.Beginner
	Users    user.Store
	Sessions *session.Registry
	Entrance *entrance.Entrance
	Audit    *audit.Log
	Letters  mailer.Outbox
	Limits   *limit.Limits
	Ring     security.Keyring
	// Base is the public address of the contract's paths: links begin with it,
	// whatever a request says about its host (AUTH-12).
	Base string
	// Life is how long a link works.
	Life   time.Duration
	Change Change
	// SameBrowser: a link that is opened elsewhere than where the password was typed
	// proves the address only.
	SameBrowser bool
	// SignIn begins a session when an address is proven.
	SignIn bool
	// Floor is the least time that asking for a letter takes without a session,
	// so that the answer's time does not tell whether there is an account.
	Floor time.Duration
	Now   func() time.Time
}

// Link is the mailer's Linker for verification letters.
func (v *Verification) Link(ctx context.Context, c mailer.Contents) (string, time.Duration, error) {
	u, err := v.Users.ByID(ctx, c.UserID)
	switch {
	case errors.Is(err, user.ErrNone), err == nil && u.Email != c.To:
		return "", 0, mailer.ErrStale
	case err != nil:
		return "", 0, err
	}
	open, err := v.wants(ctx, v.Users.DB, u)
	if err != nil {
		return "", 0, err
	}
	if !open {
		return "", 0, mailer.ErrStale
	}
	token, err := v.Token(c.UserID, c.To)
	if err != nil {
		return "", 0, err
	}
	callback := c.Callback
	if callback == "" {
		callback = "/"
	}
	return v.Base + "/verify-email?token=" + token + "&callbackURL=" + url.QueryEscape(callback), v.Life, nil
}

// Token gives the token of a link for this address of this person.
func (v *Verification) Token(userID, email string) (string, error) {
	now := v.Now()
	return v.Ring.SignJWT(map[string]any{
		"email": email, "userId": userID, "iat": now.Unix(), "exp": now.Add(v.Life).Unix(),
	})
}

// proof is what a link's token says.
type proof struct {
	id       string // the same for the same token
	userID   string
	email    string // the person's address when the link was made
	step     string // of a change of address; "" for a plain proof
	updateTo string // the new address of a change
}

// open reads a link's token.
func (v *Verification) open(token string) (p proof, err error) {
	claims, err := v.Ring.VerifyJWT(token, v.Now())
	switch {
	case errors.Is(err, security.ErrTokenExpired):
		return proof{}, ErrExpired
	case err != nil:
		return proof{}, wire.ErrInvalidToken
	}
	p.id = hex.EncodeToString(security.HashToken(token)[:16])
	p.userID, _ = claims["userId"].(string)
	p.email, _ = claims["email"].(string)
	p.step, _ = claims["requestType"].(string)
	p.updateTo, _ = claims["updateTo"].(string)
	change := p.step == confirmStep || p.step == proveStep
	if p.userID == "" || p.email == "" || p.step != "" && !change || change != (p.updateTo != "") {
		return proof{}, wire.ErrInvalidToken
	}
	return p, nil
}

// prove marks the address as proven and, the first time, may begin a session. A
// second use of a link is a plain success: mail scanners open links too.
func (v *Verification) prove(ctx context.Context, c *wire.Call, userID, email string) (begun *entrance.Entered, err error) {
	var ended []session.Ended
	here, err := v.here(ctx, c, userID)
	if err != nil {
		return nil, err
	}
	err = database.InTx(ctx, v.DB, func(tx pgx.Tx) error {
		begun = nil
		found, err := v.first(ctx, tx, c, here, userID, email)
		if errors.Is(err, user.ErrNone) {
			found, err = v.again(ctx, tx, c, userID, email)
		}
		if ended = found.Ended; err != nil || !found.New || !v.SignIn {
			return err
		}
		begun, err = v.enter(ctx, tx, c, found.User)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := v.Sessions.Changed(ctx, userID); err != nil {
		return nil, err
	}
	return begun, v.Sessions.Announce(ctx, ended, "address proven elsewhere")
}

// here tells whether the browser that opens a link is one in which the person came
// in with the password: it is then no stranger's.
func (v *Verification) here(ctx context.Context, c *wire.Call, userID string) (bool, error) {
	if account.MadeHere(v.Sessions.Cookies, c, userID) {
		return true, nil
	}
	own, err := v.Sessions.Current(ctx, c)
	return err == nil && own != nil && own.UserID == userID, err
}

// found is whose address was proven; New says that this use of the link did something.
type found = owner.Found

// first proves an address; user.ErrNone when that was done before, or it is not
// that person's.
func (v *Verification) first(ctx context.Context, tx pgx.Tx, c *wire.Call, here bool, userID, email string) (found, error) {
	if !here && v.SameBrowser {
		f, err := owner.Owners{Audit: v.Audit, Now: v.Now}.Doubt(ctx, tx, c, "link", userID, email)
		f.New = true
		return f, err
	}
	u, err := user.Store{DB: tx}.Verify(ctx, userID, email, wire.Moment(v.Now()))
	if err != nil {
		return found{}, err
	}
	return found{User: u, New: true}, v.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.EmailVerified, UserID: u.ID})
}

// again accepts an address that was proven before. Where the password was typed,
// which a session does not show, it confirms a doubted password.
func (v *Verification) again(ctx context.Context, tx pgx.Tx, c *wire.Call, userID, email string) (found, error) {
	u, err := user.Store{DB: tx}.ByID(ctx, userID)
	switch {
	case errors.Is(err, user.ErrNone):
		return found{}, wire.ErrUserNotFound
	case err != nil:
		return found{}, err
	case u.Email != email:
		return found{}, wire.ErrInvalidToken // the address was changed since
	}
	passwords := account.Store{DB: tx}
	if !account.MadeHere(v.Sessions.Cookies, c, userID) {
		doubted, err := passwords.Doubted(ctx, userID)
		if doubted {
			err = ErrElsewhere
		}
		return found{}, err
	}
	trusted, err := passwords.Trust(ctx, userID, wire.Moment(v.Now()))
	if err != nil || !trusted {
		return found{}, err
	}
	return found{User: u, New: true}, v.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.EmailVerified, UserID: u.ID, Details: map[string]string{"method": "link", "password": "confirmed"},
	})
}

// enter begins a session, unless the caller has one of the same person.
func (v *Verification) enter(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User) (*entrance.Entered, error) {
	own, err := v.Sessions.Current(ctx, c)
	if err != nil || own != nil && own.UserID == u.ID {
		return nil, err
	}
	return v.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: u, Method: "email-verification", Remember: true})
}

// wants tells whether a link would do something for a person.
func (v *Verification) wants(ctx context.Context, db database.Querier, u user.User) (bool, error) {
	if !u.EmailVerified {
		return true, nil
	}
	return account.Store{DB: db}.Doubted(ctx, u.ID)
}

// write puts a letter into the outbox when a link would do something. Nobody can
// tell from outside.
func (v *Verification) write(ctx context.Context, c *wire.Call, email, callback string) error {
	return database.InTx(ctx, v.DB, func(tx pgx.Tx) error {
		u, err := user.Store{DB: tx}.ByEmail(ctx, email)
		switch {
		case errors.Is(err, user.ErrNone):
			return nil
		case err != nil:
			return err
		}
		if open, err := v.wants(ctx, tx, u); err != nil || !open {
			return err
		}
		return v.Letters.Put(ctx, tx, mailer.Letter{
			Kind: mail.VerifyEmail, UserID: u.ID, Cause: "asked " + security.NewID(),
			Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: c.Header("Accept-Language"), Callback: callback},
		})
	})
}
