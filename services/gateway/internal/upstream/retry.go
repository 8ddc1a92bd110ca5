package upstream

import "net/http"

// Retry says which requests are sent once more when the service had not begun to
// answer. Whatever it says: never one with a body, and one in ten at most.
type Retry string

// The kinds of retry.
const (
	Never      Retry = "none"
	Idempotent Retry = "idempotent" // what changes nothing when it is done twice (RFC 9110 §9.2.2)
)

// Allows tells whether a request of this method may be sent once more.
func (r Retry) Allows(method string) bool {
	if r != Idempotent {
		return false
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
