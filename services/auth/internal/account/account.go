// Package account owns signing up and signing in with an address and a password,
// and changing that password.
//
// What an outsider can learn is decided here: an unknown address, an account
// without a password and a wrong password give one answer after the same work
// (AUTH-06); where addresses must be proven, signing up with a known address
// looks like signing up with a new one (AUTH-08).
package account

import (
	"context"
	"errors"
	"net/http"
	"strconv"
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
	"github.com/codex-platform/codex/services/auth/internal/password"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrExists       = problem.New(http.StatusUnprocessableEntity, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.")
	ErrEmail        = problem.New(http.StatusBadRequest, "INVALID_EMAIL", "Invalid email")
	ErrCredentials  = problem.New(http.StatusUnauthorized, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password")
	ErrNotVerified  = problem.New(http.StatusForbidden, "EMAIL_NOT_VERIFIED", "Email not verified")
	ErrNoCredential = problem.New(http.StatusBadRequest, "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found")
	ErrClosed       = problem.New(http.StatusBadRequest, "EMAIL_PASSWORD_SIGN_UP_DISABLED", "Email and password sign up is not enabled")
)

// errDoubted refuses a password that its owner did not confirm; people are told
// ErrNotVerified.
var errDoubted = errors.New("the password is doubted")

// Rules are the switches of this feature.
type Rules struct {
	// Verify: an address must be proven before it signs in.
	Verify bool
	// AutoSignIn: signing up signs in, where the address need not be proven first.
	AutoSignIn bool
	// MailOnSignUp and MailOnSignIn send a verification letter to an address
	// that is not proven.
	MailOnSignUp bool
	MailOnSignIn bool
	// SameBrowser: a proof from another browser than that of the sign-up leaves the
	// password in doubt.
	SameBrowser bool
	// Closed: nobody can sign up.
	Closed bool
}

// hides tells whether signing up must not show if an address is known.
func (r Rules) hides() bool { return r.Verify || !r.AutoSignIn }

// Accounts signs people up and in.
type Accounts struct {
	DB        database.Beginner
	Store     Store
	Passwords password.Policy
	Sessions  *session.Registry
	Entrance  *entrance.Entrance
	Audit     *audit.Log
	Letters   mailer.Outbox
	Limits    *limit.Limits
	Rules     Rules
	Names     Names // nil: people have no user names
	// Floor is the least time of an answer that must not tell whether an address
	// is known. The work is the same already, but not to the millisecond: the
	// collector frees the memory of two hashes at a time, so every second one is
	// slower, and writing a new account takes longer than finding an old one.
	Floor time.Duration
	Now   func() time.Time
}

// Names are the user names that people choose beside their address.
type Names interface {
	// Chosen reads the name of a sign-up's body, nil for none, and refuses one
	// that is not free.
	Chosen(ctx context.Context, m wire.Members) (name, display *string, err error)
	// Hold keeps a name from everybody but one person, who did not get it: whether
	// a name is free must not tell that a sign-up made no account.
	Hold(ctx context.Context, tx pgx.Tx, name, userID string) error
}

// newcomer is who signs up.
type newcomer struct {
	user     user.User
	hash     string
	language string
	callback string
	remember bool
}

// signUp keeps a new account and gives its session, if it gets one at once. For
// a known address nothing is kept and nothing is told to the caller; the owner
// gets a letter.
func (a *Accounts) signUp(ctx context.Context, c *wire.Call, n newcomer) (*entrance.Entered, error) {
	var in *entrance.Entered
	err := database.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		in = nil
		inserted, err := user.Store{DB: tx}.Insert(ctx, n.user)
		switch {
		case err != nil:
			return err
		case !inserted && !a.Rules.hides():
			return ErrExists
		case !inserted:
			return a.warnOwner(ctx, tx, n)
		}
		in, err = a.begin(ctx, tx, c, n)
		return err
	})
	return in, err
}

