package main

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/access"
	"github.com/codex-platform/codex/services/gateway/internal/identity"
	"github.com/codex-platform/codex/services/gateway/internal/openapi"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// gate is the front door: the policies of all classes and what their stages need.
type gate struct {
	public    config.URL
	local     bool   // development: 127.0.0.1 leads to PUBLIC_URL
	forwarded string // the end of the Forwarded line
	proxies   security.Proxies
	authBase  string
	peers     peers
	origins   security.Origins
	cookies   identity.Cookies
	resolver  *identity.Resolver
	limiter   *cache.Limiter  // the exact limits
	meter     *cache.Meter    // all others
	total     cache.Limit     // of everything
	shadow    map[string]bool // limits that never refuse
	closed    []string        // classes that are, while Redis is away
	library   *openapi.Library
	head      observability.Head
	recorder  *access.Recorder
	log       *slog.Logger

	crossings map[string]*crossing
	fallback  *policy
	services  map[string]*upstream.Service // by address
}

// parts are what main makes for the gate.
type parts struct {
	resolver *identity.Resolver
	limiter  *cache.Limiter
	meter    *cache.Meter
	library  *openapi.Library
	lines    *access.Lines // nil: access lines go to the log
	log      *slog.Logger
}

// newGate compiles the table of routes.
func newGate(s settings, with parts) (*gate, error) { return gateOf(s, with, routes(s)) }

func gateOf(s settings, with parts, classes []class) (*gate, error) {
	origins, err := s.origins()
	if err != nil {
		return nil, fmt.Errorf("TRUSTED_ORIGINS: %w", err)
	}
	public, err := url.Parse(s.PublicURL.String())
	if err != nil {
		return nil, fmt.Errorf("PUBLIC_URL: %w", err)
	}
	g := &gate{
		public: s.PublicURL, local: s.Development(), proxies: s.HTTP.Proxies(), authBase: s.AuthBase.String(), origins: origins,
		// How people reach us comes from PUBLIC_URL and not from the request, whose
		// Host is the client's to choose.
		forwarded: `;host="` + public.Host + `";proto=` + public.Scheme,
		peers:     peers{seed: maphash.MakeSeed()},
		cookies:   identity.NewCookies(s.PublicURL.HTTPS(), s.SessionCookie),
		resolver:  with.resolver, limiter: with.limiter, meter: with.meter, total: s.Limits.Total.Named("total"), library: with.library, log: with.log,
		head: observability.NewHead(s.Watch.TraceRatio), services: map[string]*upstream.Service{},
		shadow: map[string]bool{}, closed: s.Limits.Close,
	}
	for _, name := range s.Limits.Shadow {
		g.shadow[name] = true
	}
	if err := g.compile(s, public, classes); err != nil {
		return nil, err
	}
	names := []string{unread}
	for _, c := range classes {
		names = append(names, c.name)
	}
	if err := g.measureCrowds(); err != nil {
		return nil, err
	}
	if g.recorder, err = access.NewRecorder(with.log, with.lines, names); err != nil {
		return nil, err
	}
	return g, nil
}

// handler is the gate as an Echo server.
func (g *gate) handler() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	// Echo's own errors: a target that is no path.
	e.HTTPErrorHandler = func(_ error, c echo.Context) { g.serve(c, nil) }
	g.register(e)
	return e
}

// errAnswered ends a request that a stage has answered.
var errAnswered = errors.New("answered")

// serve is every route's handler: the stages, one after another. Whatever becomes
// of the request is written down.
func (g *gate) serve(c echo.Context, x *crossing) {
	if x != nil && g.full(c, x) {
		return
	}
	k := g.begin(c, x)
	defer g.finish(k)
	if x == nil {
		g.refuse(k, problem.Malformed)
		return
	}
	for i := range stages {
		if err := stages[i].run(g, k); err != nil {
			if !errors.Is(err, errAnswered) {
				g.refuse(k, err)
			}
			return
		}
	}
}

// finish is deferred, so that a stage that panics is seen too.
func (g *gate) finish(k *call) {
	thrown := recover()
	if thrown != nil {
		k.rec.Aborted = true
		g.rescue(k, thrown)
	}
	k.leave()
	g.record(k)
	if thrown == nil {
		k.end() // one that broke off may still be held by somebody
		return
	}
	if k.Response().Committed || thrown == http.ErrAbortHandler { //nolint:errorlint // a sentinel that is thrown, not wrapped
		panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
	}
}

// rescue answers for a stage that panicked; ErrAbortHandler is no accident.
func (g *gate) rescue(k *call, thrown any) {
	if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return
	}
	g.log.ErrorContext(k.context(), "panic", "thrown", fmt.Sprint(thrown), "stack", string(debug.Stack()))
	if !k.Response().Committed {
		g.refuse(k, problem.Internal)
	}
}

func (g *gate) record(k *call) {
	rec := &k.rec
	ctx := k.ctx
	if ctx == nil {
		ctx = k.Request().Context()
	}
	rec.Status, rec.Sent = k.Response().Status, k.Response().Size
	if !k.Response().Committed && ctx.Err() != nil && rec.Status != http.StatusSwitchingProtocols {
		rec.Status = problem.StatusClientClosedRequest
	}
	rec.UserID, rec.SessionID, rec.KeyID, rec.Source = k.caller.UserID, k.caller.SessionID, k.caller.KeyID, string(k.caller.Source)
	went := &k.out.Result
	rec.FirstByte, rec.Received, rec.Retries, rec.Upstream = went.FirstByte, went.Received, went.Retries, went.Kind
	rec.Duration = time.Since(rec.Began)
	g.recorder.Done(ctx, k.span, rec)
}

// refuse answers with an error in the class's form.
func (g *gate) refuse(k *call, err error) {
	p := problem.From(err)
	k.rec.Code = p.Code
	if p.Status >= http.StatusInternalServerError {
		k.rec.Cause = err
	}
	if !k.guarded {
		_ = g.protect(k)
	}
	w, r := k.Response(), k.Request()
	k.allowWrites()
	if r.ContentLength != 0 {
		upstream.Linger(http.NewResponseController(w.Writer))
	}
	refusal.Write(w, r, k.policy.shape, p, k.rec.RequestID)
}
