package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
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
	public   config.URL
	local    bool // development: 127.0.0.1 leads to PUBLIC_URL
	proxies  security.Proxies
	origins  security.Origins
	cookies  identity.Cookies
	resolver *identity.Resolver
	limiter  *cache.Limiter
	library  *openapi.Library
	recorder *access.Recorder
	log      *slog.Logger

	crossings map[string]*crossing
	fallback  *policy
	services  map[string]*upstream.Service // by address
}

// parts are what main makes for the gate.
type parts struct {
	resolver *identity.Resolver
	limiter  *cache.Limiter
	library  *openapi.Library
	log      *slog.Logger
}

// newGate compiles the table of routes.
func newGate(s settings, with parts) (*gate, error) {
	origins, err := s.origins()
	if err != nil {
		return nil, fmt.Errorf("TRUSTED_ORIGINS: %w", err)
	}
	g := &gate{
		public: s.PublicURL, local: s.Development(), proxies: s.HTTP.Proxies(), origins: origins,
		cookies:  identity.NewCookies(s.PublicURL.HTTPS(), s.SessionCookie),
		resolver: with.resolver, limiter: with.limiter, library: with.library, log: with.log,
		services: map[string]*upstream.Service{},
	}
	classes := routes(s)
	if err := g.compile(s, classes); err != nil {
		return nil, err
	}
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = c.name
	}
	if g.recorder, err = access.NewRecorder(with.log, names); err != nil {
		return nil, err
	}
	return g, nil
}

// handler is the gate as an Echo server.
func (g *gate) handler() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = func(r *http.Request) string { return g.proxies.ClientAddr(r).String() }
	e.Use(g.enter)
	g.register(e)
	return e
}

// call is one request on its way through the stages.
type call struct {
	echo.Context
	policy    *policy
	allowed   bool // the method is
	allow     string
	address   netip.Addr
	key       string // of the address in limits
	caller    identity.Caller
	charged   bool // the user's limit has been charged already
	decisions []cache.Decision
	guarded   bool // the security headers are set
	rec       access.Record
}

// errAnswered ends a request that a stage has answered.
var errAnswered = errors.New("answered")

// enter is the one middleware: it names the request, finds its class, and writes
// down what became of it, whatever that was.
func (g *gate) enter(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		k := g.begin(c)
		r := c.Request()
		ctx := observability.WithRequestID(r.Context(), observability.NewRequestID())
		ctx, span := g.recorder.Start(ctx, k.rec.Class, k.rec.Method)
		c.SetRequest(r.WithContext(ctx))
		// A connection may carry the write deadline of its last request.
		_ = http.NewResponseController(c.Response().Writer).SetWriteDeadline(time.Time{})
		defer func() {
			thrown := recover()
			if thrown != nil {
				k.rec.Aborted = true
				g.rescue(k, thrown)
			}
			g.finish(ctx, k)
			g.recorder.Done(ctx, span, &k.rec)
			if thrown != nil && (c.Response().Committed || thrown == http.ErrAbortHandler) { //nolint:errorlint // a sentinel that is thrown, not wrapped
				panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
			}
		}()
		if err := next(k); err != nil && !errors.Is(err, errAnswered) {
			g.refuse(k, err)
		}
		return nil
	}
}

func (g *gate) begin(c echo.Context) *call {
	r := c.Request()
	k := &call{Context: c, policy: g.fallback, address: g.proxies.ClientAddr(r)}
	if x := g.crossings[c.Path()]; x != nil {
		k.policy, k.allowed = x.pick(r.Method)
		k.allow = x.allow
	}
	k.key = security.LimitKey(k.address)
	k.rec = access.Record{
		Began: time.Now(), Class: k.policy.name, Method: access.CleanMethod(r.Method), Proto: r.Proto,
		Path: access.Shown(r.URL.Path, k.policy.shownCut), Client: k.address.String(),
	}
	return k
}

// rescue answers for a stage that panicked; ErrAbortHandler is no accident.
func (g *gate) rescue(k *call, thrown any) {
	if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return
	}
	g.log.ErrorContext(k.Request().Context(), "panic", "thrown", fmt.Sprint(thrown), "stack", string(debug.Stack()))
	if !k.Response().Committed {
		g.refuse(k, problem.Internal)
	}
}

func (g *gate) finish(ctx context.Context, k *call) {
	k.rec.Status, k.rec.Sent = k.Response().Status, k.Response().Size
	if !k.Response().Committed && ctx.Err() != nil {
		k.rec.Status = problem.StatusClientClosedRequest
	}
	k.rec.UserID, k.rec.SessionID, k.rec.Source = k.caller.UserID, k.caller.SessionID, string(k.caller.Source)
	k.rec.Duration = time.Since(k.rec.Began)
}

// serve is every route's handler: the stages, one after another.
func (g *gate) serve(c echo.Context) error {
	k, ok := c.(*call)
	if !ok {
		return errors.New("the handler runs outside of enter")
	}
	for _, s := range stages {
		if err := s.run(g, k); err != nil {
			return err
		}
	}
	return nil
}

// refuse answers with an error in the class's form.
func (g *gate) refuse(k *call, err error) {
	p := problem.From(err)
	var routed *echo.HTTPError
	if errors.As(err, &routed) { // Echo's own: a target that is no path
		p = problem.Malformed
	}
	k.rec.Code = p.Code
	if p.Status >= http.StatusInternalServerError {
		k.rec.Cause = err
	}
	if !k.guarded {
		_ = g.protect(k)
	}
	w, r := k.Response(), k.Request()
	control := http.NewResponseController(w.Writer)
	_ = control.SetWriteDeadline(time.Now().Add(writeLimit))
	if r.ContentLength != 0 {
		upstream.Linger(control)
	}
	refusal.Write(w, r, k.policy.shape, p, observability.RequestID(r.Context()))
}

// writeLimit is how long a client may take to read an answer of our own.
const writeLimit = 10 * time.Second
