// Command storage keeps people's files: their bytes in an object store, what is
// known of them, and how much each may keep, in PostgreSQL.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
)

type settings struct {
	config.Base
	Addr        string `env:"ADDR" envDefault:":8003" help:"where the API listens"`
	PrivateAddr string `env:"PRIVATE_ADDR" envDefault:"127.0.0.1:9003" help:"where health, metrics and profiles are served; never to the Internet"`

	PublicURL     config.URL     `env:"PUBLIC_URL,required" example:"https://app.example.com" help:"the address under which people reach the product"`
	JWKSURL       config.URL     `env:"JWKS_URL,required" example:"http://auth:8001/api/auth/jwks" help:"the keys that sign access tokens"`
	OwnIssuers    []string       `env:"JWT_ISSUER" example:"https://app.example.com" help:"whose access tokens are valid; default: PUBLIC_URL"`
	Audiences     []string       `env:"JWT_AUDIENCE" example:"https://app.example.com" help:"for whom access tokens must be meant; default: PUBLIC_URL"`
	ServiceTokens config.Secrets `env:"SERVICE_TOKENS,required" min:"32" example:"/run/secrets/service_tokens (with SERVICE_TOKENS_FILE)" help:"what other services show at /internal; all are accepted"`

	DefaultQuota config.Size   `env:"DEFAULT_QUOTA_BYTES" envDefault:"1GiB" unit:"bytes" help:"what a user may keep about whom billing has said nothing"`
	MaxFile      config.Size   `env:"MAX_FILE_BYTES" envDefault:"5GiB" unit:"bytes" help:"the longest file"`
	MaxFiles     int64         `env:"MAX_FILES" envDefault:"100000" unit:"files" help:"how many files a user may keep"`
	UploadLease  time.Duration `env:"UPLOAD_LEASE" envDefault:"45s" help:"how long after the end of a process its unfinished uploads hold their room"`

	Issuers  security.IssuerSettings
	Log      observability.Settings
	HTTP     httpapi.Settings
	Database database.Settings
	Objects  objectstore.Settings
	Jobs     jobs.Settings
}

// Validate refuses what cannot work.
func (s settings) Validate() []config.Fault {
	faults := s.HTTP.BehindGateway()
	if s.Issuers.Trusted.Names(s.issuers()...) {
		faults = append(faults, config.Fault{Name: "TRUSTED_ISSUERS", Problem: "names our own issuer", Example: "https://idp.example|my-audience"})
	}
	if s.UploadLease < time.Second {
		faults = append(faults, config.Fault{Name: "UPLOAD_LEASE", Problem: "is shorter than a second", Example: "45s"})
	}
	if s.MaxFile < 1 {
		faults = append(faults, config.Fault{Name: "MAX_FILE_BYTES", Problem: "allows no file at all", Example: "5GiB"})
	}
	if s.MaxFiles < 1 {
		faults = append(faults, config.Fault{Name: "MAX_FILES", Problem: "allows no file at all", Example: "100000"})
	}
	return faults
}

// issuers are the names of our own.
func (s settings) issuers() []string {
	if len(s.OwnIssuers) > 0 {
		return s.OwnIssuers
	}
	return []string{s.PublicURL.String()}
}

func (s settings) database() database.Settings { return s.Database }

func main() { storageProgram().Main() }

// storageProgram is everything that this binary can do.
func storageProgram() config.Program[settings] {
	return config.Program[settings]{
		Name:    "storage",
		Summary: "keeps people's files",
		Commands: slices.Concat(
			[]config.Command[settings]{{Name: "serve", Summary: "serve the API and work off jobs", Run: serve}},
			database.MigrateCommands(settings.database, migrations.Storage),
			[]config.Command[settings]{
				{Name: "doctor", Summary: "tell whether everything that is needed can be reached", Run: doctor},
				httpapi.ProbeCommand(func(s settings) string { return s.PrivateAddr }),
			},
		),
		Redact: observability.Redact,
	}
}

func serve(ctx context.Context, s settings, _ []string, _ io.Writer) error {
	log := observability.NewLogger("storage", os.Stdout, s.Log)
	telemetry, err := observability.Start(ctx, "storage", s.Log, log)
	if err != nil {
		return err
	}
	defer shutdown(telemetry.Shutdown)
	pool, err := database.Open(ctx, s.Database)
	if err != nil {
		return err
	}
	defer pool.Close()
	bucket, err := objectstore.Open(s.Objects)
	if err != nil {
		return err
	}
	keys := security.NewRemoteKeys(s.JWKSURL.String(), nil, log)
	foreign := s.Issuers.Trusted.Open(nil, log)
	go keys.Run(ctx)
	go foreign.Run(ctx)
	if s.Development() {
		go ensureBucket(ctx, bucket, log)
	}
	service, err := newService(s, parts{pool: pool, bucket: bucket, keys: keys, foreign: foreign, log: log})
	if err != nil {
		return err
	}
	service.jobs.Start(ctx)
	defer shutdown(service.jobs.Stop)

	health := httpapi.NewHealth(log)
	health.Add("postgres", true, func(ctx context.Context) error { return database.CheckSchema(ctx, pool, migrations.Storage) })
	health.Add("signing keys", true, func(context.Context) error { return keys.Ready() })
	foreign.Watch(health.Add)
	health.Add("object store", false, bucket.Ping) // without it files can still be listed, renamed and deleted
	return httpapi.Serve(ctx, s.HTTP.Serve(s.Addr, s.PrivateAddr, s.Development(), health),
		service.api, httpapi.Private(health, telemetry.MetricsHandler(), s.HTTP.Pprof), log)
}

// shutdown gives a part that ends with the process a few seconds for it.
func shutdown(end func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = end(ctx)
}

// ensureBucket makes the bucket as soon as the store is there. Only development
// does this: elsewhere a bucket is made, with its rules, by its operator.
func ensureBucket(ctx context.Context, bucket *objectstore.Bucket, log *slog.Logger) {
	for {
		err := bucket.Ensure(ctx)
		if err == nil {
			return
		}
		if !objectstore.Unavailable(err) && !errors.Is(err, context.Canceled) {
			log.ErrorContext(ctx, "the bucket cannot be made", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}
