package main

import (
	"time"

	"github.com/codex-platform/codex/pkg/config"

	"github.com/codex-platform/codex/services/auth/internal/limit"
)

const (
	longestName  = 100 // as long as the name that is shown
	mostAccounts = 20  // their cookies come with every request, within 32 KiB of headers
)

// waySettings are about the ways of signing in beside the password.
type waySettings struct {
	LinkLife       time.Duration `env:"MAGIC_LINK_TTL" envDefault:"5m" help:"how long a sign-in link works; at most 1h"`
	LinkSignUp     limit.Switch  `env:"MAGIC_LINK_SIGN_UP" envDefault:"on" help:"a sign-in link makes an account of an address that has none, unless DISABLE_SIGN_UP (on, off)"`
	CodeLife       time.Duration `env:"EMAIL_CODE_TTL" envDefault:"5m" help:"how long a mailed code works; at most 10m"`
	CodeSignUp     limit.Switch  `env:"EMAIL_CODE_SIGN_UP" envDefault:"on" help:"a mailed code makes an account of an address that has none, unless DISABLE_SIGN_UP (on, off)"`
	CodeChange     limit.Switch  `env:"EMAIL_CODE_CHANGE_EMAIL" envDefault:"off" help:"people change their address by a code that is mailed to the new one (on, off)"`
	CodeConfirm    limit.Switch  `env:"EMAIL_CODE_CHANGE_CONFIRM" envDefault:"on" help:"that takes a code of the old address first, where it was proven (on, off)"`
	AnonymousKeep  limit.Switch  `env:"ANONYMOUS_KEEP" envDefault:"off" help:"an anonymous person stays when the browser signs in as somebody else (on, off)"`
	AnonymousLeave limit.Switch  `env:"DELETE_ANONYMOUS_USER" envDefault:"on" help:"an anonymous person can delete themself (on, off)"`
	LastMethod     limit.Switch  `env:"LAST_LOGIN_METHOD" envDefault:"off" help:"a cookie that the page's scripts can read says how somebody signed in the last time (on, off)"`
	MinName        int           `env:"USERNAME_MIN_LENGTH" envDefault:"3" unit:"characters" help:"the shortest user name"`
	MaxName        int           `env:"USERNAME_MAX_LENGTH" envDefault:"30" unit:"characters" help:"the longest user name; at most 100. Who has a name out of bounds signs in by address"`
	Accounts       int           `env:"MULTI_SESSION_MAX" envDefault:"5" help:"how many accounts one browser holds; at most 20"`
}

func (x waySettings) faults() []config.Fault {
	var faults []config.Fault
	if x.LinkLife < time.Minute || x.LinkLife > time.Hour {
		faults = append(faults, config.Fault{Name: "MAGIC_LINK_TTL", Problem: "is not between 1m and 1h", Example: "5m"})
	}
	if x.CodeLife < time.Minute || x.CodeLife > 10*time.Minute {
		faults = append(faults, config.Fault{Name: "EMAIL_CODE_TTL", Problem: "is not between 1m and 10m", Example: "5m"})
	}
	if x.MinName < 1 {
		faults = append(faults, config.Fault{Name: "USERNAME_MIN_LENGTH", Problem: "is less than 1", Example: "3"})
	}
	if x.MaxName < x.MinName || x.MaxName > longestName {
		faults = append(faults, config.Fault{Name: "USERNAME_MAX_LENGTH", Problem: "is not between USERNAME_MIN_LENGTH and 100", Example: "30"})
	}
	if x.Accounts < 1 || x.Accounts > mostAccounts {
		faults = append(faults, config.Fault{Name: "MULTI_SESSION_MAX", Problem: "is not between 1 and 20", Example: "5"})
	}
	return faults
}
