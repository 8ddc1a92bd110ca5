// Package emailotp owns codes that are mailed and typed in: they sign in, prove
// an address, replace a forgotten password and change an address.
//
// A code has six digits, so what protects it is how often it may be tried: a try
// is charged before the code is compared, three end a code, and a new one gives
// no more than the limit of its address (limit.Code). A code is kept for unknown
// addresses too, and mailed to nobody: tries tell nothing then.
package emailotp

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/password"
	"github.com/codex-platform/codex/services/auth/internal/reset"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrCode    = problem.New(http.StatusBadRequest, "INVALID_OTP", "Invalid OTP")
	ErrOver    = problem.New(http.StatusBadRequest, "OTP_EXPIRED", "OTP expired")
	ErrTries   = problem.New(http.StatusForbidden, "TOO_MANY_ATTEMPTS", "Too many attempts")
	ErrKind    = problem.New(http.StatusBadRequest, "INVALID_OTP_TYPE", "Invalid OTP type")
	ErrEmail   = problem.New(http.StatusBadRequest, "INVALID_EMAIL", "Invalid email")
	ErrUnknown = problem.New(http.StatusBadRequest, "USER_NOT_FOUND", "User not found")
)

// kind is what a code is for; the words are the contract's.
type kind string

const (
	signIn kind = "sign-in"
	verify kind = "email-verification"
	forgot kind = "forget-password"
	change kind = "change-email"
)

// letters are the kinds of letters that carry the codes.
var letters = map[kind]mail.Template{signIn: mail.SignInCode, verify: mail.VerifyCode, forgot: mail.ResetCode, change: mail.VerifyCode}

// purpose names the kind where secrets are kept.
func (k kind) purpose() string { return string(k) + "-otp" }

const (
	method = "email-otp"
	digits = 6
	tries  = 3
)

// DB is where a step is one statement, or begins a transaction.
type DB interface {
	database.Querier
	database.Beginner
}

// Codes makes and takes codes.
type Codes struct {
	DB        DB
	Once      once.Secrets
	Owners    owner.Owners
	Sessions  *session.Registry
	Entrance  *entrance.Entrance
	Reset     *reset.Reset
	Passwords password.Policy
	Letters   mailer.Outbox
	Limits    *limit.Limits
	Audit     *audit.Log
	// Life is how long a code works.
	Life time.Duration
	// SignIn begins a session when an address is proven.
	SignIn bool
	// SameBrowser: a code that is typed elsewhere than where the account was made
	// leaves nothing of what came before the proof.
	SameBrowser bool
	// Change is how addresses are changed by codes.
	Change Change
	// Floor is the least time that asking for a code takes, so that the answer's
	// time does not tell whether there is an account.
	Floor time.Duration
	Now   func() time.Time
}

// newCode draws a code; every one is as likely.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("draw code: %w", err)
	}
	return fmt.Sprintf("%0*d", digits, n), nil
}

// write makes a code for an address and mails it to its owner, or to somebody
// who may become one.
func (k *Codes) write(ctx context.Context, c *wire.Call, what kind, email string) error {
	return database.InTx(ctx, k.DB, func(tx pgx.Tx) error {
		u, err := user.Store{DB: tx}.ByEmail(ctx, email)
		if err != nil && !errors.Is(err, user.ErrNone) {
			return err
		}
		known := err == nil && !u.IsAnonymous
		code, err := k.keep(ctx, tx, what, email, u.ID)
		if err != nil {
			return err
		}
		if known && what == forgot {
			if err := k.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.ResetAsked, UserID: u.ID, Details: map[string]string{"method": method}}); err != nil {
				return err
			}
		}
		if !known && (what != signIn || !k.Owners.SignUp || u.IsAnonymous) {
			return nil
		}
		return k.mail(ctx, tx, c, what, u, email, code)
	})
}

