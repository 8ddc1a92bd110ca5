package account

import (
	"strings"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	// madeHere is the cookie of the browser in which somebody signed up, for as
	// long as the address is likely to be proven.
	madeHere     = "signed_up"
	madeHereLife = 24 * time.Hour
	// tag makes its value worth nothing as another cookie.
	tag = "signed-up:"
)

// markBrowser notes in the browser whose account it made, or whose password was
// typed there. It does so for a known address too, with the id of nobody.
func (a *Accounts) markBrowser(h *wire.Headers, userID string) {
	a.Sessions.Cookies.Put(h, madeHere, tag+userID, madeHereLife)
}

// BrowserMark is the name of that cookie.
func BrowserMark(k session.Cookies) string { return k.Name(madeHere) }

// MadeHere tells whether a person's account was made in the browser that calls.
// Elsewhere a proof of the address does not show that the password is its owner's.
func MadeHere(k session.Cookies, c *wire.Call, userID string) bool {
	value, ok := k.Take(c, madeHere)
	return ok && strings.TrimPrefix(value, tag) == userID && value != userID
}
