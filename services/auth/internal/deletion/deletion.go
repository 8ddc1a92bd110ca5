// Package deletion owns the end of an account: who may end it, what goes with
// it, and that the other services hear of it.
package deletion

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrExpired = problem.New(http.StatusBadRequest, "SESSION_EXPIRED", "Session expired. Re-authenticate to perform this action.")
	ErrToken   = problem.New(http.StatusNotFound, "INVALID_TOKEN", "Invalid token")
	ErrNobody  = problem.New(http.StatusNotFound, "FAILED_TO_GET_USER_INFO", "Failed to get user info")
)

const (
	purpose   = "delete-account"
	tokenLife = 24 * time.Hour
)

// Deletion ends accounts.
type Deletion struct {
	DB       database.Beginner
	Read     database.Querier
	Accounts *account.Accounts // checks passwords
	Sessions *session.Registry
	Audit    *audit.Log
	Letters  mailer.Outbox
	Limits   *limit.Limits
	Once     once.Secrets
	// Base is the public address of the contract's paths (AUTH-12).
	Base string
	// ByMail: a mailed link has to be opened first.
	ByMail bool
	// Tell are the services that keep something of people, by their names in jobs.Call.
	Tell []string
	// Call inserts a call to one of them in the transaction.
	Call func(ctx context.Context, tx pgx.Tx, call jobs.Call) error
}

// Remove ends an account in the transaction of the decision. What is to be
// announced after the commit is given back. actor is who decided; "" stands for
// the person.
func (d *Deletion) Remove(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, actor string) ([]session.Ended, error) {
	return d.remove(ctx, tx, c, u, actor, "")
}

// Replace ends the account of somebody who goes on as the successor, whose the files
// are from here on.
func (d *Deletion) Replace(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, successor string) ([]session.Ended, error) {
	return d.remove(ctx, tx, c, u, "", successor)
}

func (d *Deletion) remove(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, actor, successor string) ([]session.Ended, error) {
	users := user.Store{DB: tx}
	if err := users.Lock(ctx, u.ID); err != nil { // a session that begins meanwhile would not be announced
		return nil, err
	}
	ended, err := session.Store{DB: tx}.DeleteOfUser(ctx, u.ID, "")
	if err != nil {
		return nil, err
	}
	ended = append(ended, session.AllTokens(u.ID)) // those of API keys too
	if err := users.Delete(ctx, u.ID); err != nil {
		return nil, err
	}
	for _, target := range d.Tell {
		call := jobs.Call{Target: target, Method: http.MethodDelete, Path: "/internal/v1/users/" + url.PathEscape(u.ID)}
		if successor != "" && target == filesKeeper {
			call.Path += "?successor=" + url.QueryEscape(successor)
		}
		if err := d.Call(ctx, tx, call); err != nil {
			return nil, err
		}
	}
	if err := d.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.UserDeleted, UserID: u.ID, ActorID: actor}); err != nil || u.IsAnonymous {
		return ended, err
	}
	return ended, d.Letters.Put(ctx, tx, mailer.Letter{Kind: mail.AccountDeleted, UserID: u.ID, Cause: "deleted",
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: c.Header("Accept-Language")}})
}

// filesKeeper is the service whose things can be handed over.
const filesKeeper = "storage"

// leave ends the caller's account. before is the proof that is spent with it.
func (d *Deletion) leave(ctx context.Context, c *wire.Call, live *session.Live, before func(tx pgx.Tx) error) error {
	var ended []session.Ended
	err := database.InTx(ctx, d.DB, func(tx pgx.Tx) (err error) {
		if err := before(tx); err != nil {
			return err
		}
		ended, err = d.Remove(ctx, tx, c, live.User, "")
		return err
	})
	if errors.Is(err, user.ErrNone) {
		return wire.ErrUnauthorized // deleted a moment ago
	} else if err != nil {
		return err
	}
	return d.Sessions.Announce(ctx, ended, "account deleted")
}

// spend uses up the token of a letter; somebody else's stays as it is.
func (d *Deletion) spend(ctx context.Context, tx pgx.Tx, live *session.Live, token string) error {
	kept, err := d.Once.Take(ctx, tx, purpose, token)
	if errors.Is(err, once.ErrNone) || err == nil && kept.UserID != live.UserID {
		return ErrToken
	}
	return err
}

// write mails the link that deletes.
func (d *Deletion) write(ctx context.Context, c *wire.Call, live *session.Live, callback string) error {
	token := strings.ToLower(security.Token(32))
	return database.InTx(ctx, d.DB, func(tx pgx.Tx) error {
		if err := d.Once.Put(ctx, tx, once.Entry{Purpose: purpose, Key: token, UserID: live.UserID, Life: tokenLife}); err != nil {
			return err
		}
		if err := d.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.DeletionAsked, UserID: live.UserID, SessionID: live.ID}); err != nil {
			return err
		}
		return d.Letters.Put(ctx, tx, mailer.Letter{Kind: mail.DeleteAccount, UserID: live.UserID, Cause: security.NewID(),
			Contents: mailer.Contents{To: live.User.Email, Name: live.User.Name, Language: c.Header("Accept-Language"), Token: token, Callback: callback}})
	})
}

// Link is the mailer's Linker for these letters.
func (d *Deletion) Link(ctx context.Context, c mailer.Contents) (string, time.Duration, error) {
	_, err := d.Once.Peek(ctx, d.Read, purpose, c.Token)
	switch {
	case errors.Is(err, once.ErrNone):
		return "", 0, mailer.ErrStale
	case err != nil:
		return "", 0, err
	}
	callback := c.Callback
	if callback == "" {
		callback = "/"
	}
	return d.Base + "/delete-user/callback?token=" + c.Token + "&callbackURL=" + url.QueryEscape(callback), tokenLife, nil
}
