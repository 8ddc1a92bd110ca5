// Package identity owns the answer to "who asks?": the bearer token, else the API
// key, else the JWT cookie, else the session cookie.
//
// Auth turns a session cookie and an API key into a token. Both are asked for as
//
//	POST {auth}/internal/v1/sessions/exchange {"cookie": "..."}
//	POST {auth}/internal/v1/api-keys/exchange {"key": "..."}
//
// with the service token, and answered with
//
//	200 {"jwt": "...", "user_id": "..."}, for a key with "key_id" beside them
//	401 with code UNAUTHORIZED (session) or INVALID_API_KEY (key): a "no" to believe
//	429 with Retry-After: the key's own limit is spent
//
// and anything else means that auth cannot tell now. The token made for a key has
// the sid "key_" and the key's id, so that a revoked key is a revoked session in
// the feed and is refused in the same time. A "yes" is used again for five seconds
// while the feed is read, a "no" for five seconds always.
//
// An API key comes in X-Api-Key, once, at most 512 visible ASCII characters. A
// browser never sends that header by itself, so that it needs no proof of origin.
package identity

import (
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/revocation"
)

// Source says what a caller showed.
type Source string

// The sources.
const (
	Nobody   Source = ""
	Bearer   Source = "bearer"   // Authorization: Bearer
	Cookie   Source = "cookie"   // the JWT cookie
	Exchange Source = "exchange" // the session cookie, exchanged at auth
	APIKey   Source = "api_key"  // X-Api-Key, exchanged at auth
)

// ByCookie tells whether the browser sent the proof by itself, so that a foreign
// page could have caused the request.
func (s Source) ByCookie() bool { return s == Cookie || s == Exchange }

// Caller is who asks, and the token to hand to the services.
type Caller struct {
	security.Identity
	Token         string
	Authorization string // "Bearer " and the token, as services get it
	Source        Source
	SetCookie     string // the JWT cookie to set on the answer; empty: none
	KeyID         string // of the API key that was shown; empty: none was

	proof   *verified
	revoked *revocation.Set
	asked   time.Time // when auth was asked; the zero time when the client brought the token
}

// Ended gives a channel that is closed when the caller's session is revoked; nil
// for nobody. It costs something only to those who ask.
func (c Caller) Ended() <-chan struct{} {
	if c.proof == nil {
		return nil
	}
	if ended := c.proof.ended.Load(); ended != nil {
		select {
		case <-*ended: // or given up to make room: ask again
		default:
			return *ended
		}
	}
	ended := c.revoked.Watch(c.proof.claims, c.asked)
	c.proof.ended.Store(&ended)
	return ended
}

func (r *Resolver) caller(v *verified, source Source) Caller {
	return Caller{
		Identity: v.claims.Identity(), Token: v.token, Authorization: v.authorization,
		Source: source, proof: v, revoked: r.revoked,
	}
}

// Budgets bound what one address can make us do without ever proving anything: an
// attempt that proves somebody is given back, so that an office behind one address,
// or a gateway that has just started, is not held for an attack.
var (
	signatureBudget = cache.Limit{Name: "signatures", Rate: 50, Per: time.Second, Burst: 200}
	exchangeBudget  = cache.Limit{Name: "exchanges", Rate: 20, Per: time.Second, Burst: 100}
)
