// Command gateway is the one front door: it protects, limits and names every
// request, and passes it on to the service that it is for.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/garbage"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/access"
	"github.com/codex-platform/codex/services/gateway/internal/front"
	"github.com/codex-platform/codex/services/gateway/internal/identity"
	"github.com/codex-platform/codex/services/gateway/internal/openapi"
	"github.com/codex-platform/codex/services/gateway/internal/revocation"
)

func main() {
	config.Program[settings]{
		Name:    "gateway",
		Summary: "the one front door: security headers, rate limits, sessions to tokens, routing",
		Redact:  observability.Redact,
		Commands: []config.Command[settings]{
			{Name: "serve", Summary: "serve everything that people and programs call", Run: serve},
			{Name: "doctor", Summary: "ask every part that the gateway needs whether it is there", Run: doctor},
			{Name: "explain", Summary: "tell what a request would meet, and why", Args: explainArgs, Run: explain},
			httpapi.ProbeCommand(func(s settings) string { return s.PrivateAddr }),
		},
	}.Main()
}

// garbageRoom is what may lie about while few are connected, in bytes.
const garbageRoom = 16 << 20

// serve runs the gateway until ctx ends.
func serve(ctx context.Context, s settings, _ []string, out io.Writer) error {
	garbage.Bound(garbageRoom)
	log := observability.NewLogger("gateway", out, s.Watch)
	telemetry, err := observability.Start(ctx, "gateway", s.Watch, log)
	if err != nil {
		return err
	}
	w, err := wire(s, log)
	if err != nil {
		return err
	}
	defer w.close()
	if s.Watch.JSON(out) {
		w.lines = access.NewLines(out, "gateway", log)
		defer w.lines.Start()()
	}
	g, err := newGate(s, w.parts)
	if err != nil {
		return err
	}
	certificate, err := certificateOf(s, log)
	if err != nil {
		return err
	}
	// What requests depend on lives until the last one is done, longer than ctx.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	go w.keys.Run(life)
	go w.foreign.Run(life)
	go w.feed.Tail(life, w.revoked.Apply)
	go w.meter.Run(life)

	health := httpapi.NewHealth(log)
	w.watch(health, time.Now())
	listen := s.HTTP.Serve(s.Addr, s.PrivateAddr, s.Development(), health)
	listen.Front, listen.Tune = g.front(certificate), g.tune
	err = httpapi.Serve(ctx, listen, g.handler(), httpapi.Private(health, telemetry.MetricsHandler(), s.HTTP.Pprof), log)
	limited, cancel := context.WithTimeout(life, 2*time.Second)
	defer cancel()
	return errors.Join(err, telemetry.Shutdown(limited))
}

const (
	maxHead = 32 << 10 // of a request
	leeway  = 4 << 10  // that net/http grants on top
)

// tune gives requests whose head is a little too large a proper answer instead of
// net/http's bare one, and lets our own checks see "OPTIONS *".
func (g *gate) tune(server *http.Server) {
	server.MaxHeaderBytes = maxHead
	server.DisableGeneralOptionsHandler = true
	server.ConnContext = g.connected
	server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 100}
	front.Attach(server)
}

// wired are the parts that stay.
type wired struct {
	parts
	redis   redis.UniversalClient
	keys    *security.RemoteKeys
	foreign security.ForeignIssuers
	feed    *cache.Feed
	revoked *revocation.Set
	redised bool
	targets map[string]config.URL
}

