package twofactor

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// codeKey is what a mailed code belongs to: the challenge, or the person signed in.
func (who claim) codeKey() string {
	if who.live != nil {
		return "user:" + who.userID
	}
	return who.id
}

// takesMail tells whether a mailed code is good for this claim.
func (t *TwoFactor) takesMail(who claim) error {
	switch {
	case !t.Rules.Mailed, who.live == nil && !slices.Contains(who.asked.Methods, methodOTP):
		return ErrNoMail
	case who.live != nil && !who.live.User.TwoFactorEnabled:
		return ErrNotEnabled
	}
	return nil
}

// send mails a code, which takes the place of an older one.
func (t *TwoFactor) send(ctx context.Context, c *wire.Call, who claim) error {
	if err := t.takesMail(who); err != nil {
		return err
	}
	u, err := t.Users.ByID(ctx, who.userID)
	if errors.Is(err, user.ErrNone) {
		return ErrCookie
	} else if err != nil {
		return err
	}
	f, err := t.Store.Find(ctx, who.userID)
	if err != nil {
		return err
	}
	if wait := f.wait(t.Now()); wait > 0 {
		return ErrLocked.WithRetryAfter(wait)
	}
	if err := t.Limits.Letter(ctx, u.Email); err != nil {
		return err
	}
	code, err := newMailedCode()
	if err != nil {
		return err
	}
	return database.InTx(ctx, t.DB, func(tx pgx.Tx) error {
		if err := t.Once.Put(ctx, tx, once.Entry{
			Purpose: purposeCode, Key: who.codeKey(), UserID: u.ID, Value: code, Life: mailedLife,
		}); err != nil {
			return err
		}
		return t.Letters.Put(ctx, tx, mailer.Letter{Kind: mail.TwoFactorCode, UserID: u.ID, Cause: security.NewID(), Contents: mailer.Contents{
			To: u.Email, Name: u.Name, Language: c.Header("Accept-Language"), Code: code, Life: mailedLife, Until: t.Now().Add(mailedLife),
		}})
	})
}

// spend checks a mailed code and spends it when it is right.
func (t *TwoFactor) spend(ctx context.Context, tx pgx.Tx, who claim, code string) (bool, error) {
	kept, err := t.Once.Try(ctx, tx, purposeCode, who.codeKey(), mailedTries)
	if errors.Is(err, once.ErrNone) {
		return false, t.ended(ctx, tx, purposeCode, who.codeKey(), ErrExpired)
	} else if err != nil {
		return false, err
	}
	var sent string
	if err := kept.Read(&sent); err != nil {
		return false, err
	}
	if subtle.ConstantTimeCompare([]byte(sent), []byte(code)) != 1 {
		return false, nil
	}
	_, err = t.Once.Take(ctx, tx, purposeCode, who.codeKey())
	return err == nil, err
}