// begin writes what belongs to a new account beside the person.
func (a *Accounts) begin(ctx context.Context, tx pgx.Tx, c *wire.Call, n newcomer) (*entrance.Entered, error) {
	if err := (Store{DB: tx}).Insert(ctx, n.user.ID, n.hash, n.user.CreatedAt); err != nil {
		return nil, err
	}
	if a.Rules.MailOnSignUp {
		if err := a.Letters.Put(ctx, tx, verification(n.user, "sign-up", n.language, n.callback)); err != nil {
			return nil, err
		}
	}
	if err := a.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.SignedUp, UserID: n.user.ID, Details: map[string]string{"method": "email"}}); err != nil {
		return nil, err
	}
	if a.Rules.hides() {
		return nil, nil
	}
	return a.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: n.user, Method: "email", Remember: n.remember, New: true})
}

// verification is the letter that proves an address.
func verification(u user.User, cause, language, callback string) mailer.Letter {
	return mailer.Letter{Kind: mail.VerifyEmail, UserID: u.ID, Cause: cause,
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: language, Callback: callback}}
}

// warnOwner tells the owner of an address that somebody tried to sign up with
// it, once an hour at most.
func (a *Accounts) warnOwner(ctx context.Context, tx pgx.Tx, n newcomer) error {
	owner, err := user.Store{DB: tx}.ByEmail(ctx, n.user.Email)
	if errors.Is(err, user.ErrNone) {
		return nil // deleted a moment ago; the caller cannot tell and tries again
	} else if err != nil {
		return err
	}
	if n.user.Username != nil {
		if err := a.Names.Hold(ctx, tx, *n.user.Username, owner.ID); err != nil {
			return err
		}
	}
	return a.Letters.Put(ctx, tx, mailer.Letter{
		Kind: mail.AccountExists, UserID: owner.ID, Cause: a.Now().UTC().Format("2006-01-02T15"),
		Contents: mailer.Contents{To: owner.Email, Name: owner.Name, Language: n.language},
	})
}

// Attempt is one try to sign in with a password.
type Attempt struct {
	Method   string // "email", or the name of another door that asks for a password
	Named    string // the address or name that was typed
	User     user.User
	Hash     *string // nil: there is no such account, or it has no password
	Typed    string
	Remember bool
	Callback string
}

// signIn checks a password and lets its owner in.
func (a *Accounts) signIn(ctx context.Context, c *wire.Call, t Attempt) (*entrance.Entered, error) {
	u, typed, hash := t.User, t.Typed, t.Hash
	ok, upgrade, err := a.match(ctx, c, t.guess(c), hash)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, a.refuse(ctx, c, t, "credentials", ErrCredentials)
	case a.Rules.Verify && !u.EmailVerified:
		return nil, a.unproven(ctx, c, t, a.Rules.MailOnSignIn)
	}
	keep := *hash
	if upgrade {
		if keep, err = a.upgrade(ctx, u.ID, typed, *hash); err != nil {
			return nil, err
		}
	}
	in, err := a.enter(ctx, c, t, keep)
	if errors.Is(err, errDoubted) {
		return nil, a.unproven(ctx, c, t, true)
	}
	return in, a.Entrance.Turned(ctx, c, u.ID, t.Method, err)
}

// refuse records a try that failed, and refuses it: a wrong password and an unknown
// address alike.
func (a *Accounts) refuse(ctx context.Context, c *wire.Call, t Attempt, reason string, refusal error) error {
	if err := a.Audit.Record(ctx, a.Store.DB, c, audit.Event{
		Kind: audit.SignedIn, UserID: t.User.ID, Failed: true, Details: map[string]string{"method": t.Method, "reason": reason},
	}); err != nil {
		return err
	}
	return refusal
}

// enter begins the session while the password that was checked still is the
// account's: a reset that runs at the same time either sees the session and
// ends it, or was first and makes this sign-in fail.
func (a *Accounts) enter(ctx context.Context, c *wire.Call, t Attempt, hash string) (*entrance.Entered, error) {
	var in *entrance.Entered
	err := database.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		if err := (Store{DB: tx}).Hold(ctx, t.User.ID, hash); err != nil {
			return err
		}
		var err error
		in, err = a.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: t.User, Method: t.Method, Remember: t.Remember})
		return err
	})
	return in, err
}

