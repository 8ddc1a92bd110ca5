// Package reset owns the way back in for somebody who forgot the password: a
// link by mail, which works once and for an hour. The database holds the hash of
// the link's token only, and the token itself travels sealed to the mail job.
package reset

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/password"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// ErrToken refuses a link that is unknown, over, or was used.
var ErrToken = problem.New(http.StatusBadRequest, "INVALID_TOKEN", "Invalid token")

// tokenLength gives 142 bits (AUTH-10).
const tokenLength = 24

// Reset replaces forgotten passwords.
type Reset struct {
	DB        database.Beginner
	Store     Store
	Passwords password.Policy
	Sessions  *session.Registry
	Audit     *audit.Log
	Letters   mailer.Outbox
	Limits    *limit.Limits
	// Base is the public address of the contract's paths: links begin with it,
	// whatever a request says about its host (AUTH-12).
	Base string
	// Origin is the public origin, for pages that are named by a path.
	Origin string
	// Page is where a link leads on to when the request named no page.
	Page string
	// Life is how long a link works.
	Life time.Duration
	// EndSessions ends every session of the person.
	EndSessions bool
	// Floor is the least time that asking for a link takes, so that the answer's
	// time does not tell whether there is an account.
	Floor time.Duration
	Now   func() time.Time
}

// write makes a link for the person with this address, if there is one, in
// place of an older link.
func (r *Reset) write(ctx context.Context, c *wire.Call, email, page string) error {
	return database.InTx(ctx, r.DB, func(tx pgx.Tx) error {
		u, err := user.Store{DB: tx}.ByEmail(ctx, email)
		if errors.Is(err, user.ErrNone) {
			return nil
		} else if err != nil {
			return err
		}
		token, now := security.Token(tokenLength), r.Now()
		if err := (Store{DB: tx}).Issue(ctx, u.ID, security.HashToken(token), now, now.Add(r.Life)); err != nil {
			return err
		}
		if err := r.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.ResetAsked, UserID: u.ID}); err != nil {
			return err
		}
		return r.Letters.Put(ctx, tx, mailer.Letter{
			Kind: mail.ResetPassword, UserID: u.ID, Cause: security.NewID(),
			Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: c.Header("Accept-Language"), Token: token, Callback: page},
		})
	})
}

// Link is the mailer's Linker for reset letters. A letter that waited so long
// that its link is over, or was overtaken by a newer one, is not sent.
func (r *Reset) Link(ctx context.Context, c mailer.Contents) (string, time.Duration, error) {
	_, err := r.Store.Peek(ctx, security.HashToken(c.Token), r.Now())
	switch {
	case errors.Is(err, ErrToken):
		return "", 0, mailer.ErrStale
	case err != nil:
		return "", 0, err
	}
	return r.Base + "/reset-password/" + c.Token + "?callbackURL=" + url.QueryEscape(c.Callback), r.Life, nil
}

// use spends a token: of parallel uses one deletes the row.
func (r *Reset) use(ctx context.Context, c *wire.Call, token, hash string) error {
	return r.Replace(ctx, c, hash, func(tx pgx.Tx) (string, error) {
		return Store{DB: tx}.Spend(ctx, security.HashToken(token), r.Now())
	})
}

// Replace sets a password by a proof that came by mail: the new password, the end
// of the sessions and of the proof are one step. spend uses up the proof and says
// whose it is.
//
// Whoever has the proof reads the person's mail, so the address counts as
// proven from here on. That also takes an account back from somebody who signed
// up with a foreign address: see owner.
func (r *Reset) Replace(ctx context.Context, c *wire.Call, hash string, spend func(tx pgx.Tx) (userID string, err error)) error {
	var found owner.Found
	err := database.InTx(ctx, r.DB, func(tx pgx.Tx) error {
		now := wire.Moment(r.Now())
		userID, err := spend(tx)
		if err != nil {
			return err
		}
		if found, err = r.claim(ctx, tx, c, userID); err != nil {
			return err
		}
		if err := (account.Store{DB: tx}).Set(ctx, userID, hash, now); err != nil {
			return err
		}
		if err := (account.Store{DB: tx}).ForgetResets(ctx, userID); err != nil {
			return err
		}
		if r.EndSessions {
			ended, err := session.Store{DB: tx}.DeleteOfUser(ctx, userID, "")
			if err != nil {
				return err
			}
			found.Ended = append(found.Ended, ended...)
		}
		if err := r.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.PasswordReset, UserID: userID}); err != nil {
			return err
		}
		return r.Letters.Put(ctx, tx, account.Changed(found.User, c.Header("Accept-Language")))
	})
	if err != nil {
		return err
	}
	if err := r.Sessions.Changed(ctx, found.User.ID); err != nil {
		return err
	}
	return r.Sessions.Announce(ctx, found.Ended, "password reset")
}

// claim gives the person, who has proven the address by now.
func (r *Reset) claim(ctx context.Context, tx pgx.Tx, c *wire.Call, userID string) (owner.Found, error) {
	u, err := user.Store{DB: tx}.ByID(ctx, userID)
	if err != nil {
		return owner.Found{}, fmt.Errorf("owner of reset token: %w", err)
	}
	return owner.Owners{Audit: r.Audit, Now: r.Now}.Claim(ctx, tx, c, "password-reset", u)
}
