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
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/storage/internal/content"
	"github.com/codex-platform/codex/services/storage/internal/file"
	"github.com/codex-platform/codex/services/storage/internal/object"
	"github.com/codex-platform/codex/services/storage/internal/owner"
	"github.com/codex-platform/codex/services/storage/internal/quota"
	"github.com/codex-platform/codex/services/storage/internal/upload"
)

// parts are what the service stands on.
type parts struct {
	pool    *pgxpool.Pool
	bucket  *objectstore.Bucket
	keys    security.KeySource
	foreign security.ForeignIssuers
	log     *slog.Logger
}

// service is the API and the jobs behind it.
type service struct {
	api  *httpapi.API
	jobs *jobs.Client
}

// newService puts the features together, in order of dependence.
func newService(s settings, p parts) (*service, error) {
	quotas := &quota.Store{DB: p.pool, Limits: quota.Limits{DefaultBytes: int64(s.DefaultQuota), MaxFiles: s.MaxFiles}}
	files := &file.Store{DB: p.pool}

	workers := river.NewWorkers()
	queue, err := jobs.New(p.pool, migrations.Storage.Schema(), workers, jobs.Options{
		Log: p.log, Workers: s.Jobs.Workers, PollOnly: s.Database.PoolerMode,
		Periodic: []jobs.Periodic{{Every: upload.SweepEvery, AtStart: true, Args: upload.SweepArgs{}}},
		Ready:    func(ctx context.Context) error { return database.CheckSchema(ctx, p.pool, migrations.Storage) },
	})
	if err != nil {
		return nil, err
	}
	trash := object.Trash{Queue: queue}
	shelf := &file.Shelf{DB: p.pool, Quotas: quotas, Objects: trash}
	uploads := &upload.Store{DB: p.pool, Quotas: quotas, Objects: trash}
	uploader := &upload.Uploader{
		Store: uploads, Files: files, Bucket: p.bucket, MaxFile: int64(s.MaxFile), Lease: s.UploadLease, Log: p.log,
	}
	owners := &owner.Registry{DB: p.pool, Quotas: quotas, Queue: queue, Objects: trash}

	river.AddWorker(workers, &object.Discarder{Bucket: p.bucket, Files: files})
	river.AddWorker(workers, &upload.Sweeper{Store: uploads})
	river.AddWorker(workers, &owner.Purger{Registry: owners})

	api := httpapi.New(httpapi.Config{
		Service: "storage", Log: p.log, Edge: s.HTTP.Edge, Proxies: s.HTTP.Proxies(), Unavailable: objectstore.Unavailable,
	})
	people := huma.NewGroup(api.Huma())
	people.UseMiddleware(httpapi.Authenticated(verifier(s, p)))
	(&upload.Handler{Uploader: uploader}).Routes(people)
	(&file.Handler{Store: files, Shelf: shelf}).Routes(people)
	(&content.Handler{Files: files, Bucket: p.bucket, Now: time.Now}).Routes(people)
	quotaHandler := &quota.Handler{Store: quotas, MaxFile: int64(s.MaxFile)}
	quotaHandler.Routes(people)

	services := huma.NewGroup(api.Huma())
	services.UseMiddleware(httpapi.Internal(security.NewServiceTokens(s.ServiceTokens.Reveal())))
	quotaHandler.InternalRoutes(services)
	(&owner.Handler{Registry: owners}).InternalRoutes(services)
	return &service{api: api, jobs: queue}, nil
}

func verifier(s settings, p parts) *security.Verifier {
	audiences := s.Audiences
	if len(audiences) == 0 {
		audiences = []string{s.PublicURL.String()}
	}
	return security.NewVerifier(p.keys, s.issuers(), audiences, time.Now, p.foreign...)
}
