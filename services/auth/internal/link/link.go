// Package link owns the accounts that people have with providers: whose a
// provider's account is, how one is added and taken away, and the tokens that
// came with it.
//
// A person is found by provider and subject, never by an address alone (OAU-05).
// An address joins the two only when both sides have proven it (OAU-06);
// otherwise the person signs in first and links from there.
package link

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// What can stand in the way of an identity. Callbacks and JSON doors each have
// words of their own for them; see oauth.
var (
	ErrNoEmail    = errors.New("the provider tells no address")
	ErrNotLinked  = errors.New("the address does not join the two accounts")
	ErrClosed     = errors.New("the provider signs nobody up")
	ErrUnverified = errors.New("the person's address is not proven")
	ErrOtherEmail = errors.New("the provider tells another address")
	ErrTaken      = errors.New("the account is another person's")
	ErrForbidden  = errors.New("linking is off, or the session that asked is over")

	// errRaced says that another request was faster; the transaction is tried again.
	errRaced = errors.New("another request was faster")
)

// Rules are the switches of this feature.
type Rules struct {
	// Linking: accounts of providers can be added to people who exist.
	Linking bool
	// OtherEmails: also with another address than the person's.
	OtherEmails bool
	// Trusted are the ids of providers whose addresses count as proven, whatever
	// they say about them.
	Trusted map[string]bool
	// Verify: an address must be proven before it signs in.
	Verify bool
	// Letter: somebody new whose address is not proven gets a verification link.
	Letter bool
}

// Links finds and keeps the accounts of providers.
type Links struct {
	DB        database.Beginner
	Store     Store
	Providers map[string]*provider.Provider
	Sessions  *session.Registry
	Owners    owner.Owners
	Audit     *audit.Log
	Letters   mailer.Outbox
	Ring      security.Keyring
	Rules     Rules
	Now       func() time.Time
	Log       *slog.Logger

	renewals renewals
}

// Claim is an identity that a provider has vouched for.
type Claim struct {
	Provider string
	provider.Identity
	Tokens provider.Tokens
	// SignUp: somebody unknown becomes a person.
	SignUp bool
}

// proven tells whether the claim's address counts as the claimant's.
func (l *Links) proven(c Claim) bool {
	return c.Email != "" && (c.EmailVerified || l.Rules.Trusted[c.Provider])
}

// Found is who a claim belongs to.
type Found struct {
	User user.User
	New  bool
	// Ended are sessions that were not the person's.
	Ended []session.Ended
}

// attempts bounds how often a lost race is run again.
const attempts = 3

// InTx is database.InTx, run again after a lost race.
func (l *Links) InTx(ctx context.Context, f func(tx pgx.Tx) error) error {
	var err error
	for range attempts {
		if err = database.InTx(ctx, l.DB, f); !errors.Is(err, errRaced) {
			return err
		}
	}
	return err
}

// SignIn finds or makes the person of a claim, in the transaction that lets them in.
func (l *Links) SignIn(ctx context.Context, tx pgx.Tx, c *wire.Call, claim Claim) (Found, error) {
	u, err := Store{DB: tx}.Owner(ctx, claim.Provider, claim.Subject)
	switch {
	case err == nil:
		return l.known(ctx, tx, c, claim, u)
	case !errors.Is(err, user.ErrNone):
		return Found{}, err
	case claim.Email == "":
		return Found{}, ErrNoEmail
	case !l.proven(claim) && l.Rules.Verify: // the same for an address that somebody has and for one that nobody has
		return Found{}, ErrNotLinked
	}
	u, err = Store{DB: tx}.ByEmail(ctx, claim.Email)
	if errors.Is(err, user.ErrNone) {
		return l.newcomer(ctx, tx, c, claim)
	} else if err != nil {
		return Found{}, err
	}
	if !l.Rules.Linking || !l.proven(claim) || !u.EmailVerified || u.IsAnonymous {
		return Found{}, ErrNotLinked
	}
	return Found{User: u}, l.join(ctx, tx, c, claim, u, "address")
}

// known lets the owner of an account in. An address that was never proven is by
// the provider's word, and then nobody else keeps a way in (OAU-07).
func (l *Links) known(ctx context.Context, tx pgx.Tx, c *wire.Call, claim Claim, u user.User) (Found, error) {
	found := Found{User: u}
	if !u.EmailVerified && l.proven(claim) && claim.Email == u.Email {
		claimed, err := l.Owners.Claim(ctx, tx, c, claim.Provider, u)
		if errors.Is(err, owner.ErrNone) {
			return Found{}, errRaced
		} else if err != nil {
			return Found{}, err
		}
		found = Found{User: claimed.User, Ended: claimed.Ended}
	}
	if !found.User.EmailVerified && l.Rules.Verify {
		return Found{}, ErrUnverified
	}
	return found, l.keep(ctx, tx, claim, u.ID)
}

