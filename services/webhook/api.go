package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/webhook/internal/checkout"
	"github.com/codex-platform/codex/services/webhook/internal/customer"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
	"github.com/codex-platform/codex/services/webhook/internal/payment"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
	"github.com/codex-platform/codex/services/webhook/internal/portal"
	"github.com/codex-platform/codex/services/webhook/internal/projection"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
	"github.com/codex-platform/codex/services/webhook/internal/subscription"
)

// parts are what the service stands on.
type parts struct {
	pool    *pgxpool.Pool
	keys    security.KeySource
	foreign security.ForeignIssuers
	log     *slog.Logger
	now     func() time.Time
}

// service is the API, the inbox behind it and the work on what came in.
type service struct {
	api    *httpapi.API
	inbox  *inbox.Inbox
	worker *inbox.Worker
	plans  *plan.Store
	state  *projection.Projection
	syncer *projection.Syncer
	stripe *stripe.Client
	jobs   *jobs.Client
}

// newService puts the features together, in order of dependence.
func newService(s settings, p parts) (*service, error) {
	signatures, err := stripe.NewSignatures(s.WebhookSecrets.Reveal(), p.now)
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	queue, err := newQueue(s, p, workers)
	if err != nil {
		return nil, err
	}
	tokens := security.NewServiceTokens(s.ServiceTokens.Reveal())
	events := &inbox.Store{DB: p.pool}
	v := &service{jobs: queue, stripe: stripe.New(stripe.Options{Key: s.StripeKey.Reveal(), URL: s.StripeURL.String()})}
	v.plans = &plan.Store{DB: p.pool, Catalogue: s.Plans, Jobs: queue, Now: p.now}
	v.state = &projection.Projection{DB: p.pool, Plans: v.plans, Jobs: queue, Log: p.log}
	v.syncer = &projection.Syncer{DB: p.pool, Projection: v.state, Stripe: v.stripe, Log: p.log}
	v.syncer.Register(workers)
	river.AddWorker(workers, jobs.NewCaller(map[string]string{"storage": s.StorageURL.String()}, tokens))
	v.worker = &inbox.Worker{Store: events, Applier: v.state, Log: p.log, Now: p.now}
	v.inbox = inbox.New(events, v.worker.Wake)

	v.api = httpapi.New(httpapi.Config{
		Service: "billing", Log: p.log, Edge: s.HTTP.Edge, Proxies: s.HTTP.Proxies(),
		Direct: direct(s, p.log),
	})
	(&inbox.Handler{Inbox: v.inbox, Signatures: signatures, Livemode: s.Livemode, MaxBytes: int64(s.MaxEvent), BodyWithin: s.EventWithin}).Routes(v.api.Huma())
	v.routes(s, p, tokens)
	return v, nil
}

func newQueue(s settings, p parts, workers *river.Workers) (*jobs.Client, error) {
	queues := jobs.CallQueues()
	for name, n := range projection.Queues() {
		queues[name] = n
	}
	return jobs.New(p.pool, migrations.Webhook.Schema(), workers, jobs.Options{
		Log: p.log, Workers: s.Jobs.Workers, Queues: queues, Periodic: projection.Periodic(), PollOnly: s.Database.PoolerMode, Now: p.now,
		Ready: func(ctx context.Context) error { return database.CheckSchema(ctx, p.pool, migrations.Webhook) },
	})
}

// routes adds what people and other services call.
func (v *service) routes(s settings, p parts, tokens security.ServiceTokens) {
	customers := &customer.Store{DB: p.pool, Plans: v.plans}
	back := s.PublicURL.String() + "/billing"

	people := huma.NewGroup(v.api.Huma())
	people.UseMiddleware(httpapi.Authenticated(verifier(s, p)))
	(&plan.Handler{Store: v.plans}).Routes(people)
	(&subscription.Handler{Store: &subscription.Store{DB: p.pool, Catalogue: s.Plans}}).Routes(people)
	(&payment.Handler{Store: &payment.Store{DB: p.pool}}).Routes(people)
	(&checkout.Handler{Checkouts: &checkout.Checkouts{
		Store: &checkout.Store{DB: p.pool}, Stripe: v.stripe, State: v.state, Plans: v.plans, Log: p.log, Now: p.now,
		Customers:  &customer.Customers{Store: customers, Stripe: v.stripe, State: v.state, People: customer.NewAuth(s.AuthURL.String(), tokens), Log: p.log},
		SuccessURL: back + "?checkout=success&session_id={CHECKOUT_SESSION_ID}", CancelURL: back + "?checkout=cancelled",
	}}).Routes(people)
	(&portal.Handler{Customers: customers, Stripe: v.stripe, ReturnURL: back}).Routes(people)

	services := huma.NewGroup(v.api.Huma())
	services.UseMiddleware(httpapi.Internal(tokens))
	(&customer.Handler{Store: customers}).Routes(services)
}

func verifier(s settings, p parts) *security.Verifier {
	audiences := s.Audiences
	if len(audiences) == 0 {
		audiences = []string{s.PublicURL.String()}
	}
	return security.NewVerifier(p.keys, s.issuers(), audiences, p.now, p.foreign...)
}
