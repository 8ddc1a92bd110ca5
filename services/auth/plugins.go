package main

import (
	"time"

	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/user"
)

// pluginSettings switch the plugins of the contract. What only adds a way for
// people who ask for it is on; what makes accounts for nobody is off.
type pluginSettings struct {
	TwoFactor        limit.Switch  `env:"TWO_FACTOR" envDefault:"on" help:"second factors: authenticator app, mailed code, backup codes (on, off)"`
	Passkey          limit.Switch  `env:"PASSKEYS" envDefault:"on" help:"signing in with passkeys (on, off)"`
	MagicLink        limit.Switch  `env:"MAGIC_LINK" envDefault:"on" help:"signing in by a mailed link (on, off)"`
	EmailOTP         limit.Switch  `env:"EMAIL_CODES" envDefault:"on" help:"signing in, proving an address and resetting a password by a mailed code (on, off)"`
	Username         limit.Switch  `env:"USERNAMES" envDefault:"on" help:"user names to sign in with (on, off)"`
	Anonymous        limit.Switch  `env:"ANONYMOUS" envDefault:"off" help:"accounts without an address, made by whoever asks (on, off)"`
	MultiSession     limit.Switch  `env:"MULTI_SESSION" envDefault:"on" help:"several accounts signed in in one browser (on, off)"`
	Admin            limit.Switch  `env:"ADMIN" envDefault:"on" help:"administration of people for those whose role allows it (on, off)"`
	APIKey           limit.Switch  `env:"API_KEYS" envDefault:"on" help:"keys with which programs act as their owner (on, off)"`
	Tokens           limit.Switch  `env:"JWT" envDefault:"on" help:"access tokens for clients, at /token and in set-auth-jwt; off, the gateway alone gets them (on, off)"`
	Bearer           limit.Switch  `env:"BEARER" envDefault:"on" help:"clients without cookies: sessions by Authorization, and set-auth-token to get them (on, off)"`
	SecondFactorPage pagePath      `env:"TWO_FACTOR_PAGE" envDefault:"/two-factor" help:"the page, below PUBLIC_URL, where a browser that came by a link gives its second factor"`
	AuditLife        time.Duration `env:"AUDIT_TTL" envDefault:"8760h" help:"how long records of what happened to accounts are kept"`
}

// shape is what is shown of people: members of a plugin while it is on.
func (s settings) shape() *user.Shape {
	p := s.Plugins
	return &user.Shape{TwoFactor: bool(p.TwoFactor), Admin: bool(p.Admin), Username: bool(p.Username), Anonymous: bool(p.Anonymous), Fields: s.Fields.OfUser}
}
