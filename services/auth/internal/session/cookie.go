package session

import (
	"strconv"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Cookies writes and reads the cookies of the contract.
type Cookies struct {
	ring     security.Keyring
	token    string // names, with the prefix
	data     string
	browser  string
	attrs    string
	maxAge   time.Duration
	unsigned bool // whether a bare token is taken as bearer
}

// CookieSettings say what the cookies look like.
type CookieSettings struct {
	Prefix string // "better-auth"
	Secure bool   // on https
	MaxAge time.Duration
	// SignedBearer refuses bearer tokens without their signature.
	SignedBearer bool
}

// NewCookies makes the cookies of these settings, signed with the ring.
func NewCookies(ring security.Keyring, s CookieSettings) Cookies {
	prefix, attrs := s.Prefix, "; Path=/; HttpOnly; SameSite=Lax"
	if s.Secure {
		prefix, attrs = "__Secure-"+prefix, attrs+"; Secure"
	}
	return Cookies{
		ring: ring, token: prefix + ".session_token", data: prefix + ".session_data", browser: prefix + ".dont_remember",
		attrs: attrs, maxAge: s.MaxAge, unsigned: !s.SignedBearer,
	}
}

// Set puts a session into an answer: the cookie for browsers and set-auth-token
// for clients without cookies. One that is not remembered ends with the browser.
func (k Cookies) Set(h *wire.Headers, c *wire.Call, token string, remember bool) {
	signed := k.ring.Sign(token)
	value := k.token + "=" + security.EncodeCookieValue(signed)
	if remember {
		value += "; Max-Age=" + strconv.Itoa(int(k.maxAge.Seconds()))
	}
	h.SetCookie = append(h.SetCookie, value+k.attrs)
	switch _, had := c.Cookie(k.browser); {
	case !remember:
		h.SetCookie = append(h.SetCookie, k.browser+"="+security.EncodeCookieValue(k.ring.Sign("true"))+k.attrs)
	case had: // from an earlier session of this browser
		h.SetCookie = append(h.SetCookie, k.cleared(k.browser))
	}
	h.AuthToken = signed
	h.ExposeHeader("set-auth-token")
}

// Clear takes the session out of the browser.
func (k Cookies) Clear(h *wire.Headers) {
	h.SetCookie = append(h.SetCookie, k.cleared(k.token), k.cleared(k.data), k.cleared(k.browser))
}

func (k Cookies) cleared(name string) string { return name + "=; Max-Age=0" + k.attrs }

// proof is what a request brought to show that it belongs to a session.
type proof struct {
	token  string
	stale  bool // signed with an older secret
	cookie bool // came as a cookie, not as a bearer token
}

// find reads a request's proof. It does no I/O: a cookie whose signature does
// not verify is as good as none. A bearer token, right or wrong, is what the
// caller wants to be judged by; the cookie then does not count.
func (k Cookies) find(c *wire.Call) (p proof, ok bool) {
	if bearer, sent := c.Bearer(); sent {
		if token, stale, ok := k.ring.Verify(bearer); ok {
			return proof{token, stale, false}, tokenShape(token)
		}
		return proof{bearer, false, false}, k.unsigned && tokenShape(bearer)
	}
	value, sent := c.Cookie(k.token)
	if !sent {
		return proof{}, false
	}
	return k.open(value)
}

// open checks the value of a session cookie, percent-decoded.
func (k Cookies) open(value string) (p proof, ok bool) {
	token, stale, ok := k.ring.Verify(value)
	return proof{token, stale, true}, ok && tokenShape(token)
}

// tokenShape holds for what can be a session token at all: ours have 32 letters
// and digits; those of an imported database may differ a little.
func tokenShape(token string) bool {
	return len(token) >= 24 && len(token) <= 128 && strings.IndexFunc(token, odd) < 0
}

func odd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
