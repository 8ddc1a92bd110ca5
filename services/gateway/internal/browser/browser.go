// Package browser owns the rules for requests that a browser makes on behalf of a
// page: cross-origin sharing, forged requests, and navigations.
package browser

import (
	"net/http"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

// ErrOrigin refuses a change that a foreign page may have asked for.
var ErrOrigin = problem.New(http.StatusForbidden, "ORIGIN_NOT_TRUSTED", "This request does not come from a page that may make it")

const (
	sharedHeaders  = "Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, If-Range, Range"
	exposedHeaders = "Content-Disposition, Content-Range, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, X-Retry-After, set-auth-jwt, set-auth-token"
	preflightAge   = "600"
)

// Sharing answers pages of other origins: trusted ones get the headers, all others
// get none, and no origin is ever echoed that is not in the list.
type Sharing struct {
	Origins security.Origins
	Methods string // "GET, POST", for preflights
}

// Mark sets the sharing headers of an answer. "Vary: Origin" stands on every
// answer, also without an Origin: a cache must not hand one page's copy to another.
func (s Sharing) Mark(answer http.Header, r *http.Request) {
	answer["Vary"] = varyOrigin
	origin := r.Header.Get("Origin")
	if origin == "" || origin == s.Origins.Own() || !s.Origins.Trusted(origin) {
		return
	}
	answer["Access-Control-Allow-Origin"] = []string{origin}
	answer["Access-Control-Allow-Credentials"] = allowed
	answer["Access-Control-Expose-Headers"] = exposed
}

// Preflight answers the question that a browser asks before a cross-origin
// request. It reports false when the request is none; services never see one.
func (s Sharing) Preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h := w.Header()
	h["Vary"] = varyPreflight
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", s.Methods)
		h.Set("Access-Control-Allow-Headers", sharedHeaders)
		h.Set("Access-Control-Max-Age", preflightAge)
		h.Del("Access-Control-Expose-Headers")
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// Header values shared by all answers; never written to.
var (
	varyOrigin    = []string{"Origin"}
	varyPreflight = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	allowed       = []string{"true"}
	exposed       = []string{exposedHeaders}
)

// CheckOrigin is for requests that a cookie authenticated: a browser sends the
// cookie whoever asked. A change needs proof that one of our own pages asked, the
// content type proves nothing (a form can send text/plain).
func CheckOrigin(origins security.Origins, r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	return CheckPage(origins, r)
}

// CheckPage wants the proof of any method: a WebSocket is opened by a GET, and by
// whatever page likes to.
func CheckPage(origins security.Origins, r *http.Request) error {
	if values := r.Header["Origin"]; len(values) > 0 {
		if len(values) == 1 && origins.Trusted(values[0]) {
			return nil
		}
		return ErrOrigin
	}
	if r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return nil
	}
	return ErrOrigin
}

// Navigates tells whether a person's browser asks for a page.
func Navigates(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
