// Package ports decides where each part of the development stack listens.
package ports

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/codex-platform/codex/pkg/testkit/port"
)

// Ports are the loopback ports of everything. Each is a variable of its own.
type Ports struct {
	Mode string `env:"CODEX_PORTS" example:"auto" help:"auto: take free ports for everything that no variable names"`

	Gateway  int `env:"GATEWAY_PORT" envDefault:"8000" help:"the one front door"`
	Auth     int `env:"AUTH_PORT" envDefault:"8001" help:"accounts and sessions"`
	Webhook  int `env:"WEBHOOK_PORT" envDefault:"8002" help:"Stripe's events and billing"`
	Storage  int `env:"STORAGE_PORT" envDefault:"8003" help:"files"`
	Web      int `env:"WEB_PORT" envDefault:"8004" help:"the web app"`
	Inbox    int `env:"INBOX_PORT" envDefault:"8025" help:"the page that shows sent mail"`
	SMTP     int `env:"SMTP_PORT" envDefault:"1025" help:"where mail is taken"`
	Postgres int `env:"POSTGRES_PORT" envDefault:"5432" help:"the database"`
	Redis    int `env:"REDIS_PORT" envDefault:"6379" help:"Redis"`
	S3       int `env:"S3_PORT" envDefault:"9100" help:"the object store"`
	Stripe   int `env:"STRIPE_PORT" envDefault:"12111" help:"the stand-in for Stripe"`
	Provider int `env:"PROVIDER_PORT" envDefault:"12112" help:"the demo provider to sign in with"`

	GatewayPrivate int `env:"GATEWAY_PRIVATE_PORT" envDefault:"9000" help:"health and metrics"`
	AuthPrivate    int `env:"AUTH_PRIVATE_PORT" envDefault:"9001" help:"health and metrics"`
	WebhookPrivate int `env:"WEBHOOK_PRIVATE_PORT" envDefault:"9002" help:"health and metrics"`
	StoragePrivate int `env:"STORAGE_PRIVATE_PORT" envDefault:"9003" help:"health and metrics"`
	WebPrivate     int `env:"WEB_PRIVATE_PORT" envDefault:"9004" help:"health and metrics"`
}

// place is one port with the variable that sets it.
type place struct {
	variable string
	port     *int
}

func (p *Ports) places() []place {
	return []place{
		{"GATEWAY_PORT", &p.Gateway}, {"AUTH_PORT", &p.Auth}, {"WEBHOOK_PORT", &p.Webhook}, {"STORAGE_PORT", &p.Storage}, {"WEB_PORT", &p.Web},
		{"INBOX_PORT", &p.Inbox}, {"SMTP_PORT", &p.SMTP}, {"POSTGRES_PORT", &p.Postgres}, {"REDIS_PORT", &p.Redis}, {"S3_PORT", &p.S3},
		{"STRIPE_PORT", &p.Stripe}, {"PROVIDER_PORT", &p.Provider}, {"GATEWAY_PRIVATE_PORT", &p.GatewayPrivate}, {"AUTH_PRIVATE_PORT", &p.AuthPrivate},
		{"WEBHOOK_PRIVATE_PORT", &p.WebhookPrivate}, {"STORAGE_PRIVATE_PORT", &p.StoragePrivate}, {"WEB_PRIVATE_PORT", &p.WebPrivate},
	}
}

// Assign takes free ports when CODEX_PORTS=auto, for those that the caller's environment does not name.
func (p *Ports) Assign(environ []string) error {
	if p.Mode != "auto" {
		return nil
	}
	taken := map[int]bool{}
	for _, at := range p.places() {
		if named(environ, at.variable) {
			continue
		}
		free, err := port.Free()
		for err == nil && taken[free] {
			free, err = port.Free()
		}
		if err != nil {
			return err
		}
		*at.port, taken[free] = free, true
	}
	return nil
}

func named(environ []string, variable string) bool {
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, variable+"="); ok && v != "" {
			return true
		}
	}
	return false
}

// Check names every port that is taken, with its holder and the variable to change. Ports in unused are not needed.
func (p *Ports) Check(unused ...int) error {
	var busy []error
	seen := map[int]string{}
	for _, at := range p.places() {
		n := *at.port
		if slices.Contains(unused, n) {
			continue
		}
		if other, twice := seen[n]; twice {
			busy = append(busy, fmt.Errorf("port %d is both %s and %s", n, other, at.variable))
			continue
		}
		seen[n] = at.variable
		if port.Check(n) != nil {
			busy = append(busy, fmt.Errorf("port %d is taken by %s: stop it, or choose another with %s=%d", n, port.Holder(n), at.variable, n+10000))
		}
	}
	if len(busy) == 0 {
		return nil
	}
	return errors.Join(append(busy, errors.New("CODEX_PORTS=auto takes free ports for everything"))...)
}
