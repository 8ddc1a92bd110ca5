// Package browser owns the rules for requests that a browser makes on behalf of a
// page: forged requests, and navigations.
package browser

import (
	"net/http"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

// ErrOrigin refuses a change that a foreign page may have asked for.
var ErrOrigin = problem.New(http.StatusForbidden, "ORIGIN_NOT_TRUSTED", "This request does not come from a page that may make it")

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
