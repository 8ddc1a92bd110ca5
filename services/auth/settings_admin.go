package main

import (
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"

	"github.com/codex-platform/codex/services/auth/internal/apikey"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/permission"
)

type adminSettings struct {
	Roles         permission.Roles `env:"ADMIN_ROLES" envDefault:"admin" example:"admin; support=user:list,user:get,session:list" help:"the roles beside \"user\" and what each may do, with ; between; a name alone may everything but impersonate other administrators"`
	UserIDs       []string         `env:"ADMIN_USER_IDS" help:"ids of people who may what administrators may, whatever their role"`
	Reason        string           `env:"IMPERSONATION_REASON" envDefault:"optional" help:"whether a reason must be given to act as somebody (optional, required)"`
	Banned        string           `env:"BANNED_MESSAGE" example:"This account is closed: write to help@example.com" help:"what a banned person is told; empty: the usual words"`
	Impersonation time.Duration    `env:"IMPERSONATION_TTL" envDefault:"1h" help:"how long an administrator acts as somebody at most"`
}

func (x adminSettings) faults() []config.Fault {
	var faults []config.Fault
	if x.Reason != "optional" && x.Reason != "required" {
		faults = append(faults, config.Fault{Name: "IMPERSONATION_REASON", Problem: "is neither optional nor required", Example: "required"})
	}
	if x.Impersonation < time.Minute || x.Impersonation > 12*time.Hour {
		faults = append(faults, config.Fault{Name: "IMPERSONATION_TTL", Problem: "is not between 1m and 12h", Example: "1h"})
	}
	return faults
}

func (x adminSettings) rules() permission.Rules {
	return permission.Rules{Roles: x.Roles, AdminIDs: x.UserIDs}
}

type keySettings struct {
	Sessions limit.Switch  `env:"API_KEY_SESSIONS" envDefault:"off" help:"a key in x-api-key stands for its owner's session here too, for reading; at the gateway it does anyway (on, off)"`
	Limit    cache.Rate    `env:"API_KEY_LIMIT" envDefault:"86400/24h" example:"10/24h" help:"uses of a key that names no limit; the gateway uses a key every five seconds at most"`
	Shortest time.Duration `env:"API_KEY_MIN_TTL" envDefault:"24h" help:"the shortest life that an owner can give a key"`
	Longest  time.Duration `env:"API_KEY_MAX_TTL" envDefault:"8760h" help:"the longest life that an owner can give a key"`
	Prefix   string        `env:"API_KEY_PREFIX" example:"acme_" help:"what keys begin with whose owner named nothing; it lets scanners find keys that were published"`
	Metadata limit.Switch  `env:"API_KEY_METADATA" envDefault:"off" help:"owners may keep an object with a key (on, off)"`
	Most     int           `env:"API_KEYS_PER_USER" envDefault:"100" help:"how many keys one person may have"`
}

func (x keySettings) faults() []config.Fault {
	var faults []config.Fault
	if x.Shortest < time.Minute || x.Longest < x.Shortest {
		faults = append(faults, config.Fault{Name: "API_KEY_MAX_TTL", Problem: "is shorter than API_KEY_MIN_TTL, or that is shorter than a minute", Example: "8760h"})
	}
	if x.Most < 1 {
		faults = append(faults, config.Fault{Name: "API_KEYS_PER_USER", Problem: "is less than 1", Example: "100"})
	}
	if !apikey.PrefixFits(x.Prefix) {
		faults = append(faults, config.Fault{Name: "API_KEY_PREFIX", Problem: "is not of letters, digits, - and _, 32 at most", Example: "acme_"})
	}
	return faults
}

func (x keySettings) rules() apikey.Rules {
	return apikey.Rules{
		Limit: x.Limit, Shortest: x.Shortest, Longest: x.Longest, Prefix: x.Prefix, Metadata: bool(x.Metadata), Most: x.Most,
	}
}
