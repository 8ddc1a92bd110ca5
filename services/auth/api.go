package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/admin"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/deletion"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/oauth"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/origin"
	"github.com/codex-platform/codex/services/auth/internal/password"
	"github.com/codex-platform/codex/services/auth/internal/reset"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/sweep"
	"github.com/codex-platform/codex/services/auth/internal/token"
	"github.com/codex-platform/codex/services/auth/internal/twofactor"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/username"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// maxBody bounds a body, in bytes; the largest that the contract knows are lists of
// further members. Reading 1 MiB of JSON takes 0.4 s of a core and 18 MiB, from anybody.
const maxBody = 128 << 10

// parts are what the service stands on.
type parts struct {
	pool   *pgxpool.Pool
	reads  *pgxpool.Pool // for reads that may lag; the pool itself without a replica
	redis  redis.UniversalClient
	sender mail.Sender
	now    func() time.Time
	log    *slog.Logger
}

// service is everything, put together.
type service struct {
	api  *httpapi.API
	jobs *jobs.Client
	// watch hears of sessions that other processes ended, until ctx ends.
	watch func(ctx context.Context)
}

// start begins what goes on beside the requests: jobs, until jobs.Stop, and the
// watch, until ctx ends.
func (s *service) start(ctx context.Context) {
	s.jobs.Start(ctx)
	go s.watch(ctx)
}

// door serves a feature's operations of the contract.
type door interface{ Routes(r *wire.Router) }

// backDoor serves a feature's operations for other services.
type backDoor interface{ InternalRoutes(api huma.API) }

// features are what the service does. Each is added by a function of its own
// (see core.go and the plugin files), which finds here what it stands on and
// leaves here what it serves.
type features struct {
	settings settings
	parts    parts
	queue    *service // where jobs go; its queue is there when the first one runs

	ring      security.Keyring
	origins   security.Origins
	limits    *limit.Limits
	users     user.Store
	sessions  *session.Registry
	entrance  *entrance.Entrance
	audit     *audit.Log
	once      once.Secrets
	letters   mailer.Outbox
	passwords password.Policy
	services  security.ServiceTokens
	accounts  *account.Accounts
	second    *twofactor.TwoFactor
	names     *username.Names // nil: the plugin is off
	reset     *reset.Reset
	deletion  *deletion.Deletion
	issuer    *token.Issuer
	farewell  *oauth.Farewell // nil: no provider is told of a sign-out
	admin     *admin.Admin

	doors     []door
	backDoors []backDoor
	links     map[mail.Template]mailer.Linker // of letters, by kind
	sweeps    map[string]sweep.Task
	workers   *river.Workers
}

// newService puts everything together.
func newService(s settings, p parts) (*service, error) {
	svc := &service{}
	f, err := newFeatures(s, p, svc)
	if err != nil {
		return nil, err
	}
	svc.jobs, err = jobs.New(p.pool, migrations.Auth.Schema(), f.workers, jobs.Options{
		Log: p.log, Workers: s.Jobs.Workers, Queues: jobs.CallQueues(), PollOnly: s.Database.PoolerMode,
		Periodic: []jobs.Periodic{{Every: sweep.Every, AtStart: true, Args: sweep.Job{}}},
		Ready:    func(ctx context.Context) error { return database.CheckSchema(ctx, p.pool, migrations.Auth) },
	})
	if err != nil {
		return nil, err
	}
	svc.api = newAPI(s, p, f.limits, f.origins)
	f.routes(svc.api.Huma())
	return svc, nil
}

// newFeatures adds the features in order of dependence.
func newFeatures(s settings, p parts, queue *service) (*features, error) {
	f := &features{
		settings: s, parts: p, queue: queue, users: user.Store{DB: p.pool}, limits: newLimits(s, p),
		audit: &audit.Log{Now: p.now, Log: p.log}, services: security.NewServiceTokens(s.ServiceTokens.Reveal()),
		links: map[mail.Template]mailer.Linker{}, sweeps: map[string]sweep.Task{}, workers: river.NewWorkers(),
	}
	var err error
	if f.ring, err = security.NewKeyring(s.Secrets.Reveal()); err != nil {
		return nil, fmt.Errorf("AUTH_SECRETS: %w", err)
	}
	if f.origins, err = security.ParseOrigins(s.PublicURL.String(), s.TrustedOrigins); err != nil {
		return nil, fmt.Errorf("TRUSTED_ORIGINS: %w", err)
	}
	f.once = once.Secrets{Ring: f.ring, Now: p.now}
	for _, add := range []func(*features) error{
		addPasswords, addMail, addSessions, addAccounts, addUsername, addTwoFactor, addPasskeys, addVerification, addOAuth, addReset, addProfile, addDeletion, addMagicLink, addEmailOTP, addAnonymous, addMultiSession, addLastMethod, addTokens, addAdmin, addActivity, addAPIKeys, addPages, addSweep,
	} {
		if err := add(f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// routes opens every feature's door.
func (f *features) routes(api huma.API) {
	wire.Describe(api.OpenAPI(), f.settings.Sessions.CookiePrefix)
	base := f.settings.BasePath.String()
	guard := origin.Guard{Origins: f.origins, Base: base, Mark: account.BrowserMark(f.sessions.Cookies)}
	shut := map[string]*problem.Problem{}
	if !f.settings.Accounts.Passwords {
		shut = account.WithoutPasswords
	}
	router := &wire.Router{API: api, Base: base, Before: func(_ context.Context, c *wire.Call) error {
		if refusal, is := shut[strings.TrimPrefix(c.Path(), base)]; is {
			return refusal
		}
		return guard.Check(c)
	}}
	for _, d := range f.doors {
		d.Routes(router)
	}
	for _, d := range f.backDoors {
		d.InternalRoutes(api)
	}
}

// longestRequest is for a database, or a way to it, that stands still: its own
// statement_timeout would then end nothing.
const longestRequest = 15 * time.Second

func newAPI(s settings, p parts, limits *limit.Limits, origins security.Origins) *httpapi.API {
	return httpapi.New(httpapi.Config{
		Service: "auth", Log: p.log, Render: wire.Renderer(s.Admin.Banned), ErrorBody: wire.Refusal{},
		Edge: s.HTTP.Edge, Proxies: s.HTTP.Proxies(), EmptyNotFound: true, UnknownFields: true, MaxBody: maxBody, Whole: longestRequest,
		Direct: httpapi.Direct{
			Headers: security.APIHeaders().Compile(s.https()), Sharing: &security.Sharing{Origins: origins, Methods: "GET, POST"},
			Limit: limits.Address(s.BasePath.String(), s.Limits.Rules),
		},
	})
}

func newLimits(s settings, p parts) *limit.Limits {
	if !s.Limits.On {
		return nil
	}
	return &limit.Limits{Limiter: cache.NewLimiter(p.redis, "auth", p.log), Rules: s.limitRules()}
}
