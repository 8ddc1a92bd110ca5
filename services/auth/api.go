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

// newService puts the features together, in order of dependence.
func newService(s settings, p parts) (*service, error) {
	ring, err := security.NewKeyring(s.Secrets.Reveal())
	if err != nil {
		return nil, fmt.Errorf("AUTH_SECRETS: %w", err)
	}
	origins, err := security.ParseOrigins(s.PublicURL.String(), s.TrustedOrigins)
	if err != nil {
		return nil, fmt.Errorf("TRUSTED_ORIGINS: %w", err)
	}
	limits := newLimits(s, p)
	svc := &service{}
	letters := mailer.Outbox{Ring: ring, Now: p.now, Enqueue: func(ctx context.Context, tx pgx.Tx, job mailer.Job) error {
		return svc.jobs.InsertTx(ctx, tx, job, nil)
	}}
	sessions := newSessions(s, p, ring, svc)
	passwords := password.Policy{Limits: s.passwordLimits(), Hasher: security.NewHasher(s.hashing())}
	keys := &token.Keys{
		DB: p.pool, Read: p.pool, Ring: ring, Lifetime: s.Tokens.KeyLifetime, Lead: s.Tokens.KeyLead, Grace: keyGrace,
		Now: p.now, Log: p.log,
	}
	issuer := &token.Issuer{Keys: keys, Issuer: s.issuer(), Audience: s.audience(), Life: s.Tokens.Life, Now: p.now}
	services := security.NewServiceTokens(s.ServiceTokens.Reveal())
	users := user.Store{DB: p.pool}

	accounts := &account.Accounts{
		DB: p.pool, Store: account.Store{DB: p.pool}, Passwords: passwords, Sessions: sessions, Letters: letters, Limits: limits,
		Rules: account.Rules{
			Verify: s.Accounts.RequireVerification, AutoSignIn: s.Accounts.SignInAfterSignUp,
			MailOnSignUp: s.Accounts.MailOnSignUp, MailOnSignIn: s.Accounts.MailOnSignIn, Closed: s.Accounts.SignUpClosed,
		},
		Now: p.now, Log: p.log,
	}
	verifications := &verification.Verification{
		DB: p.pool, Users: users, Sessions: sessions, Letters: letters, Limits: limits, Ring: ring,
		Base: s.at(base), Life: s.Accounts.VerifyLife, SignIn: s.Accounts.SignInAfterVerify, Floor: s.Accounts.AnswerFloor,
		Now: p.now, Log: p.log,
	}
	resets := &reset.Reset{
		DB: p.pool, Store: reset.Store{DB: p.pool}, Passwords: passwords, Sessions: sessions, Letters: letters, Limits: limits,
		Base: s.at(base), Origin: origins.Own(), Page: s.Accounts.ResetPage, Life: s.Accounts.ResetLife, EndSessions: s.Accounts.EndOnReset,
		Floor: s.Accounts.AnswerFloor, Now: p.now, Log: p.log,
	}
	sessionDoor := &session.Handler{Sessions: sessions}
	if s.Tokens.InSession {
		sessionDoor.Token = issuer.JWT
	}
	tokens := &token.Handler{Issuer: issuer, Sessions: sessions, Services: services}
	profiles := &profile.Handler{Users: users, Sessions: sessions, Services: services, Now: p.now, Log: p.log}

	workers, ledger := river.NewWorkers(), mailer.Store{DB: p.pool}
	river.AddWorker(workers, &mailer.Worker{
		Store: ledger, Ring: ring, Sender: p.sender, Now: p.now, Log: p.log,
		Links: map[mail.Template]mailer.Linker{
			mail.VerifyEmail: verifications.Link, mail.ResetPassword: resets.Link,
			mail.AccountExists: fixed(s.at(s.Accounts.SignInPage)), mail.PasswordChanged: fixed(s.at(s.Accounts.SignInPage)),
		},
	})
	river.AddWorker(workers, &session.EndedWorker{Sessions: sessions})
	river.AddWorker(workers, &sweep.Worker{Tend: keys.Tend, Log: p.log, Tasks: map[string]sweep.Task{
		"sessions": func(ctx context.Context, n int) (int64, error) { return sessions.Store.Sweep(ctx, p.now(), n) },
		"tokens":   func(ctx context.Context, n int) (int64, error) { return resets.Store.Sweep(ctx, p.now(), n) },
		"letters":  func(ctx context.Context, n int) (int64, error) { return ledger.Sweep(ctx, p.now().Add(-ledgerLife), n) },
	}})

	svc.jobs, err = jobs.New(p.pool, migrations.Auth.Schema(), workers, jobs.Options{
		Log: p.log, Workers: s.Jobs.Workers, PollOnly: s.Database.PoolerMode,
		Periodic: []jobs.Periodic{{Every: sweep.Every, AtStart: true, Args: sweep.Job{}}},
		Ready:    func(ctx context.Context) error { return database.CheckSchema(ctx, p.pool, migrations.Auth) },
	})
	if err != nil {
		return nil, err
	}
	svc.api = newAPI(s, p, limits)
	wire.Describe(svc.api.Huma().OpenAPI(), s.Sessions.CookiePrefix)
	router := &wire.Router{API: svc.api.Huma(), Base: base, Before: func(_ context.Context, c *wire.Call) error {
		return origin.Guard{Origins: origins, Base: base}.Check(c)
	}}
	for _, feature := range []interface{ Routes(*wire.Router) }{
		&page.Handler{Home: s.PublicURL.String()}, accounts, verifications, resets, sessionDoor, profiles, tokens,
	} {
		feature.Routes(router)
	}
	for _, feature := range []interface{ InternalRoutes(huma.API) }{profiles, tokens} {
		feature.InternalRoutes(svc.api.Huma())
	}
	return svc, nil
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
