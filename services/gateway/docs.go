package main

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/docs"
	"github.com/codex-platform/codex/services/gateway/internal/openapi"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
)

// nothing answers where there is nothing.
func (g *gate) nothing(*call) error { return problem.NotFound }

// joined serves the description of all services.
func (g *gate) joined(k *call) error {
	page, err := g.library.Joined(k.Request().Context(), g.frame)
	return k.show(page, err)
}

// described serves one service's: /openapi/auth.json.
func (g *gate) described(k *call) error {
	name, ok := strings.CutSuffix(k.Param("file"), ".json")
	if !ok {
		return openapi.ErrUnknown
	}
	page, err := g.library.Service(k.Request().Context(), name, g.frame)
	return k.show(page, err)
}

// docs shows the operations, the error codes, or a file that these pages load.
func (g *gate) docs(k *call) error {
	r := k.Request()
	if name := k.Param("file"); name != "" {
		page, ok := docs.Asset(name)
		if !ok {
			return problem.NotFound
		}
		return k.show(page, nil)
	}
	codes, missing := g.library.Codes(r.Context())
	if r.URL.Path != "/docs/problems" {
		page, err := docs.Operations(g.library.Names(), missing)
		return k.show(page, err)
	}
	for _, p := range problem.Declared() {
		codes = append(codes, docs.Code{Code: p.Code, Status: p.Status, Message: p.Message, Services: []string{"gateway"}})
	}
	page, err := docs.Problems(g.library.Names(), missing, codes)
	return k.show(page, err)
}

func (k *call) show(page *docs.Page, err error) error {
	if err != nil {
		return err
	}
	k.allowWrites()
	page.ServeHTTP(k.Response(), k.Request())
	return nil
}

// find gives the path of the table and its classes that a request of this method
// and path meets, by Echo's own router.
type find func(method, path string) (pattern string, x *crossing)

func (g *gate) finder() find {
	e := echo.New()
	g.register(e)
	return func(method, path string) (string, *crossing) {
		c := e.NewContext(nil, nil)
		e.Router().Find(method, path, c)
		return c.Path(), g.crossings[c.Path()]
	}
}

// frame is what the compiled classes say of operations.
func (g *gate) frame() openapi.Frame {
	at := g.finder()
	return openapi.Frame{Schemes: g.schemes(), Rules: func(method, path string) (openapi.Rule, bool) {
		// A parameter stands for any text that no other line has.
		_, x := at(method, strings.NewReplacer("{", "", "}", "").Replace(path))
		if x == nil {
			return openapi.Rule{}, false
		}
		p, allowed := x.pick(method)
		return g.ruleOf(p), allowed
	}}
}

func (g *gate) ruleOf(p *policy) openapi.Rule {
	r := openapi.Rule{
		Class: p.name, Auth: string(p.auth), Limits: g.limitsOf(p), MaxBody: p.body,
		Proxied: p.proxy != nil, AuthShape: p.shape == refusal.Auth,
		Deprecated: !p.deprecated.IsZero(), Sunset: p.sunset, Successor: p.successor,
	}
	switch p.auth {
	case required:
		r.Proofs = proofs
	case foreign:
		r.Auth = "service"
	case public:
	}
	return r
}

// proofs are the ways to say who one is, the names of schemes.
var proofs = []string{"accessToken", "sessionCookie", "tokenCookie", "apiKey"}

func (g *gate) schemes() map[string]map[string]any {
	cookie := func(name, text string) map[string]any {
		return map[string]any{"type": "apiKey", "in": "cookie", "name": name, "description": text}
	}
	return map[string]map[string]any{
		"accessToken":   {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token, as GET " + g.authBase + "/token gives it"},
		"sessionCookie": cookie(g.cookies.Session, "The session; changes must come from a page of a trusted origin"),
		"tokenCookie":   cookie(g.cookies.JWT, "The access token that the gateway has put into a browser; changes must come from a page of a trusted origin"),
		"apiKey":        {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key"},
	}
}

// limitsOf lists the limits of a class in the order in which they are asked.
func (g *gate) limitsOf(p *policy) []openapi.Limit {
	var out []openapi.Limit
	for _, of := range []struct {
		by    string
		limit *cache.Limit
	}{{"everybody", p.inAll}, {"address", p.byAddr}, {"user", p.byUser}, {"API key", p.byKey}} {
		l := of.limit
		if l == nil {
			continue
		}
		burst := l.Burst
		if burst == 0 {
			burst = l.Rate
		}
		out = append(out, openapi.Limit{
			Name: l.Name, By: of.by, Quota: l.Rate, Window: int(l.Per.Seconds()), Burst: burst,
			Exact: l.Exact, Shadow: g.shadow[l.Name],
		})
	}
	return out
}
