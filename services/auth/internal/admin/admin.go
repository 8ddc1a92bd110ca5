// Package admin owns what administrators do to other people's accounts: making,
// changing, banning and ending them, and acting as somebody to see what they see.
//
// Every deed is one transaction with its record, holds the row of the person, and
// asks there whether its doer may act upon that person as the person is now.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/password"
	"github.com/codex-platform/codex/services/auth/internal/permission"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Remover ends an account; see deletion.
type Remover interface {
	Remove(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, actor string) ([]session.Ended, error)
}

// Factors ends second factors; see twofactor.
type Factors interface {
	Remove(ctx context.Context, tx pgx.Tx, c *wire.Call, e audit.Event, language string) (user.User, error)
}

// Admin administrates people.
type Admin struct {
	DB        database.Beginner
	Store     Store
	Rules     permission.Rules
	Sessions  *session.Registry
	Passwords password.Policy
	Deletion  Remover
	Factors   Factors
	Audit     *audit.Log
	Letters   mailer.Outbox
	Names     Names // nil: user names are off
	// ReasonRequired: nobody is impersonated without a reason.
	ReasonRequired bool
	// ImpersonationLife is how long an administrator acts as somebody at most.
	ImpersonationLife time.Duration
	Now               func() time.Time
}

// Names reads the user name that "data" gives a person.
type Names interface {
	Chosen(ctx context.Context, m wire.Members) (name, display *string, err error)
	Changed(ctx context.Context, m wire.Members, userID string) (name, display *string, err error)
}

// Deed is who does something to somebody, and by which call.
type Deed struct {
	Call *wire.Call // nil: a command
	// By is the administrator; nil: a command, which may everything.
	By *session.Live
	// Refusal is given where the administrator may not act upon the person.
	Refusal error
}

func (d Deed) record(kind audit.Kind, userID string, details map[string]string) audit.Event {
	e := audit.Event{Kind: kind, UserID: userID, ActorID: audit.CommandLine, Details: details}
	if d.By != nil {
		e.ActorID, e.SessionID = d.By.UserID, d.By.ID
	}
	return e
}

// may tells whether the deed can be done to somebody.
func (a *Admin) may(d Deed, target user.User) error {
	if d.By != nil && !a.Rules.MayActUpon(d.By.User, target) {
		return d.Refusal
	}
	return nil
}

// act holds a person, asks whether the deed may be done, does it, and makes known
// which sessions it ended.
func (a *Admin) act(ctx context.Context, d Deed, id, reason string, do func(tx pgx.Tx, target user.User) (user.User, []session.Ended, error)) (user.User, error) {
	var u user.User
	var ended []session.Ended
	err := database.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		target, err := Store{DB: tx}.Hold(ctx, id)
		if err != nil {
			return err
		}
		if err := a.may(d, target); err != nil {
			return err
		}
		u, ended, err = do(tx, target)
		return err
	})
	if err != nil {
		return user.User{}, err
	}
	if err := a.Sessions.Changed(ctx, u.ID); err != nil {
		return user.User{}, err
	}
	return u, a.Sessions.Announce(ctx, ended, reason)
}

// Change is what an administrator changes of a person. Nil leaves a member as it is.
type Change struct {
	Name          *string
	SetImage      bool
	Image         *string
	Email         *string
	EmailVerified *bool
	Role          *string
	Username      *string                    // lower case
	Display       *string                    // the user name as it was typed
	Extra         map[string]json.RawMessage // members that USER_FIELDS adds
}

// Update changes a person. A new address is told to the old one (AUTH-14); a new
// role makes all access tokens that name the old one worthless.
func (a *Admin) Update(ctx context.Context, d Deed, id string, c Change) (user.User, error) {
	return a.act(ctx, d, id, "changed by an administrator", func(tx pgx.Tx, target user.User) (user.User, []session.Ended, error) {
		if c.Role != nil {
			if err := a.mayGrant(d, *c.Role); err != nil {
				return user.User{}, nil, err
			}
		}
		u, err := Store{DB: tx}.Update(ctx, id, c, wire.Moment(a.Now()))
		if err != nil {
			return user.User{}, nil, err
		}
		if u.Email != target.Email {
			if err := a.addressChanged(ctx, tx, target, u); err != nil {
				return user.User{}, nil, err
			}
		}
		ended, err := a.roleChanged(ctx, tx, d, target, u)
		if err != nil {
			return user.User{}, nil, err
		}
		if c.onlyRole() {
			return u, ended, nil
		}
		return u, ended, a.Audit.Record(ctx, tx, d.Call, d.record(audit.UserChanged, id, map[string]string{"changed": c.names()}))
	})
}

