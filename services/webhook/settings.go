package main

import (
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
)

type settings struct {
	config.Base
	Addr        string `env:"ADDR" envDefault:":8002" help:"where the API listens"`
	PrivateAddr string `env:"PRIVATE_ADDR" envDefault:"127.0.0.1:9002" help:"where health, metrics and profiles are served; never to the Internet"`

	PublicURL     config.URL     `env:"PUBLIC_URL,required" example:"https://app.example.com" help:"the address under which people reach the product; Stripe's pages lead back there"`
	JWKSURL       config.URL     `env:"JWKS_URL,required" example:"http://auth:8001/api/auth/jwks" help:"the keys that sign access tokens"`
	OwnIssuers    []string       `env:"JWT_ISSUER" example:"https://app.example.com" help:"whose access tokens are valid; default: PUBLIC_URL"`
	Audiences     []string       `env:"JWT_AUDIENCE" example:"https://app.example.com" help:"for whom access tokens must be meant; default: PUBLIC_URL"`
	ServiceTokens config.Secrets `env:"SERVICE_TOKENS,required" min:"32" example:"/run/secrets/service_tokens (with SERVICE_TOKENS_FILE)" help:"what services show each other; the first is sent, all are accepted"`
	AuthURL       config.URL     `env:"AUTH_URL,required" example:"http://auth:8001" help:"the auth service, which is asked who buys"`
	StorageURL    config.URL     `env:"STORAGE_URL,required" example:"http://storage:8003" help:"the storage service, which is told of changed quotas"`

	StripeKey      config.Secret  `env:"STRIPE_SECRET_KEY,required" example:"/run/secrets/stripe_key (with STRIPE_SECRET_KEY_FILE)" help:"the key that calls Stripe"`
	WebhookSecrets config.Secrets `env:"STRIPE_WEBHOOK_SECRETS,required" example:"/run/secrets/stripe_webhook (with STRIPE_WEBHOOK_SECRETS_FILE)" help:"what Stripe signs events with; all are accepted, so that a rotation needs no pause"`
	StripeURL      config.URL     `env:"STRIPE_API_URL" example:"http://localhost:12111" help:"where Stripe is called; default: Stripe's own address"`
	Livemode       bool           `env:"STRIPE_LIVEMODE" envDefault:"false" help:"count events of live mode, and only those; must fit the key"`
	MaxEvent       config.Size    `env:"MAX_EVENT_BYTES" envDefault:"1MiB" unit:"bytes" help:"the longest event that is taken in"`
	EventWithin    time.Duration  `env:"EVENT_READ_TIMEOUT" envDefault:"10s" help:"how long an event's body may take to arrive"`
	Plans          plan.Catalogue `env:"PLANS" envDefault:"[{\"key\":\"free\",\"name\":\"Free\",\"quota_bytes\":1073741824},{\"key\":\"pro\",\"name\":\"Pro\",\"lookup_key\":\"pro_monthly\",\"amount\":1200,\"currency\":\"eur\",\"interval\":\"month\",\"quota_bytes\":107374182400}]" help:"the plans as a JSON list, the free one first; the others are sold at the price that has their lookup_key at Stripe"`

	LimitAddress cache.Rate `env:"LIMIT_API_ADDRESS" envDefault:"1200/1m" example:"1200/1m" help:"with EDGE=direct: requests of one client address"`
	LimitWebhook cache.Rate `env:"LIMIT_WEBHOOK" envDefault:"6000/1m" example:"6000/1m" help:"with EDGE=direct: Stripe's events, in all"`

	Issuers  security.IssuerSettings
	Log      observability.Settings
	HTTP     httpapi.Settings
	Database database.Settings
	Jobs     jobs.Settings
}

// Validate refuses what cannot work.
func (s settings) Validate() []config.Fault {
	faults := s.HTTP.BehindGateway()
	if s.Issuers.Trusted.Names(s.issuers()...) {
		faults = append(faults, config.Fault{Name: "TRUSTED_ISSUERS", Problem: "names our own issuer", Example: "https://idp.example|my-audience"})
	}
	if s.MaxEvent < 1 {
		faults = append(faults, config.Fault{Name: "MAX_EVENT_BYTES", Problem: "allows no event at all", Example: "1MiB"})
	}
	if s.EventWithin <= 0 {
		faults = append(faults, config.Fault{Name: "EVENT_READ_TIMEOUT", Problem: "leaves no time at all", Example: "10s"})
	}
	if mode := modeOf(s.StripeKey.Reveal()); mode != "" && (mode == "live") != s.Livemode {
		faults = append(faults, config.Fault{Name: "STRIPE_LIVEMODE", Problem: "does not fit STRIPE_SECRET_KEY, which is a key of " + mode + " mode", Example: "true with sk_live_…, false with sk_test_…"})
	}
	return faults
}

// modeOf gives the mode that a key of Stripe's names: sk_live_…, rk_test_….
func modeOf(key string) string {
	for _, mode := range []string{"live", "test"} {
		if strings.HasPrefix(key, "sk_"+mode+"_") || strings.HasPrefix(key, "rk_"+mode+"_") {
			return mode
		}
	}
	return ""
}

// issuers are the names of our own.
func (s settings) issuers() []string {
	if len(s.OwnIssuers) > 0 {
		return s.OwnIssuers
	}
	return []string{s.PublicURL.String()}
}

func (s settings) database() database.Settings { return s.Database }
