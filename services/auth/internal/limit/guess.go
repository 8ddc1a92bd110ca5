package limit

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Backoff is how wrong passwords of one account slow down the next one, from
// wherever it comes: after Free of them the wait is a second and doubles with
// each, up to Longest. After Cap in a row no password is right any more until
// the account got a new one by mail (AUTH-18). Open sessions and passkeys are
// never asked.
type Backoff struct {
	Free    int
	Longest time.Duration
	Cap     int
}

// Guesses counts wrong passwords. They are counted in PostgreSQL, so that
// neither a restart nor a lost Redis gives an attacker a new start; the key is
// an HMAC, so that the table names nobody who has no account.
type Guesses struct {
	Store   Store
	Ring    security.Keyring
	Backoff Backoff
	Spray   *Spray
	Now     func() time.Time
}

// Guess is one password that is tried.
type Guess struct {
	From netip.Addr
	// Account is what the count belongs to: the address of the person, or what
	// was typed where there is none.
	Account string
	UserID  string // "" where there is none
	// Password is used for its HMAC, by which the same one is known again for a
	// short time.
	Password string
}

// Standing is how an account stands when a guess begins.
type Standing struct {
	// Spent: no password is right any more. The caller does the work and refuses as
	// it refuses a wrong one.
	Spent bool
	// Last: if this one is wrong, the account is spent.
	Last bool
}

// Begin charges a guess before the password is looked at, so that parallel ones
// cannot outrun the count. It refuses while the account has to wait, known or
// not.
func (l *Limits) Begin(ctx context.Context, g Guess) (Standing, error) {
	if !l.counts(g) {
		return Standing{}, nil
	}
	if err := l.charge(ctx, l.sprayed(ctx, g)...); err != nil {
		return Standing{}, err
	}
	n, err := l.Guesses.Store.Charge(ctx, l.Guesses.keys(g), g.UserID, l.Guesses.Now(), l.Guesses.Backoff)
	var wait *waitError
	switch {
	case errors.As(err, &wait):
		return Standing{}, wire.ErrTooMany.WithRetryAfter(wait.left)
	case err != nil:
		return Standing{}, err
	}
	most := l.Guesses.Backoff.Cap
	return Standing{Spent: n > most, Last: n == most}, nil
}

// Right forgets what was counted: the password was right.
func (l *Limits) Right(ctx context.Context, g Guess) error {
	if !l.counts(g) {
		return nil
	}
	return l.Guesses.Store.Clear(ctx, l.Guesses.keys(g))
}

// Undo takes back a guess that was never looked at.
func (l *Limits) Undo(ctx context.Context, g Guess) error {
	if !l.counts(g) {
		return nil
	}
	return l.Guesses.Store.Undo(context.WithoutCancel(ctx), l.Guesses.keys(g))
}

// Wrong notes a wrong password, and tells by what spraying was found just now:
// "address", "password", or "" for none.
func (l *Limits) Wrong(ctx context.Context, g Guess) (found string) {
	if !l.counts(g) {
		return ""
	}
	return l.Guesses.Spray.Note(ctx, l.Guesses.marks(g), hidden(g.Account))
}

// counts tells whether a guess is counted at all.
func (l *Limits) counts(g Guess) bool { return l != nil && l.Guesses != nil && g.Account != "" }

// sprayed gives the limits on what is known to spray at the moment.
func (l *Limits) sprayed(ctx context.Context, g Guess) []cache.Check {
	var checks []cache.Check
	for _, m := range l.Guesses.Spray.Known(ctx, l.Guesses.marks(g)) {
		checks = append(checks, check("spray-"+m.Kind, l.Rules.Sprayed, m.Key))
	}
	return checks
}

func (g *Guesses) keys(x Guess) keys {
	return keys{lately: g.Ring.MAC("guess:" + x.Account), inARow: g.Ring.MAC("guesses in a row:" + x.Account)}
}

// marks are what guesses of one attacker have in common. A private address is
// more likely a proxy in front of everybody than somebody's own: it is none.
func (g *Guesses) marks(x Guess) []Mark {
	// Eight bytes find the same password again and are no help in finding it out.
	marks := []Mark{{Kind: "password", Key: hexOf(g.Ring.MAC("spray:" + x.Password)[:8])}}
	if from := x.From.Unmap(); from.IsGlobalUnicast() && !from.IsPrivate() {
		marks = append(marks, Mark{Kind: "address", Key: block(from)})
	}
	return marks
}

// block is the network that an address is likely to share with its neighbours.
func block(from netip.Addr) string {
	bits := 48
	if from.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(from.WithZone(""), bits).Masked().String()
}