// roleChanged records a new role, and ends what was begun with the old one: the
// acting as others, and every access token. Sessions go on; their next token
// names the new role.
func (a *Admin) roleChanged(ctx context.Context, tx pgx.Tx, d Deed, before, now user.User) ([]session.Ended, error) {
	if before.Role == now.Role {
		return nil, nil
	}
	err := a.Audit.Record(ctx, tx, d.Call, d.record(audit.RoleChanged, now.ID, map[string]string{"from": before.Role, "to": now.Role}))
	if err != nil {
		return nil, err
	}
	ended, err := session.Store{DB: tx}.DeleteBegunBy(ctx, now.ID)
	return append(ended, session.AllTokens(now.ID)), err
}

// mayGrant refuses roles that do not exist and roles that may more than who grants
// them.
func (a *Admin) mayGrant(d Deed, list string) error {
	if d.By != nil && !a.Rules.Of(d.By.User).Covers(a.Rules.OfRole(list)) {
		return ErrChangeRole
	}
	return nil
}

// Ban keeps a person out until a moment, for good when it is nil, and ends every
// session and access token.
func (a *Admin) Ban(ctx context.Context, d Deed, id, reason string, until *time.Time) (user.User, error) {
	return a.act(ctx, d, id, "banned", func(tx pgx.Tx, target user.User) (user.User, []session.Ended, error) {
		u, err := Store{DB: tx}.Ban(ctx, id, reason, until, wire.Moment(a.Now()))
		if err != nil {
			return user.User{}, nil, err
		}
		ended, err := session.Store{DB: tx}.DeleteOfUser(ctx, id, "")
		if err != nil {
			return user.User{}, nil, err
		}
		details := map[string]string{"reason": reason}
		if until != nil {
			details["until"] = until.UTC().Format(time.RFC3339)
		}
		return u, append(ended, session.AllTokens(id)), a.Audit.Record(ctx, tx, d.Call, d.record(audit.UserBanned, id, details))
	})
}

// Unban lets a person in again.
func (a *Admin) Unban(ctx context.Context, d Deed, id string) (user.User, error) {
	return a.act(ctx, d, id, "unbanned", func(tx pgx.Tx, _ user.User) (user.User, []session.Ended, error) {
		u, err := Store{DB: tx}.Unban(ctx, id, wire.Moment(a.Now()))
		if err != nil {
			return user.User{}, nil, err
		}
		return u, nil, a.Audit.Record(ctx, tx, d.Call, d.record(audit.UserUnbanned, id, nil))
	})
}

// SetPassword gives a person another password, tells the person by mail and ends
// all sessions but the one in which it is done.
func (a *Admin) SetPassword(ctx context.Context, d Deed, id string, chosen validation.Password) error {
	hash, err := a.Passwords.Hash(ctx, chosen)
	if err != nil {
		return err
	}
	_, err = a.act(ctx, d, id, "password set by an administrator", func(tx pgx.Tx, target user.User) (user.User, []session.Ended, error) {
		accounts, now := account.Store{DB: tx}, wire.Moment(a.Now())
		if err := errors.Join(accounts.Set(ctx, id, hash, now), accounts.ForgetResets(ctx, id)); err != nil {
			return user.User{}, nil, err
		}
		own := ""
		if d.By != nil {
			own = d.By.ID
		}
		ended, err := session.Store{DB: tx}.DeleteOfUser(ctx, id, own)
		if err != nil {
			return user.User{}, nil, err
		}
		if err := a.Audit.Record(ctx, tx, d.Call, d.record(audit.PasswordChanged, id, map[string]string{"by": "administrator"})); err != nil {
			return user.User{}, nil, err
		}
		return target, ended, a.Letters.Put(ctx, tx, account.Changed(target, ""))
	})
	return err
}

// ErrNoSecondFactor says that a person is asked for none.
var ErrNoSecondFactor = errors.New("no second factor")

// RemoveSecondFactor takes off a second factor that its owner lost. Sessions and
// passkeys stay: they were won with it, or need none.
func (a *Admin) RemoveSecondFactor(ctx context.Context, d Deed, id string) error {
	_, err := a.act(ctx, d, id, "second factor removed", func(tx pgx.Tx, target user.User) (user.User, []session.Ended, error) {
		if !target.TwoFactorEnabled {
			return user.User{}, nil, ErrNoSecondFactor
		}
		u, err := a.Factors.Remove(ctx, tx, d.Call, d.record(audit.SecondFactorOff, id, map[string]string{"by": "administrator", "method": "all"}), "")
		return u, nil, err
	})
	return err
}

// Remove ends an account.
func (a *Admin) Remove(ctx context.Context, d Deed, id string) error {
	_, err := a.act(ctx, d, id, "removed", func(tx pgx.Tx, target user.User) (user.User, []session.Ended, error) {
		ended, err := a.Deletion.Remove(ctx, tx, d.Call, target, d.record("", id, nil).ActorID)
		return target, ended, err
	})
	return err
}
