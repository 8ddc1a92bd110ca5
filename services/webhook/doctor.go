package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// doctor asks everything that serve needs, once, and says what it found.
func doctor(ctx context.Context, s settings, _ []string, out io.Writer) error {
	log := observability.NewLogger("webhook", os.Stderr, s.Log)
	pool, err := database.Open(ctx, s.Database)
	if err != nil {
		return err
	}
	defer pool.Close()
	keys := security.NewRemoteKeys(s.JWKSURL.String(), nil, log)
	calls := stripe.New(stripe.Options{Key: s.StripeKey.Reveal(), URL: s.StripeURL.String()})

	health := httpapi.NewHealth(log)
	health.Add("postgres", true, func(ctx context.Context) error { return database.CheckSchema(ctx, pool, migrations.Webhook) })
	health.Add("signing keys", true, func(ctx context.Context) error { return fetched(ctx, keys) })
	health.Add("stripe", true, func(ctx context.Context) error {
		return calls.CheckEndpoint(ctx, s.PublicURL.String()+"/webhooks/stripe", log)
	})
	for _, p := range s.Plans.All() {
		if p.LookupKey != "" {
			health.Add("price of "+p.Key, true, func(ctx context.Context) error {
				_, err := calls.PriceByLookupKey(ctx, p.LookupKey)
				return err
			})
		}
	}
	return health.Report(ctx, out)
}

// fetched has the keys fetched and tells whether there are any.
func fetched(ctx context.Context, keys *security.RemoteKeys) error {
	_, err := keys.Key(ctx, "doctor", "EdDSA") // there is no such key, and finding that out takes a fetch
	if errors.Is(err, security.ErrTokenInvalid) {
		return nil
	}
	return err
}
