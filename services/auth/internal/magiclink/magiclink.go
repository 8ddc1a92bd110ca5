// Package magiclink owns signing in by a mailed link: made for any address, kept
// as a hash, good once and for minutes. Opening it proves the address; whose it
// is, and who is made of a new one, is owner's.
//
// The link works by GET, as the contract has it, so a program that opens the
// links of letters uses it up: the reader then asks for another one.
package magiclink

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// ErrClosed refuses an address that nobody has, where links make no accounts.
// Its code is spelled as the contract has it.
var ErrClosed = problem.New(http.StatusForbidden, "new_user_signup_disabled", "New user sign up is disabled")

const (
	method  = "magic-link"
	purpose = "magic-link"
	// tokenLength gives 190 bits.
	tokenLength = 32
)

// Links signs people in by links.
type Links struct {
	DB       database.Beginner
	Users    user.Store
	Owners   owner.Owners
	Once     once.Secrets
	Entrance *entrance.Entrance
	Letters  mailer.Outbox
	Limits   *limit.Limits
	// Base is the public address of the contract's paths: links begin with it,
	// whatever a request says about its host (AUTH-12).
	Base string
	// Origin is the public origin, for pages that are named by a path.
	Origin string
	// Life is how long a link works.
	Life time.Duration
	// Floor is the least time that asking for a link takes, so that the answer's
	// time does not tell whether there is an account.
	Floor time.Duration
	Now   func() time.Time
}

// asked is what a link is kept for.
type asked struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// write mails a link to an address. One that nobody has gets none where links
// make no accounts; nobody can tell from outside.
func (l *Links) write(ctx context.Context, c *wire.Call, a asked, pages url.Values) error {
	return database.InTx(ctx, l.DB, func(tx pgx.Tx) error {
		u, err := user.Store{DB: tx}.ByEmail(ctx, a.Email)
		switch {
		case errors.Is(err, user.ErrNone) && !l.Owners.SignUp, err == nil && u.IsAnonymous:
			return nil
		case err != nil && !errors.Is(err, user.ErrNone):
			return err
		}
		token := security.Token(tokenLength)
		if err := l.Once.Put(ctx, tx, once.Entry{Purpose: purpose, Key: token, UserID: u.ID, Value: a, Life: l.Life}); err != nil {
			return err
		}
		return l.Letters.Put(ctx, tx, mailer.Letter{
			Kind: mail.MagicLink, UserID: u.ID, Cause: security.NewID(),
			Contents: mailer.Contents{
				To: a.Email, Name: u.Name, Language: c.Header("Accept-Language"), Token: token, Callback: pages.Encode(),
				Until: l.Now().Add(l.Life),
			},
		})
	})
}

// Link is the mailer's Linker: the pages that it leads on to are its query.
func (l *Links) Link(_ context.Context, c mailer.Contents) (string, time.Duration, error) {
	return l.Base + "/magic-link/verify?token=" + c.Token + "&" + c.Callback, l.Life, nil
}

// use spends a link and lets its owner in: of parallel uses one deletes the row.
func (l *Links) use(ctx context.Context, c *wire.Call, token string) (*entrance.Entered, error) {
	var in *entrance.Entered
	err := database.InTx(ctx, l.DB, func(tx pgx.Tx) error {
		kept, err := l.Once.Take(ctx, tx, purpose, token)
		if errors.Is(err, once.ErrNone) {
			return wire.ErrInvalidToken
		} else if err != nil {
			return err
		}
		var a asked
		if err := kept.Read(&a); err != nil {
			return err
		}
		found, err := l.Owners.Find(ctx, tx, c, method, a.Email, owner.Newcomer{Name: a.Name})
		if errors.Is(err, owner.ErrNone) {
			return ErrClosed
		} else if err != nil {
			return err
		}
		in, err = l.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: found.User, Method: method, Remember: true, New: found.New})
		if err == nil {
			in.Ended = append(in.Ended, found.Ended...)
		}
		return err
	})
	return in, err
}
