// Package stack is the whole development system: the backing parts, the five services, and the order in which they come
// and go.
package stack

import (
	"github.com/codex-platform/codex/deploy/local/internal/ports"
	"github.com/codex-platform/codex/pkg/config"
)

// Settings are what a developer may set. An address of a backing part means that it runs already and is not started.
type Settings struct {
	config.Base
	ports.Ports

	Dir       string          `env:"CODEX_DIR" envDefault:".codex" help:"where the data, the secrets and the logs are kept, below the repository"`
	PublicURL config.URL      `env:"PUBLIC_URL" help:"the address in the browser; default: http://localhost:GATEWAY_PORT" example:"http://localhost:8000"`
	BasePath  config.BasePath `env:"BASE_PATH" envDefault:"/api/auth" help:"where auth's API begins below that address; the gateway and the others are told. The web app speaks to /api/auth alone"`
	Seed      bool            `env:"CODEX_SEED" envDefault:"true" help:"make the demo user, its files and its plan"`
	Watch     bool            `env:"CODEX_WATCH" envDefault:"true" help:"rebuild and restart a service when its sources change"`
	Logs      []string        `env:"LOGS" example:"auth,gateway" help:"the parts whose log is shown; default: the five services"`
	LogLevel  string          `env:"LOG_LEVEL" envDefault:"info" help:"the least level that the services log"`

	DatabaseURL config.DSN `env:"DATABASE_URL" help:"PostgreSQL, as a role that may make roles and schemas" example:"postgres://postgres:password@127.0.0.1:5432/codex"`
	RedisURL    config.DSN `env:"REDIS_URL" help:"Redis" example:"redis://127.0.0.1:6379"`
	SMTPURL     config.DSN `env:"SMTP_URL" help:"a mail server; there is no inbox then" example:"smtp://127.0.0.1:1025"`
	MailFrom    string     `env:"MAIL_FROM" envDefault:"Codex <no-reply@codex.localhost>" help:"the sender of every letter"`

	S3Endpoint  config.URL    `env:"S3_ENDPOINT" help:"an S3-compatible store" example:"http://127.0.0.1:9100"`
	S3Region    string        `env:"S3_REGION" envDefault:"us-east-1" help:"the bucket's region"`
	S3Bucket    string        `env:"S3_BUCKET" envDefault:"codex" help:"the bucket; made when it is not there"`
	S3AccessKey string        `env:"S3_ACCESS_KEY" envDefault:"codex" help:"id of the access key"`
	S3SecretKey config.Secret `env:"S3_SECRET_KEY" help:"secret of the access key, with S3_ENDPOINT"`

	StripeKey       config.Secret  `env:"STRIPE_SECRET_KEY" help:"a test key of Stripe; the stand-in is not started then"`
	StripeSignature config.Secrets `env:"STRIPE_WEBHOOK_SECRETS" help:"what signs Stripe's events; stripe listen prints it"`
	StripeURL       string         `env:"STRIPE_API_URL" help:"another address for Stripe's API, with STRIPE_SECRET_KEY"`
}

// Validate refuses half a configuration.
func (s Settings) Validate() []config.Fault {
	var faults []config.Fault
	if s.StripeKey != "" && len(s.StripeSignature) == 0 {
		faults = append(faults, config.Fault{Name: "STRIPE_WEBHOOK_SECRETS", Problem: "is missing, but STRIPE_SECRET_KEY is set",
			Example: "the whsec_... that `stripe listen --forward-to localhost:8000/webhooks/stripe` prints"})
	}
	if s.S3Endpoint != "" && s.S3SecretKey == "" {
		faults = append(faults, config.Fault{Name: "S3_SECRET_KEY", Problem: "is missing, but S3_ENDPOINT is set", Example: "the secret of S3_ACCESS_KEY"})
	}
	return faults
}