// keep makes a code in place of an older one.
func (k *Codes) keep(ctx context.Context, tx pgx.Tx, what kind, key, userID string) (string, error) {
	code, err := newCode()
	if err != nil {
		return "", err
	}
	return code, k.Once.Put(ctx, tx, once.Entry{Purpose: what.purpose(), Key: key, UserID: userID, Value: code, Life: k.Life})
}

func (k *Codes) mail(ctx context.Context, tx pgx.Tx, c *wire.Call, what kind, u user.User, to, code string) error {
	return k.Letters.Put(ctx, tx, mailer.Letter{
		Kind: letters[what], UserID: u.ID, Cause: security.NewID(),
		Contents: mailer.Contents{
			To: to, Name: u.Name, Language: c.Header("Accept-Language"), Code: code, Until: k.Now().Add(k.Life), Life: k.Life,
		},
	})
}

// match charges a try and compares. It is not part of a transaction: a try stays
// charged whatever becomes of the rest.
func (k *Codes) match(ctx context.Context, c *wire.Call, what kind, email, key, typed string) error {
	if err := k.Limits.Code(ctx, email); err != nil {
		return err
	}
	kept, err := k.Once.Try(ctx, k.DB, what.purpose(), key, tries)
	switch {
	case errors.Is(err, once.ErrNone):
		return k.refuse(ctx, c, what, key)
	case err != nil:
		return err
	}
	return k.compare(ctx, c, what, kept, typed)
}

// refuse says why there is no code to compare with.
func (k *Codes) refuse(ctx context.Context, c *wire.Call, what kind, key string) error {
	kept, err := k.Once.Peek(ctx, k.DB, what.purpose(), key)
	switch {
	case errors.Is(err, once.ErrOver):
		return k.failed(ctx, c, what, kept.UserID, ErrOver)
	case errors.Is(err, once.ErrNone):
		return k.failed(ctx, c, what, "", ErrCode)
	case err != nil:
		return err
	}
	return k.failed(ctx, c, what, kept.UserID, ErrTries)
}

func (k *Codes) compare(ctx context.Context, c *wire.Call, what kind, kept once.Kept, typed string) error {
	var code string
	if err := kept.Read(&code); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(code), []byte(typed)) != 1 {
		return k.failed(ctx, c, what, kept.UserID, ErrCode)
	}
	return nil
}

// spend uses a code up that matched a moment ago: of parallel uses one deletes
// the row. One that was replaced since is another code.
func (k *Codes) spend(ctx context.Context, tx pgx.Tx, what kind, key, typed string) error {
	kept, err := k.Once.Take(ctx, tx, what.purpose(), key)
	if errors.Is(err, once.ErrNone) {
		return ErrCode
	} else if err != nil {
		return err
	}
	var code string
	if err := kept.Read(&code); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(code), []byte(typed)) != 1 {
		return ErrCode
	}
	return nil
}

// events are what a refused code is recorded as.
var events = map[kind]audit.Kind{signIn: audit.SignedIn, verify: audit.EmailVerified, forgot: audit.PasswordReset, change: audit.EmailChanged}

// failed records a refused code.
func (k *Codes) failed(ctx context.Context, c *wire.Call, what kind, userID string, why *problem.Problem) error {
	if err := k.Audit.Record(ctx, k.DB, c, audit.Event{
		Kind: events[what], UserID: userID, Failed: true, Details: map[string]string{"method": method, "reason": why.Code},
	}); err != nil {
		return err
	}
	return why
}

// forgotten spends the code of a forgotten password and says whose it was.
func (k *Codes) forgotten(ctx context.Context, tx pgx.Tx, email, code string) (userID string, err error) {
	if err := k.spend(ctx, tx, forgot, email, code); err != nil {
		return "", err
	}
	u, err := user.Store{DB: tx}.ByEmail(ctx, email)
	if errors.Is(err, user.ErrNone) {
		return "", ErrUnknown
	}
	return u.ID, err
}
