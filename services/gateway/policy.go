package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/limit"
	"github.com/codex-platform/codex/services/gateway/internal/overload"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// policy is a class ready to be applied: what can be made at start is made.
type policy struct {
	class
	header   []line   // shared by all answers: never written to
	fixed    []byte   // those of them that no service and no stage changes, as they go out; nil: none
	free     []line   // the others
	policies []string // the RateLimit-Policy line
	keyed    []string // the same for a caller with an API key
	closes   bool     // while Redis is away
	sharing  security.Sharing
	proxy    *upstream.Proxy

	admission *overload.Admission // nil: all may come
	shed      *overload.Refusal   // for those who may not
}

// line is a line of the header.
type line struct {
	name   string
	values []string
}

// headerOf makes the lines of a class's answers.
func headerOf(c class, https bool) []line {
	h := c.headers.Compile(https)
	c.deprecate(h)
	lines := make([]line, 0, len(h))
	for name, values := range h {
		lines = append(lines, line{name, values})
	}
	return lines
}

// fix takes the lines that are on every answer as they are out of the others.
func (p *policy) fix() {
	for _, l := range p.header {
		if !upstream.Hides(l.name) {
			p.free = append(p.free, l)
			continue
		}
		for _, value := range l.values {
			p.fixed = append(p.fixed, l.name+": "+value+"\r\n"...)
		}
	}
}

// deprecate tells programs that a path goes: when it fell out of favour (RFC 9745),
// when it ends (RFC 8594), and what takes its place.
func (c class) deprecate(h http.Header) {
	if c.deprecated.IsZero() {
		return
	}
	h.Set("Deprecation", "@"+strconv.FormatInt(c.deprecated.Unix(), 10))
	if !c.sunset.IsZero() {
		h.Set("Sunset", c.sunset.UTC().Format(http.TimeFormat))
	}
	if c.successor != "" {
		h.Set("Link", "<"+c.successor+`>; rel="successor-version"`)
	}
}

// crossing is a path with its classes by method.
type crossing struct {
	byMethod map[string]*policy
	owner    *policy // for methods that no class allows: it says 405
	allow    string
}

// pick finds the class of a request and whether its method is allowed.
func (x *crossing) pick(method string) (p *policy, allowed bool) {
	if p, ok := x.byMethod[method]; ok {
		return p, true
	}
	if method == http.MethodOptions && x.owner.shared { // a preflight, or refused later
		return x.owner, true
	}
	return x.owner, false
}

// compile makes the policies, and the crossings of the paths, from the table.
func (g *gate) compile(s settings, public *url.URL, classes []class) error {
	g.crossings = map[string]*crossing{}
	for _, c := range classes {
		p, err := g.policyOf(public, c)
		if err != nil {
			return err
		}
		for _, path := range c.paths {
			x := g.crossings[path]
			if x == nil {
				x = &crossing{byMethod: map[string]*policy{}, owner: p}
				g.crossings[path] = x
			}
			for _, m := range c.methods {
				x.byMethod[m] = p
			}
		}
		g.fallback = p // the last line of the table is the widest
	}
	// A path with its own line for one method falls to the wider one for others.
	g.crossings["/api/storage/v1/files"].widen(g.crossings["/api/storage/v1/*"])
	g.crossings["/api/storage/v1/files/:id"].widen(g.crossings["/api/storage/v1/*"])
	for _, x := range g.crossings {
		x.sum()
	}
	return nil
}

func (x *crossing) widen(wider *crossing) {
	for method, p := range wider.byMethod {
		if _, own := x.byMethod[method]; !own {
			x.byMethod[method] = p
		}
	}
	x.owner = wider.owner
}

// sum writes the Allow line.
func (x *crossing) sum() {
	methods := make([]string, 0, len(x.byMethod))
	for m := range x.byMethod {
		methods = append(methods, m)
	}
	slices.Sort(methods)
	x.allow = strings.Join(methods, ", ")
	if x.owner.shared {
		x.owner.sharing.Methods = x.allow
	}
}

func (g *gate) policyOf(public *url.URL, c class) (*policy, error) {
	p := &policy{class: c, header: headerOf(c, public.Scheme == "https"), sharing: security.Sharing{Origins: g.origins}}
	p.closes = slices.Contains(g.closed, c.name)
	p.policies = g.policyLine(c.inAll, c.byAddr, c.byUser)
	p.keyed = g.policyLine(c.inAll, c.byAddr, c.byUser, c.byKey)
	if c.upgrade && c.auth != required {
		return nil, fmt.Errorf("class %s: a WebSocket needs a token", c.name)
	}
	if c.service == "" {
		return p, nil
	}
	target, err := url.Parse(c.service.String())
	if err != nil {
		return nil, fmt.Errorf("class %s: %w", c.name, err)
	}
	drop := map[string]bool{}
	if !c.cookies {
		drop["Cookie"] = true
	}
	if c.auth != foreign || !c.cookies {
		drop["Authorization"], drop["X-Api-Key"] = true, true
	}
	if !c.ownCSP && !c.upgrade {
		p.fix()
	}
	service := g.services[target.Host]
	if service == nil {
		service = upstream.NewService(c.name, target, upstream.Options{})
		g.services[target.Host] = service
	}
	if c.load != overload.Free {
		p.admission = overload.New(c.load, time.Now)
		p.shed = overload.NewRefusal(c.headers.Compile(public.Scheme == "https"), c.shape)
	}
	p.proxy = upstream.New(upstream.Proxy{
		Service: service, ForwardedHost: public.Host, ForwardedProto: public.Scheme, Path: c.path, Times: c.times, MaxBody: c.body, Drop: drop,
		KeepPolicy: c.ownCSP, Cookies: c.cookies, RefuseCookie: g.cookies.IsJWT, Compress: c.compress, Upgrade: c.upgrade, Retry: c.retry,
	})
	return p, nil
}

// policyLine names the limits that can refuse.
func (g *gate) policyLine(all ...*cache.Limit) []string {
	var limits []cache.Limit
	for _, l := range all {
		if l != nil && !g.shadow[l.Name] {
			limits = append(limits, *l)
		}
	}
	return []string{limit.Policies(limits...)}
}

// knownMethods are those that Echo's router has a place for.
var knownMethods = []string{
	http.MethodConnect, http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPatch,
	http.MethodPost, http.MethodPut, http.MethodTrace,
}

// register puts every path of a class into that class's Echo group. The same
// handler takes all methods: which are allowed is the policy's to say.
func (g *gate) register(e *echo.Echo) {
	for path, x := range g.crossings {
		serve := func(c echo.Context) error {
			g.serve(c, x)
			return nil
		}
		group := e.Group("")
		group.Match(knownMethods, path, serve)
		group.RouteNotFound(path, serve) // methods that nobody knows
	}
}
