// Package origin owns the rule about who may speak for a browser: a request that
// carries cookies, or that could sign somebody in, must come from a page that we
// trust, and nothing leads a browser to a place that we do not (contract §1.4).
package origin

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this rule.
var (
	ErrMissing = problem.New(http.StatusForbidden, "MISSING_OR_NULL_ORIGIN", "Missing or null Origin")
	ErrInvalid = problem.New(http.StatusForbidden, "INVALID_ORIGIN", "Invalid origin")
	ErrCross   = problem.New(http.StatusForbidden, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
		"Cross-site navigation login blocked. This request appears to be a CSRF attack.")
	ErrCallback        = problem.New(http.StatusForbidden, "INVALID_CALLBACK_URL", "Invalid callbackURL")
	ErrRedirect        = problem.New(http.StatusForbidden, "INVALID_REDIRECT_URL", "Invalid redirectURL")
	ErrErrorCallback   = problem.New(http.StatusForbidden, "INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL")
	ErrNewUserCallback = problem.New(http.StatusForbidden, "INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL")
)

// destinations are the members that name a place to lead a browser to.
var destinations = []struct {
	name    string
	refusal *problem.Problem
}{
	{"callbackURL", ErrCallback},
	{"redirectTo", ErrRedirect},
	{"errorCallbackURL", ErrErrorCallback},
	{"newUserCallbackURL", ErrNewUserCallback},
}

// Guard decides by the list of trusted origins.
type Guard struct {
	Origins security.Origins
	// Base is where the contract's paths begin: "/api/auth".
	Base string
	// Mark is a cookie that signs nobody in. Clients that name no origin have it from
	// their sign-up: alone, it is no reason to ask for one.
	Mark string
}

// Check refuses a call that a foreign page could have made, or that leads to one.
func (g Guard) Check(c *wire.Call) error {
	if c.Method() != http.MethodGet {
		if err := g.source(c); err != nil {
			return err
		}
	}
	return g.leads(c)
}

// source applies rules 1 and 2: where the request comes from.
func (g Guard) source(c *wire.Call) error {
	if g.answersUs(c) {
		return nil
	}
	if c.HasHeader("Cookie") && !g.marked(c) {
		return g.trusted(c)
	}
	if !g.signsIn(c) {
		return nil
	}
	switch {
	case c.Header("Sec-Fetch-Site") == "cross-site" && c.Header("Sec-Fetch-Mode") == "navigate":
		return ErrCross
	case c.HasHeader("Sec-Fetch-Site"), c.HasHeader("Sec-Fetch-Mode"), c.HasHeader("Sec-Fetch-Dest"),
		c.HasHeader("Origin"), c.HasHeader("Referer"):
		return g.trusted(c)
	}
	return nil // no browser: nobody's cookies could be changed
}

// marked tells whether the mark is all that a call's cookies are.
func (g Guard) marked(c *wire.Call) bool {
	names := c.CookieNames("")
	return len(names) == 1 && names[0] == g.Mark
}

// signsIn tells whether a call can make a session for a caller who has none.
func (g Guard) signsIn(c *wire.Call) bool {
	path := strings.TrimPrefix(c.Path(), g.Base)
	return path == "/sign-up/email" || strings.HasPrefix(path, "/sign-in/") || strings.HasPrefix(path, "/email-otp/")
}

// answersUs tells whether a call is a provider's answer that a browser posts from
// the provider's page. It changes nothing: it leads to the same address by GET,
// where a signed cookie says whose answer it is.
func (g Guard) answersUs(c *wire.Call) bool { return strings.HasPrefix(c.Path(), g.Base+"/callback/") }

func (g Guard) trusted(c *wire.Call) error {
	from := c.Header("Origin")
	if from == "null" && c.Header("Sec-Fetch-Site") == "same-origin" {
		return nil
	}
	if from == "" {
		from = originOf(c.Header("Referer"))
	}
	switch {
	case from == "" || from == "null":
		return ErrMissing
	case !g.Origins.Trusted(from):
		return ErrInvalid
	}
	return nil
}

// originOf gives the origin part of an address, "" when it has none.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// leads applies rule 3: where the answer may send a browser.
func (g Guard) leads(c *wire.Call) error {
	for _, d := range destinations {
		if to := c.Query(d.name); to != "" && !g.Origins.SafeRedirect(to) {
			return d.refusal
		}
		value := c.Members().Get(d.name)
		if value == nil {
			continue
		}
		to, isText := c.Members().Text(d.name)
		switch {
		case !isText:
			return wire.NotText(d.name, value)
		case to != "" && !g.Origins.SafeRedirect(to):
			return d.refusal
		}
	}
	return nil
}