// wire makes the parts; nothing is asked over the network yet.
func wire(s settings, log *slog.Logger) (*wired, error) {
	rdb, err := cache.Open(s.Redis, log)
	if err != nil {
		return nil, err
	}
	w := &wired{redis: rdb, redised: rdb != nil, revoked: revocation.NewSet(time.Now, log), feed: cache.NewFeed(rdb, log)}
	client := &http.Client{Transport: internalTransport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w.keys = security.NewRemoteKeys(s.AuthURL.String()+s.AuthBase.String()+"/jwks", client, log)
	w.foreign = s.Issuers.Trusted.Open(nil, log)
	w.log = log
	tokens := security.FollowServiceTokens(s.ServiceTokens.Follow(log))
	w.meter = cache.NewMeter(rdb, cache.MeterSettings{Prefix: "codex:lease", Replicas: s.Limits.Replicas}, log)
	w.limiter = w.meter.Exact("codex:limit", log)
	w.resolver = identity.NewResolver(identity.Config{
		Verifier: security.NewVerifier(w.keys, []string{s.issuer()}, []string{s.audience()}, time.Now, w.foreign...),
		Revoked:  w.revoked,
		Sessions: identity.Sessions(s.AuthURL.String(), client, tokens, time.Now),
		APIKeys:  identity.APIKeys(s.AuthURL.String(), client, tokens, time.Now),
		Cookies:  identity.NewCookies(s.PublicURL.HTTPS(), s.SessionCookie),
		Fresh:    w.feed.Linked,
		Now:      time.Now,
		Log:      log,
	})
	w.library = openapi.NewLibrary(s.PublicURL.String(), client, time.Now,
		openapi.Source{Name: "auth", URL: s.AuthURL.String()},
		openapi.Source{Name: "storage", URL: s.StorageURL.String()},
		openapi.Source{Name: "billing", URL: s.WebhookURL.String()})
	w.targets = map[string]config.URL{"auth": s.AuthURL, "storage": s.StorageURL, "webhook": s.WebhookURL, "web": s.WebURL}
	return w, nil
}

// internalTransport is for the gateway's own questions to services.
func internalTransport() *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: time.Second}).DialContext,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

func (w *wired) close() {
	if w.redis != nil {
		_ = w.redis.Close()
	}
}

// degradedAfter is how long the gateway waits for the revocations before it serves
// without them: tokens then live until their end, 15 minutes at most.
const degradedAfter = 5 * time.Second

var errNotRead = errors.New("the revocation feed has not been read yet")

// degraded is what readiness shows of a Redis that is away; it does not unready.
type degraded struct{ reason string }

func (d degraded) Error() string  { return d.reason }
func (d degraded) Reason() string { return d.reason }

// watch names what readiness depends on.
func (w *wired) watch(health *httpapi.Health, began time.Time) {
	health.Add("signing keys", true, func(context.Context) error { return w.keys.Ready() })
	w.foreign.Watch(health.Add)
	health.Add("revocations", true, func(context.Context) error {
		if w.feed.Synced() || !w.redised || time.Since(began) > degradedAfter {
			return nil
		}
		return errNotRead
	})
	health.Add("redis", false, func(context.Context) error {
		if w.feed.Linked() {
			return nil
		}
		return degraded{"degraded: limits are counted by each gateway alone, ended sessions are served until their tokens end"}
	})
}

// doctor asks every part once.
func doctor(ctx context.Context, s settings, _ []string, out io.Writer) error {
	log := observability.NewLogger("gateway", os.Stderr, s.Watch)
	w, err := wire(s, log)
	if err != nil {
		return err
	}
	defer w.close()
	health := httpapi.NewHealth(log)
	health.Add("signing keys", true, func(ctx context.Context) error {
		_, err := w.keys.Key(ctx, "doctor", "EdDSA")
		if errors.Is(err, security.ErrTokenInvalid) { // there are keys, and none of this name
			return nil
		}
		return err
	})
	if w.redised {
		health.Add("redis", false, func(ctx context.Context) error { return w.redis.Ping(ctx).Err() })
	}
	for name, target := range w.targets {
		if target != "" {
			health.Add(name, name != "web", func(ctx context.Context) error { return dial(ctx, target) })
		}
	}
	return health.Report(ctx, out)
}

func dial(ctx context.Context, target config.URL) error {
	u, err := url.Parse(target.String())
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	return conn.Close()
}

// certificateOf is nil where something in front ends TLS.
func certificateOf(s settings, log *slog.Logger) (*tls.Config, error) {
	if s.TLSCertFile == "" {
		return nil, nil
	}
	pair, err := loadKeyPair(s.TLSCertFile, s.TLSKeyFile, time.Now, log)
	if err != nil {
		return nil, err
	}
	return pair.config(), nil
}
