// Package twofactor owns the second step of signing in: codes of an authenticator
// app, codes by mail, backup codes, and devices that are trusted for a while.
//
// Every check of a code holds the person's row, so that parallel tries come one
// after the other: a code works once, and no number of requests outruns a count.
// Three things bound guessing: a challenge takes 5 wrong codes of whatever kind,
// 10 wrong ones in a row close the second step for 15 minutes, and in no hour are
// more than 20 looked at.
//
// What proves the first step ends with the password that it was proven under:
// challenges and trusted devices keep a mark of the password's hash, and are worth
// nothing once that changed, by whatever door (MFA-06).
package twofactor

import (
	"context"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrCode          = problem.New(http.StatusUnauthorized, "INVALID_CODE", "Invalid code")
	ErrBackupCode    = problem.New(http.StatusUnauthorized, "INVALID_BACKUP_CODE", "Invalid backup code")
	ErrCookie        = problem.New(http.StatusUnauthorized, "INVALID_TWO_FACTOR_COOKIE", "Invalid two factor cookie")
	ErrTries         = problem.New(http.StatusBadRequest, "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE", "Too many attempts. Please request a new code.")
	ErrLocked        = problem.New(http.StatusTooManyRequests, "ACCOUNT_TEMPORARILY_LOCKED", "Account temporarily locked")
	ErrExpired       = problem.New(http.StatusBadRequest, "OTP_HAS_EXPIRED", "OTP has expired")
	ErrNotEnabled    = problem.New(http.StatusBadRequest, "TWO_FACTOR_NOT_ENABLED", "Two factor isn't enabled")
	ErrNoTOTP        = problem.New(http.StatusBadRequest, "TOTP_NOT_ENABLED", "TOTP not enabled")
	ErrHasTOTP       = problem.New(http.StatusBadRequest, "TOTP_ALREADY_ENABLED", "TOTP is already enabled")
	ErrNoMail        = problem.New(http.StatusBadRequest, "OTP_NOT_CONFIGURED", "OTP not configured")
	ErrNoBackupCodes = problem.New(http.StatusBadRequest, "BACKUP_CODES_NOT_ENABLED", "Backup codes aren't enabled")
)

// How long things last and how often they may be tried (contract §9, MFA-01, MFA-02).
const (
	challengeLife  = 10 * time.Minute
	challengeTries = 5
	mailedLife     = 3 * time.Minute
	mailedTries    = 5
	perHour        = 20
)

// InARow wrong codes lock a second factor for LockTime.
const (
	InARow   = 10
	LockTime = 15 * time.Minute
)

// Rules are the switches of this feature.
type Rules struct {
	Issuer string // the product's name in authenticator apps
	// Mailed: codes by mail are taken. They are as strong as the mailbox.
	Mailed bool
	// Trust is how long a device stays trusted after its last sign-in.
	Trust time.Duration
}

// TwoFactor asks for second factors and checks them. It is entrance.SecondFactor.
type TwoFactor struct {
	DB       database.Beginner
	Store    Store
	Users    user.Store
	Once     once.Secrets
	Ring     security.Keyring
	Sessions *session.Registry
	Entrance *entrance.Entrance
	Audit    *audit.Log
	Letters  mailer.Outbox
	Limits   *limit.Limits
	// Prove checks the caller's own password; see account.Accounts.
	Prove func(ctx context.Context, c *wire.Call, live *session.Live, typed string, without error) (hash string, err error)
	Rules Rules
	Now   func() time.Time
}

// changed is the letter that tells a person of a change that somebody else may
// have made.
func changed(u user.User, what, language string) mailer.Letter {
	return mailer.Letter{Kind: mail.SecondFactorChanged, UserID: u.ID, Cause: security.NewID(),
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: language, What: what}}
}
