// Command auth signs people up and in, keeps their sessions, and issues the
// access tokens that the other services believe. It speaks the HTTP API of
// better-auth 1.7.
package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/garbage"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/observability"
)

func main() { program().Main() }

func program() config.Program[settings] {
	return config.Program[settings]{
		Name:    "auth",
		Summary: "signs people up and in, keeps their sessions and issues access tokens",
		Commands: slices.Concat(
			[]config.Command[settings]{{Name: "serve", Summary: "serve the API and work off jobs", Run: serve}},
			database.MigrateCommands(settings.database, migrations.Auth),
			[]config.Command[settings]{
				{Name: "doctor", Summary: "tell whether everything that is needed can be reached", Run: doctor},
				httpapi.ProbeCommand(func(s settings) string { return s.PrivateAddr }),
			},
			userCommands(), keyCommands(), breachCommands(), importCommands(),
		),
		Redact: observability.Redact,
	}
}

// garbageRoom is what may lie about between two collections, in bytes: the memory of
// two hashes. With less, every sign-in pays for a collection of its own.
const garbageRoom = 48 << 20

func serve(ctx context.Context, s settings, _ []string, _ io.Writer) error {
	log := observability.NewLogger("auth", os.Stdout, s.Log)
	telemetry, err := observability.Start(ctx, "auth", s.Log, log)
	if err != nil {
		return err
	}
	defer shutdown(telemetry.Shutdown)
	p := parts{now: time.Now, log: log}
	if p.pool, err = database.Open(ctx, s.Database); err != nil {
		return err
	}
	defer p.pool.Close()
	p.reads = p.pool
	if s.Database.ReadURL != "" {
		if p.reads, err = database.OpenRead(ctx, s.Database); err != nil {
			return err
		}
		defer p.reads.Close()
	}
	if p.redis, err = cache.Open(s.Redis, log); err != nil {
		return err
	}
	if p.redis != nil {
		defer p.redis.Close()
	}
	if p.sender, err = mail.NewSMTP(s.Mail); err != nil {
		return err
	}
	service, err := newService(s, p)
	if err != nil {
		return err
	}
	service.start(ctx)
	defer shutdown(service.jobs.Stop)

	health := httpapi.NewHealth(log)
	health.Add("postgres", true, func(ctx context.Context) error { return database.CheckSchema(ctx, p.pool, migrations.Auth) })
	if p.redis != nil { // without it sessions are read from PostgreSQL and limits are local
		health.Add("redis", false, func(ctx context.Context) error { return p.redis.Ping(ctx).Err() })
	}
	private, err := privateHandler(s, httpapi.Private(health, telemetry.MetricsHandler(), s.HTTP.Pprof))
	if err != nil {
		return err
	}
	garbage.Bound(garbageRoom)
	return httpapi.Serve(ctx, s.HTTP.Serve(s.Addr, s.PrivateAddr, s.Development(), health),
		service.api, private, log)
}

// privateHandler adds the letters' preview to the private door, for development.
func privateHandler(s settings, private http.Handler) (http.Handler, error) {
	if !s.Development() {
		return private, nil
	}
	letters, err := s.Mail.Letters()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", private)
	mux.Handle("GET /letters", letters.Preview())
	return mux, nil
}

// shutdown gives a part that ends with the process a few seconds for it.
func shutdown(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = end(ctx)
}
