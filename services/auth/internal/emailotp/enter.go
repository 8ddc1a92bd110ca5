package emailotp

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// enter lets the owner of an address in whose code matched.
func (k *Codes) enter(ctx context.Context, c *wire.Call, email, code string, n owner.Newcomer) (*entrance.Entered, error) {
	var in *entrance.Entered
	var found owner.Found
	err := database.InTx(ctx, k.DB, func(tx pgx.Tx) (err error) {
		if err := k.spend(ctx, tx, signIn, email, code); err != nil {
			return err
		}
		found, err = k.Owners.Find(ctx, tx, c, method, email, n)
		if errors.Is(err, owner.ErrNone) {
			return ErrCode
		} else if err != nil {
			return err
		}
		if err := k.trust(ctx, tx, c, found.User); err != nil {
			return err
		}
		in, err = k.begin(ctx, tx, c, found)
		return err
	})
	return in, k.Entrance.Turned(ctx, c, found.User.ID, method, err)
}

func (k *Codes) begin(ctx context.Context, tx pgx.Tx, c *wire.Call, found owner.Found) (*entrance.Entered, error) {
	in, err := k.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: found.User, Method: method, Remember: true, New: found.New})
	if err == nil {
		in.Ended = append(in.Ended, found.Ended...)
	}
	return in, err
}

// proven is what became of a proof of an address.
type proven struct {
	user user.User
	in   *entrance.Entered // nil where proving an address does not sign in
}

// prove marks an address as proven whose code matched, and may sign in.
func (k *Codes) prove(ctx context.Context, c *wire.Call, email, code string) (proven, error) {
	var got proven
	var found owner.Found
	own, err := k.Sessions.Current(ctx, c)
	if err != nil {
		return got, err
	}
	err = database.InTx(ctx, k.DB, func(tx pgx.Tx) error {
		got = proven{}
		if err := k.spend(ctx, tx, verify, email, code); err != nil {
			return err
		}
		u, err := user.Store{DB: tx}.ByEmail(ctx, email)
		if errors.Is(err, user.ErrNone) {
			return ErrUnknown
		} else if err != nil {
			return err
		}
		if found, err = k.confirm(ctx, tx, c, u, own); err != nil {
			return err
		}
		got.user = found.User
		if k.SignIn {
			got.in, err = k.begin(ctx, tx, c, found)
		}
		return err
	})
	if err != nil {
		return got, err
	}
	if err := k.Sessions.Changed(ctx, got.user.ID); err != nil || got.in != nil {
		return got, err // with a session, Admit tells what ended
	}
	return got, k.Sessions.Announce(ctx, found.Ended, "address proven by its owner")
}

// confirm marks the address as proven. The account stays whole, unless that is for
// the browser that made it, or somebody who is signed in to it, alone.
func (k *Codes) confirm(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User, own *session.Live) (owner.Found, error) {
	signedIn := own != nil && own.UserID == u.ID
	if err := k.trust(ctx, tx, c, u); err != nil {
		return owner.Found{}, err
	}
	if u.EmailVerified || k.SameBrowser && !signedIn && !account.MadeHere(k.Sessions.Cookies, c, u.ID) {
		return k.Owners.Claim(ctx, tx, c, method, u)
	}
	now, err := user.Store{DB: tx}.Verify(ctx, u.ID, u.Email, wire.Moment(k.Now()))
	if errors.Is(err, user.ErrNone) { // proven a moment ago, or changed
		return owner.Found{}, ErrCode
	} else if err != nil {
		return owner.Found{}, err
	}
	return owner.Found{User: now}, k.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.EmailVerified, UserID: u.ID, Details: map[string]string{"method": method},
	})
}

// trust confirms a doubted password where it was typed, as a link does that is
// opened there: whoever has the code reads the mail.
func (k *Codes) trust(ctx context.Context, tx pgx.Tx, c *wire.Call, u user.User) error {
	if !u.EmailVerified || !account.MadeHere(k.Sessions.Cookies, c, u.ID) {
		return nil
	}
	trusted, err := account.Store{DB: tx}.Trust(ctx, u.ID, wire.Moment(k.Now()))
	if err != nil || !trusted {
		return err
	}
	return k.Audit.Record(ctx, tx, c, audit.Event{
		Kind: audit.EmailVerified, UserID: u.ID, Details: map[string]string{"method": method, "password": "confirmed"},
	})
}