// upgrade replaces an old form of hash by the current one, and gives the hash
// that the account has then. One that could not be replaced is still good.
func (a *Accounts) upgrade(ctx context.Context, userID, typed, old string) (string, error) {
	fresh, err := a.Passwords.Hasher.Hash(ctx, typed)
	if errors.Is(err, security.ErrBusy) {
		return old, nil
	} else if err != nil {
		return "", err
	}
	swapped, err := a.Store.Swap(ctx, userID, old, fresh, a.Now())
	if err != nil {
		return "", err
	}
	if !swapped {
		return old, nil
	}
	return fresh, nil
}

// unproven refuses an address that was not proven yet, or a password that is
// doubted, and writes to the address again where that is wanted. The link then
// works for the password in this browser, where it was typed.
func (a *Accounts) unproven(ctx context.Context, c *wire.Call, t Attempt, write bool) error {
	var h wire.Headers
	if a.Rules.SameBrowser || t.User.EmailVerified { // proven: it is the password that is doubted
		a.markBrowser(&h, t.User.ID)
	}
	refusal := wire.Keeping(ErrNotVerified, h)
	if !write || !a.Limits.MayWrite(ctx, t.User.Email) {
		return a.refuse(ctx, c, t, ErrNotVerified.Code, refusal)
	}
	err := database.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		return a.Letters.Put(ctx, tx, verification(t.User, "sign-in "+security.NewID(), c.Header("Accept-Language"), t.Callback))
	})
	if err != nil {
		return err
	}
	return a.refuse(ctx, c, t, ErrNotVerified.Code, refusal)
}

// changePassword replaces a password by its owner's wish, and ends the other
// sessions when asked to. The session that goes on then is a new one.
func (a *Accounts) changePassword(ctx context.Context, c *wire.Call, live *session.Live, old, hash string, endOthers bool) (*session.Live, error) {
	var next *session.Live
	var ended []session.Ended
	err := database.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		next, ended = nil, nil
		now := a.Now()
		swapped, err := Store{DB: tx}.Swap(ctx, live.UserID, old, hash, now)
		switch {
		case err != nil:
			return err
		case !swapped: // somebody else changed it a moment ago
			return wire.ErrInvalidPassword
		}
		if _, err := (Store{DB: tx}).Trust(ctx, live.UserID, now); err != nil {
			return err
		}
		if err := (Store{DB: tx}).ForgetResets(ctx, live.UserID); err != nil {
			return err
		}
		e := audit.Event{Kind: audit.PasswordChanged, UserID: live.UserID, SessionID: live.ID}
		if endOthers {
			if next, ended, err = a.startOver(ctx, tx, c, live); err != nil {
				return err
			}
			e.Details = map[string]string{"sessions": strconv.Itoa(len(ended))}
		}
		if err := a.Audit.Record(ctx, tx, c, e); err != nil {
			return err
		}
		return a.Letters.Put(ctx, tx, Changed(live.User, c.Header("Accept-Language")))
	})
	if err != nil {
		return nil, err
	}
	return next, a.Sessions.Announce(ctx, ended, "password changed")
}

func (a *Accounts) startOver(ctx context.Context, tx pgx.Tx, c *wire.Call, live *session.Live) (*session.Live, []session.Ended, error) {
	ended, err := session.Store{DB: tx}.DeleteOfUser(ctx, live.UserID, "")
	if err != nil {
		return nil, nil, err
	}
	next, err := a.Sessions.Succeed(ctx, tx, live, live.User, c)
	return &next, ended, err
}

// Changed is the letter that tells an owner of a new password.
func Changed(u user.User, language string) mailer.Letter {
	return mailer.Letter{Kind: mail.PasswordChanged, UserID: u.ID, Cause: security.NewID(),
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: language}}
}
