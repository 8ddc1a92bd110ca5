package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/origin"
	"github.com/codex-platform/codex/services/auth/internal/page"
	"github.com/codex-platform/codex/services/auth/internal/password"
	"github.com/codex-platform/codex/services/auth/internal/profile"
	"github.com/codex-platform/codex/services/auth/internal/reset"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/sweep"
	"github.com/codex-platform/codex/services/auth/internal/token"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/verification"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// base is where the contract's paths begin.
const base = "/api/auth"

const (
	keyGrace   = 30 * 24 * time.Hour // a replaced signing key stays in the set (contract §7)
	ledgerLife = 30 * 24 * time.Hour
)

// parts are what the service stands on.
type parts struct {
	pool   *pgxpool.Pool
	redis  redis.UniversalClient
	sender mail.Sender
	now    func() time.Time
	log    *slog.Logger
}

// service is everything, put together.
type service struct {
	api  *httpapi.API
	jobs *jobs.Client
}

// features are what the service does, each with what it stands on.
type features struct {
	ring          security.Keyring
	origins       security.Origins
	limits        *limit.Limits
	keys          *token.Keys
	sessions      *session.Registry
	accounts      *account.Accounts
	verifications *verification.Verification
	resets        *reset.Reset
	sessionDoor   *session.Handler
	tokens        *token.Handler
	profiles      *profile.Handler
}

// newService puts everything together.
func newService(s settings, p parts) (*service, error) {
	svc := &service{}
	f, err := newFeatures(s, p, svc)
	if err != nil {
		return nil, err
	}
	svc.jobs, err = jobs.New(p.pool, migrations.Auth.Schema(), f.workers(s, p), jobs.Options{
		Log: p.log, Workers: s.Jobs.Workers, PollOnly: s.Database.PoolerMode,
		Periodic: []jobs.Periodic{{Every: sweep.Every, AtStart: true, Args: sweep.Job{}}},
		Ready:    func(ctx context.Context) error { return database.CheckSchema(ctx, p.pool, migrations.Auth) },
	})
	if err != nil {
		return nil, err
	}
	svc.api = newAPI(s, p, f.limits)
	f.routes(s, svc.api.Huma())
	return svc, nil
}

// newFeatures makes the features in order of dependence. They put jobs into the
// service's queue, which needs their workers first and is there when they run.
func newFeatures(s settings, p parts, svc *service) (*features, error) {
	var f features
	var err error
	if f.ring, err = security.NewKeyring(s.Secrets.Reveal()); err != nil {
		return nil, fmt.Errorf("AUTH_SECRETS: %w", err)
	}
	if f.origins, err = security.ParseOrigins(s.PublicURL.String(), s.TrustedOrigins); err != nil {
		return nil, fmt.Errorf("TRUSTED_ORIGINS: %w", err)
	}
	f.limits = newLimits(s, p)
	f.sessions = newSessions(s, p, f.ring, svc)
	letters := mailer.Outbox{Ring: f.ring, Now: p.now, Enqueue: func(ctx context.Context, tx pgx.Tx, job mailer.Job) error {
		return svc.jobs.InsertTx(ctx, tx, job, nil)
	}}
	passwords := password.Policy{Limits: s.passwordLimits(), Hasher: security.NewHasher(s.hashing())}
	users := user.Store{DB: p.pool}

	f.accounts = &account.Accounts{
		DB: p.pool, Store: account.Store{DB: p.pool}, Passwords: passwords, Sessions: f.sessions, Letters: letters, Limits: f.limits,
		Rules: s.accountRules(), Floor: s.Accounts.PasswordFloor, Now: p.now, Log: p.log,
	}
	f.verifications = &verification.Verification{
		DB: p.pool, Users: users, Sessions: f.sessions, Letters: letters, Limits: f.limits, Ring: f.ring,
		Base: s.at(base), Life: s.Accounts.VerifyLife, SignIn: s.Accounts.SignInAfterVerify, Floor: s.Accounts.AnswerFloor,
		Now: p.now, Log: p.log,
	}
	f.resets = &reset.Reset{
		DB: p.pool, Store: reset.Store{DB: p.pool}, Passwords: passwords, Sessions: f.sessions, Letters: letters, Limits: f.limits,
		Base: s.at(base), Origin: f.origins.Own(), Page: s.Accounts.ResetPage, Life: s.Accounts.ResetLife, EndSessions: s.Accounts.EndOnReset,
		Floor: s.Accounts.AnswerFloor, Now: p.now, Log: p.log,
	}
	f.keys = &token.Keys{
		DB: p.pool, Read: p.pool, Ring: f.ring, Lifetime: s.Tokens.KeyLifetime, Lead: s.Tokens.KeyLead, Grace: keyGrace,
		Now: p.now, Log: p.log,
	}
	issuer := &token.Issuer{Keys: f.keys, Issuer: s.issuer(), Audience: s.audience(), Life: s.Tokens.Life, Now: p.now}
	f.sessionDoor = &session.Handler{Sessions: f.sessions}
	if s.Tokens.InSession {
		f.sessionDoor.Token = issuer.JWT
	}
	services := security.NewServiceTokens(s.ServiceTokens.Reveal())
	f.tokens = &token.Handler{Issuer: issuer, Sessions: f.sessions, Services: services}
	f.profiles = &profile.Handler{Users: users, Sessions: f.sessions, Services: services, Now: p.now, Log: p.log}
	return &f, nil
}

