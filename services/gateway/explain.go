package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/strict"
)

const explainArgs = "METHOD PATH [--json]"

var errExplainUsage = config.Usage("usage: gateway explain " + explainArgs + `, as in: gateway explain POST /api/storage/v1/files`)

// explanation is what a request would meet.
type explanation struct {
	Method      string            `json:"method"`
	Target      string            `json:"target"`
	Route       string            `json:"route"` // as the table writes it; empty: none fits
	Class       string            `json:"class"`
	Verdict     string            `json:"verdict"`
	Allow       string            `json:"allow"`
	Allowed     bool              `json:"allowed"`
	Strict      string            `json:"strict"`
	Upstream    string            `json:"upstream"` // empty: the gateway answers
	Path        string            `json:"upstream_path"`
	Auth        string            `json:"auth"`
	Limits      []explainedLimit  `json:"limits"`
	Closes      bool              `json:"closes_without_redis"`
	MaxBody     int64             `json:"max_body_bytes"` // 0: the class sets no bound
	FirstByte   string            `json:"first_byte_timeout"`
	Idle        string            `json:"idle_timeout"`
	Whole       string            `json:"whole_timeout"`
	Headers     map[string]string `json:"security_headers"`
	CORS        bool              `json:"cors"`
	OriginRule  bool              `json:"cookie_origin_rule"`
	Compress    bool              `json:"compress"`
	Upgrade     bool              `json:"upgrade"`
	Retry       string            `json:"retry"`   // the class's column
	Repeats     bool              `json:"repeats"` // this request, once, where it has no body
	Deprecation map[string]string `json:"deprecation,omitempty"`
}

// explainedLimit is one limit and whom it counts.
type explainedLimit struct {
	Name   string `json:"name"`
	By     string `json:"by"`
	Quota  int    `json:"quota"`
	Window string `json:"window"`
	Burst  int    `json:"burst"`
	Exact  bool   `json:"exact"`
	Shared bool   `json:"shared"`
	Shadow bool   `json:"shadow"`
}

// explain tells what a request would meet, without asking anything over the network.
func explain(_ context.Context, s settings, args []string, out io.Writer) error {
	asJSON := slices.Contains(args, "--json")
	words := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--json" })
	if len(words) != 2 || strings.HasPrefix(words[0], "/") || words[0] == "" || strings.ContainsAny(words[0]+words[1], "\r\n") {
		return errExplainUsage
	}
	shared := s.Redis.URL != ""
	s.Redis.URL = ""
	log := slog.New(slog.DiscardHandler)
	w, err := wire(s, log)
	if err != nil {
		return err
	}
	defer w.close()
	g, err := newGate(s, w.parts)
	if err != nil {
		return err
	}
	x := g.explain(words[0], words[1], shared)
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(x)
	}
	return x.print(out)
}

// explain reads the request as the server does, and finds its class as it does.
func (g *gate) explain(method, target string, shared bool) explanation {
	x := explanation{Method: method, Target: target}
	p := g.fallback
	head := method + " " + target + " HTTP/1.1\r\nHost: explained\r\n\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
	if long := len(head) > maxHead+leeway; long || err != nil {
		x.Verdict, x.Strict = "400: the server cannot read this request", "not read"
		if long {
			x.Verdict = refusalText(strict.ErrHeaders)
		}
		x.describe(g, p, shared)
		return x
	}
	at := g.crossingOf(r, &x)
	if at != nil {
		p, x.Allowed = at.pick(r.Method)
		x.Allow = at.allow
	}
	x.describe(g, p, shared)
	x.judge(p, r, at != nil)
	if p.proxy != nil {
		x.Path = orElse(p.path, r.URL.EscapedPath())
		x.Repeats = p.retry.Allows(r.Method)
	}
	return x
}

// crossingOf asks the router that serves.
func (g *gate) crossingOf(r *http.Request, x *explanation) *crossing {
	e, ok := g.handler().(*echo.Echo)
	if !ok {
		return nil
	}
	c := e.NewContext(r, nil)
	e.Router().Find(r.Method, echo.GetPath(r), c)
	at := g.crossings[c.Path()]
	if at != nil {
		x.Route = c.Path()
	}
	return at
}

// judge gives the first refusal that the request itself causes, in the order of
// the stages.
func (x *explanation) judge(p *policy, r *http.Request, found bool) {
	checked := p.strict(r)
	x.Strict = "passes"
	if checked != nil {
		x.Strict = refusalText(checked)
	}
	switch {
	case !found:
		x.Verdict = refusalText(problem.Malformed)
	case !x.Allowed:
		x.Verdict = refusalText(problem.MethodNotAllowed)
	case checked != nil:
		x.Verdict = x.Strict
	case r.Method == http.MethodOptions && p.shared && p.auth != foreign:
		x.Verdict = "answered here as a CORS preflight; any other OPTIONS is " + refusalText(problem.MethodNotAllowed)
	case p.proxy != nil:
		x.Verdict = "goes to the service"
	case p.name == "closed" || p.name == "web":
		x.Verdict = refusalText(problem.NotFound)
	default:
		x.Verdict = "answered by the gateway"
	}
}

