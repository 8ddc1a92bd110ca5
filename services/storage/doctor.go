package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/security"
)

// doctor asks everything that serve needs, once, and says what it found.
func doctor(ctx context.Context, s settings, _ []string, out io.Writer) error {
	log := slog.New(slog.DiscardHandler)
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
	checks := []struct {
		name string
		ask  func(context.Context) error
	}{
		{"PostgreSQL and its schema", func(ctx context.Context) error { return database.CheckSchema(ctx, pool, migrations.Storage) }},
		{"object store", bucket.Ping},
		{"signing keys", func(ctx context.Context) error { return fetched(ctx, keys) }},
	}
	var failed error
	for _, c := range checks {
		limited, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := c.ask(limited)
		cancel()
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", c.name, err))
			fmt.Fprintf(out, "%-26s no\n", c.name)
			continue
		}
		fmt.Fprintf(out, "%-26s ok\n", c.name)
	}
	return failed
}

// fetched has the keys fetched and tells whether there are any.
func fetched(ctx context.Context, keys *security.RemoteKeys) error {
	_, err := keys.Key(ctx, "doctor", "EdDSA") // there is no such key, and finding that out takes a fetch
	if keys.Ready() == nil {
		return nil
	}
	return err
}
