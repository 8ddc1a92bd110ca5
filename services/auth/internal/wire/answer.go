package wire

import "strings"

// Answer is what a feature gives back: the body and the headers that the
// contract knows. Empty headers are not sent.
type Answer[B any] struct {
	Headers
	Body B
}

// Headers are those of the contract.
type Headers struct {
	SetCookie    []string `header:"Set-Cookie" doc:"Session cookies, set or cleared"`
	AuthToken    string   `header:"set-auth-token" doc:"The signed session token, for clients without cookies"`
	AuthJWT      string   `header:"set-auth-jwt" doc:"An access token for other services"`
	Expose       string   `header:"Access-Control-Expose-Headers"`
	Location     string   `header:"Location"`
	CacheControl string   `header:"Cache-Control"`
	Pragma       string   `header:"Pragma"`
}

// noStore keeps an answer out of every cache: nearly all are about somebody.
const noStore = "no-store"

// settle forbids to keep what no feature says may be kept.
func (h *Headers) settle() {
	if h.CacheControl == "" {
		h.CacheControl = noStore
	}
}

// Expose lets scripts of other origins read a header.
func (h *Headers) ExposeHeader(name string) {
	if h.Expose == "" {
		h.Expose = name
	} else if !strings.Contains(h.Expose, name) {
		h.Expose += ", " + name
	}
}

// OK is an answer with a body and nothing else.
func OK[B any](body B) *Answer[B] { return &Answer[B]{Body: body} }

// Status is the body {"status":true}.
type Status struct {
	Status bool `json:"status"`
}

// Success is the body {"success":true}.
type Success struct {
	Success bool `json:"success"`
}