// workers are those of the jobs that the features put into the queue.
func (f *features) workers(s settings, p parts) *river.Workers {
	signInPage := fixed(s.at(s.Accounts.SignInPage))
	workers, ledger := river.NewWorkers(), mailer.Store{DB: p.pool}
	river.AddWorker(workers, &mailer.Worker{
		Store: ledger, Ring: f.ring, Sender: p.sender, Now: p.now, Log: p.log,
		Links: map[mail.Template]mailer.Linker{
			mail.VerifyEmail: f.verifications.Link, mail.ResetPassword: f.resets.Link,
			mail.AccountExists: signInPage, mail.PasswordChanged: signInPage,
		},
	})
	river.AddWorker(workers, &session.EndedWorker{Sessions: f.sessions})
	river.AddWorker(workers, &sweep.Worker{Tend: f.keys.Tend, Log: p.log, Tasks: map[string]sweep.Task{
		"sessions": func(ctx context.Context, n int) (int64, error) { return f.sessions.Store.Sweep(ctx, p.now(), n) },
		"tokens":   func(ctx context.Context, n int) (int64, error) { return f.resets.Store.Sweep(ctx, p.now(), n) },
		"letters":  func(ctx context.Context, n int) (int64, error) { return ledger.Sweep(ctx, p.now().Add(-ledgerLife), n) },
	}})
	return workers
}

// routes opens every feature's door.
func (f *features) routes(s settings, api huma.API) {
	wire.Describe(api.OpenAPI(), s.Sessions.CookiePrefix)
	guard := origin.Guard{Origins: f.origins, Base: base}
	router := &wire.Router{API: api, Base: base, Before: func(_ context.Context, c *wire.Call) error { return guard.Check(c) }}
	for _, feature := range []interface{ Routes(*wire.Router) }{
		&page.Handler{Home: s.PublicURL.String()}, f.accounts, f.verifications, f.resets, f.sessionDoor, f.profiles, f.tokens,
	} {
		feature.Routes(router)
	}
	for _, feature := range []interface{ InternalRoutes(huma.API) }{f.profiles, f.tokens} {
		feature.InternalRoutes(api)
	}
}

func newAPI(s settings, p parts, limits *limit.Limits) *httpapi.API {
	return httpapi.New(httpapi.Config{
		Service: "auth", Log: p.log, Render: wire.Render, ErrorBody: wire.Refusal{},
		Edge: s.HTTP.Edge, Proxies: s.HTTP.Proxies(), EmptyNotFound: true, UnknownFields: true,
		Direct: httpapi.Direct{Headers: security.APIHeaders().Compile(s.https()), Limit: limits.Address(base)},
	})
}

func newLimits(s settings, p parts) *limit.Limits {
	if !s.Limits.On {
		return nil
	}
	return &limit.Limits{Limiter: cache.NewLimiter(p.redis, "auth", p.log), Rules: s.limitRules()}
}

func newSessions(s settings, p parts, ring security.Keyring, svc *service) *session.Registry {
	r := &session.Registry{
		Store: session.Store{DB: p.pool}, Cache: cache.NewSessions[session.Live](p.redis, "auth", p.log),
		Cookies: session.NewCookies(ring, s.cookies()), Rules: s.sessionRules(), TokenLife: s.Tokens.Life, Now: p.now, Log: p.log,
		Later: func(ctx context.Context, ended []session.Ended) error {
			return svc.jobs.Insert(ctx, session.EndedJob{Ended: ended, Until: p.now().Add(s.Tokens.Life)}, nil)
		},
	}
	if p.redis != nil {
		r.Feed = cache.NewFeed(p.redis, p.log)
	}
	return r
}

// fixed is the link of letters that lead to a page and carry no proof.
func fixed(link string) mailer.Linker {
	return func(context.Context, mailer.Contents) (string, time.Duration, error) { return link, 0, nil }
}
