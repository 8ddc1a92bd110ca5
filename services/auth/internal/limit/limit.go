// Package limit owns how often something may be tried with one account, whoever
// asks and through whichever replica. Limits by client address alone are the
// gateway's, or httpapi's where the service faces the Internet itself.
package limit

import (
	"context"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Rules are the limits. The zero rate means no limit.
type Rules struct {
	SignInPair    cache.Rate // tries for one account from one address
	SignInAccount cache.Rate // tries for one account from everywhere
	SignInAll     cache.Rate // tries over all accounts
	Password      cache.Rate // checks of a signed-in person's own password
	Letters       cache.Rate // letters that one address can be sent on request, and that one person can cause to new ones
	Sprayed       cache.Rate // tries of a network or with a password that is known to spray
	Strength      cache.Rate // questions of one address how strong a password is
	Codes         cache.Rate // tries of codes that were mailed to one address

	// Calls of one client address, where there is no gateway in front.
	StrictPaths cache.Rate // where passwords can be guessed or letters be caused
	AuthPaths   cache.Rate // other calls that change something
	Reads       cache.Rate
}

// Limits counts. A nil Limits lets everything through.
type Limits struct {
	Limiter *cache.Limiter
	Rules   Rules
	Guesses *Guesses // nil: wrong passwords are not counted
}

// SignIn charges one try to sign in (AUTH-17). It is charged before the password
// is looked at, so that parallel tries cannot outrun the count.
func (l *Limits) SignIn(ctx context.Context, from netip.Addr, email string) error {
	if l == nil {
		return nil
	}
	account := hidden(email)
	return l.charge(ctx,
		check("sign-in-pair", l.Rules.SignInPair, account+"@"+security.LimitKey(from)),
		check("sign-in-account", l.Rules.SignInAccount, account),
		check("sign-in-all", l.Rules.SignInAll, "all"),
	)
}

// Password charges one check of a signed-in person's own password.
func (l *Limits) Password(ctx context.Context, userID string) error {
	if l == nil {
		return nil
	}
	return l.charge(ctx, check("password", l.Rules.Password, userID))
}

// Letter charges a letter to an address, known or not: the refusal tells nothing.
func (l *Limits) Letter(ctx context.Context, email string) error {
	if l == nil {
		return nil
	}
	return l.charge(ctx, check("letter", l.Rules.Letters, hidden(email)))
}

// LetterBy is Letter for a person in session, whose letters are counted over all
// addresses too.
func (l *Limits) LetterBy(ctx context.Context, userID, email string) error {
	if l == nil {
		return nil
	}
	return l.charge(ctx, check("letter", l.Rules.Letters, hidden(email)), check("letter-by", l.Rules.Letters, userID))
}

// Code charges a try of a code that was mailed to an address, known or not. A new
// code has new tries: without this, asking again would be a way to guess on.
func (l *Limits) Code(ctx context.Context, email string) error {
	if l == nil {
		return nil
	}
	return l.charge(ctx, check("code", l.Rules.Codes, hidden(email)))
}

// Strength charges a question how strong a password is.
func (l *Limits) Strength(ctx context.Context, from netip.Addr) error {
	if l == nil {
		return nil
	}
	return l.charge(ctx, check("strength", l.Rules.Strength, security.LimitKey(from)))
}

// How often it is recorded that something was refused which can be tried without end:
// strangers' tries for each address and in all, and those of one API key.
var (
	recordsOfOne = cache.Rate{Requests: 1, Per: time.Minute}
	recordsOfAll = cache.Rate{Requests: 60, Per: time.Minute}
	recordsOfKey = cache.Rate{Requests: 1, Per: time.Hour}
)

// MayRecord tells whether a refusal of a stranger is recorded. One address spends
// nothing of all others'.
func (l *Limits) MayRecord(ctx context.Context, from netip.Addr) bool {
	return l == nil ||
		l.charge(ctx, check("record", recordsOfOne, security.LimitKey(from))) == nil && l.charge(ctx, check("record-all", recordsOfAll, "all")) == nil
}

// MayRecordKey tells whether it is recorded that an API key was refused: a program that
// goes on with one that is over would fill its owner's record.
func (l *Limits) MayRecordKey(ctx context.Context, id string) bool {
	return l == nil || l.charge(ctx, check("record-key", recordsOfKey, id)) == nil
}

// MayWrite is Letter for letters that nobody asked for.
func (l *Limits) MayWrite(ctx context.Context, email string) bool { return l.Letter(ctx, email) == nil }

func (l *Limits) charge(ctx context.Context, checks ...cache.Check) error {
	var asked []cache.Check
	for _, c := range checks {
		if c.Limit.Rate > 0 {
			asked = append(asked, c)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	worst, _ := l.Limiter.Allow(ctx, asked...)
	if worst.Allowed {
		return nil
	}
	return wire.ErrTooMany.WithRetryAfter(worst.RetryAfter)
}

func check(name string, rate cache.Rate, key string) cache.Check {
	return cache.Check{Key: key, Limit: rate.Named(name)}
}

// hidden keeps addresses out of Redis: what is counted need not be readable.
func hidden(email string) string { return hexOf(security.HashToken(email)[:16]) }

func hexOf(b []byte) string { return hex.EncodeToString(b) }
