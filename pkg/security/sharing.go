package security

import "net/http"

const (
	sharedHeaders  = "Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range"
	exposedHeaders = "Content-Disposition, Content-Range, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, X-Retry-After, set-auth-jwt, set-auth-token"
	preflightAge   = "600"
)

// Sharing answers pages of other origins: trusted ones get the headers, all others
// get none, and no origin is ever echoed that is not in the list.
type Sharing struct {
	Origins Origins
	Methods string // "GET, POST", for preflights
}

// Mark sets the sharing headers of an answer, and tells whether there are any.
// "Vary: Origin" stands on every answer, also without an Origin: a cache must not
// hand one page's copy to another.
func (s Sharing) Mark(answer http.Header, r *http.Request) (shared bool) {
	answer["Vary"] = varyOrigin
	origin := r.Header.Get("Origin")
	if origin == "" || origin == s.Origins.Own() || !s.Origins.Trusted(origin) {
		return false
	}
	answer["Access-Control-Allow-Origin"] = []string{origin}
	answer["Access-Control-Allow-Credentials"] = credentials
	answer["Access-Control-Expose-Headers"] = exposed
	return true
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
	credentials   = []string{"true"}
	exposed       = []string{exposedHeaders}
)
