package main

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/browser"
	"github.com/codex-platform/codex/services/gateway/internal/front"
	"github.com/codex-platform/codex/services/gateway/internal/strict"
)

// protect sets the class's security headers before anything else can answer.
func (g *gate) protect(k *call) error {
	k.guarded = true
	h := k.Response().Header()
	lines := k.policy.header
	if k.policy.fixed != nil && front.Lead(k.Request(), k.policy.fixed) {
		lines = k.policy.free
	}
	for _, line := range lines {
		h[line.name] = line.values
	}
	k.lines.id[0] = k.rec.RequestID
	h["X-Request-Id"] = k.lines.id[:]
	if ambiguous(k.Request()) {
		h["Connection"] = closing
	}
	return nil
}

var closing = []string{"close"}

// ambiguous holds where a proxy before us may see another end of the body than we
// do, so that what follows on the connection must not be read: HTTP/1.0, and
// chunks. net/http drops a Content-Length that came beside them without a word,
// and RFC 9112 §6.3 wants such a connection closed.
func ambiguous(r *http.Request) bool {
	return !r.ProtoAtLeast(1, 1) || len(r.TransferEncoding) > 0
}

// check refuses what could be read in two ways, and methods that the class does
// not have.
func (g *gate) check(k *call) error {
	r := k.Request()
	if !k.allowed {
		if k.allow != "" {
			k.Response().Header().Set("Allow", k.allow)
		}
		return problem.MethodNotAllowed
	}
	if err := k.policy.strict(r); err != nil {
		return err
	}
	if r.ContentLength > k.policy.body && k.policy.body > 0 {
		return problem.TooLarge
	}
	if g.local && browser.Navigates(r) && g.misdirected(r.Host) {
		k.allowWrites()
		k.Response().Header().Set("Location", g.public.String()+r.URL.RequestURI())
		k.Response().WriteHeader(http.StatusTemporaryRedirect)
		return errAnswered
	}
	return nil
}

// strict is the check of the class's requests.
func (c class) strict(r *http.Request) error {
	if c.upgrade {
		return strict.CheckUpgrade(r)
	}
	return strict.Check(r)
}

// upgrades holds for a request that asks for WebSocket and may.
func (k *call) upgrades() bool { return k.policy.upgrade && strict.Upgrades(k.Request()) }

// misdirected holds in development when somebody typed 127.0.0.1 for localhost:
// cookies and passkeys belong to the name.
func (g *gate) misdirected(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(name)
	own, parseErr := url.Parse(g.public.String())
	return err == nil && parseErr == nil && addr.IsLoopback() && own.Hostname() == "localhost" && own.Port() == port
}

// share answers preflights and marks answers for pages of trusted origins.
func (g *gate) share(k *call) error {
	if !k.policy.shared {
		return nil
	}
	k.policy.sharing.Mark(k.Response().Header(), k.Request())
	if k.Request().Method == http.MethodOptions {
		k.allowWrites()
	}
	if k.policy.sharing.Preflight(k.Response(), k.Request()) {
		return errAnswered
	}
	if k.Request().Method == http.MethodOptions && k.policy.auth != foreign {
		k.Response().Header().Set("Allow", k.allow)
		return problem.MethodNotAllowed
	}
	return nil
}

// identify finds out who asks, where the class wants to know.
func (g *gate) identify(k *call) error {
	h := k.Request().Header
	if k.policy.auth == foreign || k.policy.auth == public && h["Authorization"] == nil {
		return nil
	}
	caller, known := k.caller, k.identified
	if !known {
		caller, known = g.resolver.Known(h)
	}
	if !known {
		var err error
		if caller, err = g.resolver.Resolve(k.context(), h, k.peer.key); err != nil {
			return g.unidentified(k, err)
		}
	}
	if k.policy.auth != required {
		return nil // the token was good; who it is does not matter here
	}
	k.caller = caller
	if caller.SetCookie != "" {
		k.Response().Header().Add("Set-Cookie", caller.SetCookie)
	}
	return nil
}

// unidentified says how to prove oneself, and takes back a JWT cookie that proves
// nothing any more.
func (g *gate) unidentified(k *call, err error) error {
	if !errors.Is(err, problem.Unauthorized) {
		return err
	}
	h, answer := k.Request().Header, k.Response().Header()
	if h["Authorization"] != nil {
		answer.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return err
	}
	answer.Set("WWW-Authenticate", "Bearer")
	if strings.Contains(strings.Join(h["Cookie"], ";"), g.cookies.JWT+"=") {
		answer.Add("Set-Cookie", g.cookies.Expire())
	}
	return err
}

// checkOrigin is for changes that a cookie authenticated, and for WebSocket.
func (g *gate) checkOrigin(k *call) error {
	if k.upgrades() {
		return browser.CheckPage(g.origins, k.Request())
	}
	if k.policy.auth != required || !k.caller.Source.ByCookie() {
		return nil
	}
	return browser.CheckOrigin(g.origins, k.Request())
}