func refusalText(err error) string {
	p := problem.From(err)
	return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Message)
}

// authTexts say who may pass.
var authTexts = map[authRule]string{
	required: "only callers with a valid session, access token or API key; the service gets the token",
	public:   "everybody; a bad bearer token is refused all the same",
	foreign:  "everybody as far as the gateway goes; the service asks for its own proof",
}

func (x *explanation) describe(g *gate, p *policy, shared bool) {
	x.Class, x.Auth, x.Closes, x.MaxBody, x.Retry = p.name, authTexts[p.auth], p.closes, p.body, string(p.retry)
	x.CORS, x.OriginRule, x.Compress, x.Upgrade = p.shared, p.auth == required, p.compress, p.upgrade
	x.FirstByte, x.Idle, x.Whole = p.times.FirstByte.String(), p.times.Idle.String(), p.times.Whole.String()
	if p.proxy != nil {
		x.Upstream = p.service.String()
	}
	retired := http.Header{}
	p.deprecate(retired)
	x.Headers = map[string]string{}
	for _, l := range p.header {
		if retired[l.name] == nil {
			x.Headers[l.name] = strings.Join(l.values, ", ")
		}
	}
	for name := range retired {
		if x.Deprecation == nil {
			x.Deprecation = map[string]string{}
		}
		x.Deprecation[name] = retired.Get(name)
	}
	for _, c := range []struct {
		limit *cache.Limit
		by    string
	}{{&g.total, "everybody"}, {p.inAll, "everybody"}, {p.byAddr, "address"}, {p.byUser, "user"}, {p.byKey, "API key"}} {
		if l := c.limit; l != nil {
			x.Limits = append(x.Limits, explainedLimit{
				Name: l.Name, By: c.by, Quota: l.Rate, Window: l.Per.String(), Burst: max(l.Burst, 0), Exact: l.Exact, Shared: shared, Shadow: g.shadow[l.Name],
			})
			if l.Burst == 0 {
				x.Limits[len(x.Limits)-1].Burst = l.Rate
			}
		}
	}
}

func (l explainedLimit) String() string {
	text := fmt.Sprintf("%d in %s by %s, %d at once", l.Quota, l.Window, l.By, l.Burst)
	switch {
	case !l.Shared:
		text += "; this gateway alone (no Redis)"
	case l.Exact:
		text += "; exact over all gateways"
	default:
		text += "; shared by leases"
	}
	if l.Shadow {
		text += "; shadow: never refuses"
	}
	return text
}

// print writes the explanation for people.
func (x explanation) print(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("request", fmt.Sprintf("%s %q", x.Method, x.Target))
	row("verdict", x.Verdict)
	row("route", orElse(x.Route, "none"))
	row("class", x.Class)
	row("method", yes(x.Allowed, "allowed", "not allowed")+"; Allow: "+orElse(x.Allow, "none"))
	row("strict check", x.Strict)
	row("upstream", strings.TrimSpace(orElse(x.Upstream, "none: the gateway answers")+" "+x.Path))
	row("who may", x.Auth)
	for _, l := range x.Limits {
		row("limit "+l.Name, l)
	}
	row("without Redis", yes(x.Closes, "closed: 503", "open"))
	row("largest body", bound(x.MaxBody))
	if x.Upstream != "" {
		row("time-outs", "first byte "+x.FirstByte+", idle "+x.Idle+", whole "+yes(x.Whole == "0s", "without end", x.Whole))
	}
	row("CORS", yes(x.CORS, "for trusted origins", "no"))
	row("cookies", yes(x.OriginRule, "a change proved by a cookie must come from a trusted origin", "no rule of origin here"))
	row("compression", yes(x.Compress, "yes", "no"))
	row("retry", x.Retry+"; "+yes(x.Repeats, "this one once, without a body, before the first byte, a tenth of the requests at most", "this one never"))
	row("upgrade", yes(x.Upgrade, "WebSocket", "no"))
	for _, lines := range []map[string]string{x.Headers, x.Deprecation} {
		for _, name := range slices.Sorted(maps.Keys(lines)) {
			row(name, lines[name])
		}
	}
	return t.Flush()
}

func yes[T any](is bool, then, otherwise T) T {
	if is {
		return then
	}
	return otherwise
}

func bound(n int64) string {
	if n == 0 {
		return "no bound of the class"
	}
	return fmt.Sprintf("%d bytes", n)
}
