// Command webhook takes Stripe's events in, keeps each person's billing state, and
// leads people to Stripe's pages to buy and to manage what they bought.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
)

func main() { program().Main() }

// program is everything that this binary can do.
func program() config.Program[settings] {
	return config.Program[settings]{
		Name:    "webhook",
		Summary: "takes Stripe's events in and keeps each person's billing state",
		Commands: slices.Concat(
			[]config.Command[settings]{{Name: "serve", Summary: "serve the API, take events in and work them off", Run: serve}},
			database.MigrateCommands(settings.database, migrations.Webhook),
			eventCommands(),
			[]config.Command[settings]{
				{Name: "doctor", Summary: "tell whether everything that is needed can be reached", Run: doctor},
				httpapi.ProbeCommand(func(s settings) string { return s.PrivateAddr }),
			},
		),
		Redact: observability.Redact,
	}
}

func serve(ctx context.Context, s settings, _ []string, _ io.Writer) error {
	log := observability.NewLogger("webhook", os.Stdout, s.Log)
	telemetry, err := observability.Start(ctx, "webhook", s.Log, log)
	if err != nil {
		return err
	}
	defer shutdown(telemetry.Shutdown)
	pool, err := database.Open(ctx, s.Database)
	if err != nil {
		return err
	}
	defer pool.Close()
	keys := security.NewRemoteKeys(s.JWKSURL.String(), nil, log)
	foreign := s.Issuers.Trusted.Open(nil, log)
	v, err := newService(s, parts{pool: pool, keys: keys, foreign: foreign, log: log, now: time.Now})
	if err != nil {
		return err
	}

	// What requests depend on lives until the last one is done, longer than ctx.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	background := v.work(life, s, log)
	defer background.Wait()
	defer end()
	go keys.Run(life)
	go foreign.Run(life)
	v.jobs.Start(ctx)
	defer shutdown(v.jobs.Stop)
	defer v.inbox.Close() // first: what was taken in is committed before anything else ends

	health := httpapi.NewHealth(log)
	health.Add("postgres", true, func(ctx context.Context) error { return database.CheckSchema(ctx, pool, migrations.Webhook) })
	// Without keys nobody can be told apart, but Stripe can still deliver.
	health.Add("signing keys", false, func(context.Context) error { return keys.Ready() })
	foreign.Watch(health.Add)
	return httpapi.Serve(ctx, s.HTTP.Serve(s.Addr, s.PrivateAddr, s.Development(), health),
		v.api, httpapi.Private(health, telemetry.MetricsHandler(), s.HTTP.Pprof), log)
}

// work begins what goes on beside the requests, until ctx ends.
func (v *service) work(ctx context.Context, s settings, log *slog.Logger) *sync.WaitGroup {
	var background sync.WaitGroup
	background.Go(func() { v.worker.Run(ctx) })
	background.Go(func() { v.plans.Refresh(ctx, log) })
	if canListen(s) {
		background.Go(func() { inbox.Listen(ctx, s.session, log, v.worker.Wake) })
	}
	go func() { // only to warn: nobody waits for it
		if err := v.stripe.CheckEndpoint(ctx, s.PublicURL.String()+"/webhooks/stripe", log); err != nil && ctx.Err() == nil {
			log.InfoContext(ctx, "stripe does not tell how it sends events", "err", err)
		}
	}()
	return &background
}

// session gives a connection to listen on.
func (s settings) session(ctx context.Context) (*pgx.Conn, error) {
	return database.Session(ctx, s.Database)
}

// canListen tells whether there is a way around the transaction pooler. Without
// one, events of other processes are found by polling.
func canListen(s settings) bool { return !s.Database.PoolerMode || s.Database.DirectURL != "" }

// shutdown gives a part that ends with the process a few seconds for it.
func shutdown(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = end(ctx)
}

// operator names who runs a command.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
