// Package passkey owns signing in with passkeys: the ceremonies in which one is
// registered and used, and the list of a person's own.
//
// A challenge belongs to one browser, by its cookie, and to one ceremony, by the
// purpose under which it is kept; it lives five minutes and is spent by the first
// answer, right or wrong. What an answer says is checked by go-webauthn; the
// counter is kept in one statement, so that of parallel uses one signs in.
package passkey

import (
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
)

// The refusals of this feature.
var (
	ErrChallenge      = problem.New(http.StatusBadRequest, "CHALLENGE_NOT_FOUND", "Challenge not found")
	ErrRegistration   = problem.New(http.StatusBadRequest, "FAILED_TO_VERIFY_REGISTRATION", "Failed to verify registration")
	ErrNotYours       = problem.New(http.StatusUnauthorized, "YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY", "You are not allowed to register this passkey")
	ErrUnknown        = problem.New(http.StatusUnauthorized, "PASSKEY_NOT_FOUND", "Passkey not found")
	ErrAuthentication = problem.New(http.StatusUnauthorized, "AUTHENTICATION_FAILED", "Authentication failed")
	ErrFull           = problem.New(http.StatusBadRequest, "TOO_MANY_PASSKEYS", "There are too many passkeys: remove one first")
	// ErrNotFound is for the lists: somebody else's passkey is not told from none (MFA-09).
	ErrNotFound = problem.New(http.StatusNotFound, "PASSKEY_NOT_FOUND", "Passkey not found")
)

// most is how many passkeys a person may have: the options of a ceremony name them all.
const most = 100

// Passkeys registers passkeys and signs people in with them.
type Passkeys struct {
	DB       database.Beginner
	Store    Store
	Once     once.Secrets
	Party    *webauthn.WebAuthn // whom the passkeys are for, and from where they are used
	Sessions *session.Registry
	Entrance *entrance.Entrance
	Audit    *audit.Log
	Letters  mailer.Outbox
	// MustVerify: the authenticator has to check who uses it (PIN, finger, face).
	MustVerify bool
	Now        func() time.Time
}

// verification is what authenticators are asked for.
func (p *Passkeys) verification() string {
	if p.MustVerify {
		return "required"
	}
	return "preferred"
}

// changed is the letter that tells a person of a change that somebody else may
// have made.
func changed(u user.User, what, language string) mailer.Letter {
	return mailer.Letter{Kind: mail.PasskeyChanged, UserID: u.ID, Cause: security.NewID(),
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: language, What: what}}
}