// newcomer makes somebody of a claim.
func (l *Links) newcomer(ctx context.Context, tx pgx.Tx, c *wire.Call, claim Claim) (Found, error) {
	if !claim.SignUp {
		return Found{}, ErrClosed
	}
	mailbox, _, _ := strings.Cut(claim.Email, "@")
	u := user.New(security.NewID(), cmp.Or(claim.Name, mailbox), claim.Email, claim.Image, l.Now())
	u.EmailVerified = l.proven(claim)
	inserted, err := user.Store{DB: tx}.Insert(ctx, u)
	switch {
	case err != nil:
		return Found{}, err
	case !inserted:
		return Found{}, errRaced
	}
	if err := l.keep(ctx, tx, claim, u.ID); err != nil {
		return Found{}, err
	}
	if !u.EmailVerified && l.Rules.Letter {
		if err := l.Letters.Put(ctx, tx, mailer.Letter{Kind: mail.VerifyEmail, UserID: u.ID, Cause: "sign-up",
			Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: c.Header("Accept-Language")}}); err != nil {
			return Found{}, err
		}
	}
	return Found{User: u, New: true}, l.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.SignedUp, UserID: u.ID, Details: map[string]string{"method": claim.Provider},
	})
}

// Wish is a signed-in person's wish to link an account.
type Wish struct {
	UserID    string `json:"user_id"`
	SessionID string `json:"session_id"`
}

// Add adds the account of a claim to the person who asked for it, while the
// session in which that happened goes on.
func (l *Links) Add(ctx context.Context, c *wire.Call, claim Claim, w Wish) error {
	if err := l.InTx(ctx, func(tx pgx.Tx) error { return l.add(ctx, tx, c, claim, w) }); err != nil {
		return err
	}
	return l.Sessions.Changed(ctx, w.UserID) // the address may be proven by it
}

func (l *Links) add(ctx context.Context, tx pgx.Tx, c *wire.Call, claim Claim, w Wish) error {
	u, err := Store{DB: tx}.InSession(ctx, w, l.Now())
	switch {
	case errors.Is(err, user.ErrNone):
		return ErrForbidden
	case err != nil:
		return err
	case !l.Rules.Linking || u.Barred(l.Now()):
		return ErrForbidden
	case claim.Email == "":
		return ErrNoEmail
	case claim.Email != u.Email && !l.Rules.OtherEmails:
		return ErrOtherEmail
	}
	if err := l.prove(ctx, tx, claim, u); err != nil {
		return err
	}
	has, err := Store{DB: tx}.Owner(ctx, claim.Provider, claim.Subject)
	switch {
	case err == nil && has.ID != u.ID:
		return ErrTaken
	case err == nil:
		return l.keep(ctx, tx, claim, u.ID)
	case !errors.Is(err, user.ErrNone):
		return err
	}
	return l.join(ctx, tx, c, claim, u, "session")
}

// prove marks the address of a person in session as proven by the provider's own
// word. Nothing is taken away: who has the session and the address is one person.
func (l *Links) prove(ctx context.Context, tx pgx.Tx, claim Claim, u user.User) error {
	if u.EmailVerified || !claim.EmailVerified || claim.Email != u.Email {
		return nil
	}
	_, err := user.Store{DB: tx}.Verify(ctx, u.ID, u.Email, wire.Moment(l.Now()))
	if errors.Is(err, user.ErrNone) { // proven a moment ago
		return nil
	}
	return err
}

// join adds a claim's account to a person who exists, and tells the person.
func (l *Links) join(ctx context.Context, tx pgx.Tx, c *wire.Call, claim Claim, u user.User, by string) error {
	if err := l.keep(ctx, tx, claim, u.ID); err != nil {
		return err
	}
	if err := l.tell(ctx, tx, c, mail.WayAdded, u, claim.Provider); err != nil {
		return err
	}
	return l.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.AccountLinked, UserID: u.ID, Details: map[string]string{"provider": claim.Provider, "by": by},
	})
}

// keep writes a claim's account, with its tokens sealed.
func (l *Links) keep(ctx context.Context, tx pgx.Tx, claim Claim, userID string) error {
	sealed, err := l.seal(claim.Tokens)
	if err != nil {
		return err
	}
	now := wire.Moment(l.Now())
	ours, err := Store{DB: tx}.Put(ctx, Account{
		ID: security.NewID(), UserID: userID, ProviderID: claim.Provider, AccountID: claim.Subject, Sealed: sealed, CreatedAt: now, UpdatedAt: now,
	})
	if err == nil && !ours {
		return errRaced
	}
	return err
}
