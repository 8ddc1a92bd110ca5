package main

import (
	"time"

	"github.com/codex-platform/codex/pkg/config"
)

type twoFactorSettings struct {
	Issuer string        `env:"TWO_FACTOR_ISSUER" example:"Example" help:"the product's name in authenticator apps; default: MAIL_BRAND"`
	Mailed bool          `env:"TWO_FACTOR_MAILED_CODES" envDefault:"true" help:"a mailed code is taken as second factor; it is as strong as the mailbox"`
	Trust  time.Duration `env:"TRUSTED_DEVICE_TTL" envDefault:"720h" help:"how long a browser that its owner trusts is not asked for a second factor, after its last sign-in"`
}

func (x twoFactorSettings) faults() []config.Fault {
	if x.Trust < time.Minute {
		return []config.Fault{{Name: "TRUSTED_DEVICE_TTL", Problem: "is shorter than a minute", Example: "720h"}}
	}
	return nil
}
