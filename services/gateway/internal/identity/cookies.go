package identity

import (
	"strconv"
	"strings"
	"time"
)

// Cookies are the names and attributes of the two cookies that say who somebody
// is: auth's session cookie, which is only read here, and the JWT cookie, which
// only the gateway writes.
type Cookies struct {
	Session string
	JWT     string
	secure  string
}

// NewCookies names the cookies for this kind of origin. session is the name
// without the prefix that https gives it (contract §2).
func NewCookies(https bool, session string) Cookies {
	if https {
		return Cookies{Session: "__Secure-" + session, JWT: "__Host-codex.jwt", secure: "; Secure"}
	}
	return Cookies{Session: session, JWT: "codex.jwt"}
}

// Set is the Set-Cookie line that hands the browser its token until that ends.
func (c Cookies) Set(token string, age time.Duration) string {
	return c.JWT + "=" + token + "; Path=/; Max-Age=" + strconv.Itoa(int(age.Seconds())) + "; HttpOnly; SameSite=Lax" + c.secure
}

// Expire is the Set-Cookie line that takes the token back.
func (c Cookies) Expire() string {
	return c.JWT + "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax" + c.secure
}

// TouchesSession tells whether one of these Set-Cookie lines sets or clears the
// session cookie: then the JWT cookie speaks of a session that is no longer the
// browser's.
func (c Cookies) TouchesSession(lines []string) bool {
	for _, line := range lines {
		if cookieName(line) == c.Session {
			return true
		}
	}
	return false
}

// IsJWT tells whether a Set-Cookie line writes the JWT cookie in any spelling of
// its name: only the gateway may.
func (c Cookies) IsJWT(line string) bool {
	name := cookieName(line)
	return strings.EqualFold(name, "codex.jwt") || strings.EqualFold(name, "__Host-codex.jwt")
}

func cookieName(line string) string {
	name, _, _ := strings.Cut(line, "=")
	return strings.Trim(name, " \t")
}
