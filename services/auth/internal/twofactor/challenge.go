package twofactor

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The cookies of this feature, and the purposes of what it keeps.
const (
	challengeCookie = "two_factor"
	trustCookie     = "trust_device"

	purposeChallenge = "two-factor"
	purposeCode      = "two-factor-code"
	purposeTrust     = "trust-device"
)

// The kinds of codes that a challenge names.
const (
	methodTOTP = "totp"
	methodOTP  = "otp"
)

// asked is what a challenge keeps of the first step.
type asked struct {
	Method   string   `json:"method"`
	Remember bool     `json:"remember"`
	New      bool     `json:"new"`
	Methods  []string `json:"methods"`
	Mark     string   `json:"mark"`
}

// Ask begins a challenge for a person with a second factor, unless the device is
// trusted.
func (t *TwoFactor) Ask(ctx context.Context, tx pgx.Tx, c *wire.Call, a entrance.Arrival) (*entrance.Challenge, []string, error) {
	if !a.User.TwoFactorEnabled {
		return nil, nil, nil
	}
	mark, err := Store{DB: tx}.Mark(ctx, a.User.ID)
	if err != nil {
		return nil, nil, err
	}
	trusted, err := t.trusted(ctx, tx, c, a.User.ID, mark)
	if err != nil {
		return nil, nil, err
	}
	var h wire.Headers
	if trusted {
		err := t.trust(ctx, tx, &h, a.User.ID, mark)
		return nil, h.SetCookie, err
	}
	if err := (Store{DB: tx}).Ensure(ctx, a.User.ID, t.Now()); err != nil {
		return nil, nil, err
	}
	f, err := Store{DB: tx}.Find(ctx, a.User.ID)
	if err != nil {
		return nil, nil, err
	}
	id, methods := "2fa-"+security.Token(20), t.methods(f, a.Method)
	if err := t.Once.Put(ctx, tx, once.Entry{
		Purpose: purposeChallenge, Key: id, UserID: a.User.ID, Life: challengeLife,
		Value: asked{Method: a.Method, Remember: a.Remember, New: a.New, Methods: methods, Mark: mark},
	}); err != nil {
		return nil, nil, err
	}
	t.Sessions.Cookies.Put(&h, challengeCookie, id, challengeLife)
	return &entrance.Challenge{Methods: methods}, h.SetCookie, nil
}

// byMail are the ways of signing in that prove nothing but the mailbox.
var byMail = map[string]bool{"magic-link": true, "email-otp": true, "email-verification": true}

// methods are the kinds of codes that are taken after a first step. Who came by
// mail is not asked for a second mail while there is an authenticator: the
// mailbox alone would be both factors.
func (t *TwoFactor) methods(f Factor, first string) []string {
	methods := []string{}
	if f.Verified {
		methods = append(methods, methodTOTP)
	}
	if t.Rules.Mailed && (!f.Verified || !byMail[first]) {
		methods = append(methods, methodOTP)
	}
	return methods
}

// claim is who gives a code: somebody signed in, or somebody at a challenge.
type claim struct {
	live   *session.Live // nil at a challenge
	id     string        // the challenge's; "" with a session
	asked  asked
	userID string
}

// claimant finds out who gives a code. A session goes before a challenge.
func (t *TwoFactor) claimant(ctx context.Context, c *wire.Call) (claim, error) {
	live, err := t.Sessions.Stored(ctx, c)
	if err == nil {
		return claim{live: live, userID: live.UserID}, nil
	} else if !errors.Is(err, wire.ErrUnauthorized) {
		return claim{}, err
	}
	id, ok := t.Sessions.Cookies.Take(c, challengeCookie)
	if !ok {
		return claim{}, ErrCookie
	}
	kept, err := t.Once.Peek(ctx, t.Store.DB, purposeChallenge, id)
	if errors.Is(err, once.ErrNone) {
		return claim{}, ErrCookie
	} else if err != nil {
		return claim{}, err
	}
	who := claim{id: id, userID: kept.UserID}
	return who, kept.Read(&who.asked)
}

// charge counts one try at a challenge, whatever kind of code it is made with,
// and refuses one whose password was changed meanwhile.
func (t *TwoFactor) charge(ctx context.Context, tx pgx.Tx, who claim) error {
	if who.live != nil {
		return nil
	}
	_, err := t.Once.Try(ctx, tx, purposeChallenge, who.id, challengeTries)
	if errors.Is(err, once.ErrNone) {
		return t.ended(ctx, tx, purposeChallenge, who.id, ErrCookie)
	} else if err != nil {
		return err
	}
	mark, err := Store{DB: tx}.Mark(ctx, who.userID)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(mark), []byte(who.asked.Mark)) != 1 {
		return ErrCookie
	}
	return nil
}

// ended tells why a secret could not be tried: it was tried too often, or is gone.
func (t *TwoFactor) ended(ctx context.Context, tx pgx.Tx, purpose, key string, gone error) error {
	_, err := t.Once.Peek(ctx, tx, purpose, key)
	switch {
	case errors.Is(err, once.ErrNone):
		return gone
	case err != nil:
		return err
	}
	return ErrTries
}
