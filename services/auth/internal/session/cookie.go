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
	ring    security.Keyring
	prefix  string // of all names, with a dot at its end
	token   string // names, with the prefix
	data    string
	browser string
	shown   string // the prefix of what scripts may read
	attrs   string
	alone   string // the attributes of cookies of the own host alone, where a domain is set
	maxAge  time.Duration
	bearer  Bearer
}

// CookieSettings say what the cookies look like.
type CookieSettings struct {
	Prefix string // "better-auth"
	Secure bool   // on https
	Domain string // whose sub-domains share the cookies; "": the own host alone
	MaxAge time.Duration
	Bearer Bearer
}

// Bearer says what of an Authorization header counts as a session.
type Bearer int

// The kinds of Bearer.
const (
	BearerAny    Bearer = iota // a session token, bare or signed
	BearerSigned               // with its signature only
	BearerNone                 // nothing: sessions come as cookies, and clients get no set-auth-token
)

// NewCookies makes the cookies of these settings, signed with the ring.
func NewCookies(ring security.Keyring, s CookieSettings) Cookies {
	prefix, attrs := s.Prefix, "; Path=/; HttpOnly; SameSite=Lax"
	if s.Secure {
		prefix, attrs = "__Secure-"+prefix, attrs+"; Secure"
	}
	alone := ""
	if s.Domain != "" {
		attrs, alone = "; Domain="+s.Domain+attrs, attrs
	}
	return Cookies{
		ring: ring, prefix: prefix + ".", shown: s.Prefix + ".", token: prefix + ".session_token", data: prefix + ".session_data", browser: prefix + ".dont_remember",
		attrs: attrs, alone: alone, maxAge: s.MaxAge, bearer: s.Bearer,
	}
}

// Set puts a session into an answer: the cookie for browsers and set-auth-token
// for clients without cookies. One with a life of 0 ends with the browser.
func (k Cookies) Set(h *wire.Headers, c *wire.Call, token string, life time.Duration) {
	signed := k.ring.Sign(token)
	k.write(h, k.token, signed, life)
	switch _, had := c.Cookie(k.browser); {
	case life == 0:
		k.write(h, k.browser, k.ring.Sign("true"), 0)
	case had: // from an earlier session of this browser
		k.clear(h, k.browser)
	}
	if k.bearer != BearerNone {
		h.AuthToken = signed
		h.ExposeHeader("set-auth-token")
	}
}

// Clear takes the session out of the browser.
func (k Cookies) Clear(h *wire.Headers) {
	k.clear(h, k.token)
	k.clear(h, k.data)
	k.clear(h, k.browser)
}

// Put adds a cookie of a plugin, such as "two_factor", to an answer: signed,
// with the prefix before its name. One with a maxAge of 0 ends with the browser.
// The signature is over the value alone, as the contract has it: the value must
// be worth nothing under another cookie's name.
func (k Cookies) Put(h *wire.Headers, name, value string, maxAge time.Duration) {
	k.write(h, k.prefix+name, k.ring.Sign(value), maxAge)
}

// Take gives the value that Put wrote; false when there is none or its signature
// does not verify.
func (k Cookies) Take(c *wire.Call, name string) (value string, ok bool) {
	signed, sent := c.Cookie(k.prefix + name)
	if !sent {
		return "", false
	}
	value, _, ok = k.ring.Verify(signed)
	return value, ok
}

// Name gives the name under which browsers keep a cookie of Put.
func (k Cookies) Name(name string) string { return k.prefix + name }

// Drop takes a cookie of Put out of the browser.
func (k Cookies) Drop(h *wire.Headers, name string) {
	k.clear(h, k.prefix+name)
}

// Names lists the cookies of Put that a request brought and whose names begin with
// start, without the prefix.
func (k Cookies) Names(c *wire.Call, start string) []string {
	names := c.CookieNames(k.prefix + start)
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], k.prefix)
	}
	return names
}

// Show adds a cookie that scripts of the page may read, where the clients look
// for it: no __Secure- before its name. It proves nothing.
func (k Cookies) Show(h *wire.Headers, name, value string, maxAge time.Duration) {
	open := k
	open.attrs = strings.Replace(k.attrs, "; HttpOnly", "", 1)
	open.write(h, k.shown+name, value, maxAge)
}

func (k Cookies) write(h *wire.Headers, name, value string, maxAge time.Duration) {
	line := name + "=" + security.EncodeCookieValue(value)
	if maxAge > 0 {
		line += "; Max-Age=" + strconv.Itoa(int(maxAge.Seconds()))
	}
	k.clearAlone(h, name)
	h.SetCookie = append(h.SetCookie, line+k.attrs)
}

func (k Cookies) clear(h *wire.Headers, name string) {
	k.clearAlone(h, name)
	h.SetCookie = append(h.SetCookie, name+"=; Max-Age=0"+k.attrs)
}

// clearAlone takes away a cookie of this name that is the own host's alone, from
// before there was a domain: browsers send the older one first, and it would hide
// that of the domain.
func (k Cookies) clearAlone(h *wire.Headers, name string) {
	if k.alone != "" {
		h.SetCookie = append(h.SetCookie, name+"=; Max-Age=0"+k.alone)
	}
}

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
	if bearer, sent := c.Bearer(); sent && k.bearer != BearerNone {
		if token, stale, ok := k.ring.Verify(bearer); ok {
			return proof{token, stale, false}, tokenShape(token)
		}
		return proof{bearer, false, false}, k.bearer == BearerAny && tokenShape(bearer)
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
