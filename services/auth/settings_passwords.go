package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/limit"
)

// breachSettings are where leaked passwords are looked up, beside the frequent
// ones that are built in.
type breachSettings struct {
	Filter  string     `env:"BREACH_FILTER" example:"/data/leaked.filter" help:"a filter of leaked passwords that \"auth breach build\" made; new passwords that are in it are refused"`
	URL     config.URL `env:"BREACH_URL" example:"https://api.pwnedpasswords.com/range" help:"a range service that is asked for new passwords; it learns the first five digits of a hash"`
	Failure failure    `env:"BREACH_ON_FAILURE" envDefault:"open" help:"what happens to a new password when the filter or the range service fails: open lets it pass, closed refuses it for now (open, closed)"`
}

// failure is what follows when nobody can tell; true is closed.
type failure bool

// UnmarshalText reads open or closed.
func (f *failure) UnmarshalText(text []byte) error {
	switch string(text) {
	case "open":
		*f = false
	case "closed":
		*f = true
	default:
		return fmt.Errorf("not open or closed")
	}
	return nil
}

func (b breachSettings) faults() []config.Fault {
	var faults []config.Fault
	if u, err := url.Parse(b.URL.String()); err == nil && b.URL != "" && u.Scheme != "https" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" {
		faults = append(faults, config.Fault{Name: "BREACH_URL", Problem: "is not https: what is asked could be changed on the way", Example: "https://api.pwnedpasswords.com/range"})
	}
	if b.Filter != "" {
		if _, err := os.Stat(b.Filter); err != nil {
			faults = append(faults, config.Fault{Name: "BREACH_FILTER", Problem: "names a file that cannot be read", Example: "/data/leaked.filter"})
		}
	}
	return faults
}

// guessSettings are how guessing is slowed down beyond the limits of a minute.
type guessSettings struct {
	Free           int           `env:"BACKOFF_AFTER" envDefault:"5" help:"wrong passwords in a row for one account before the next one has to wait a second, and twice as long each time"`
	Longest        time.Duration `env:"BACKOFF_LONGEST" envDefault:"15m" help:"the longest of these waits"`
	Cap            int           `env:"PASSWORD_FAILURES_CAP" envDefault:"100" help:"wrong passwords in a row after which no password of the account works until it is reset by mail"`
	SprayWindow    time.Duration `env:"SPRAY_WINDOW" envDefault:"10m" help:"how long wrong passwords are counted over all accounts, and how long who sprays is slowed down"`
	SprayAddresses int           `env:"SPRAY_ADDRESS_ACCOUNTS" envDefault:"30" help:"accounts that one network fails at before it counts as spraying passwords"`
	SprayPasswords int           `env:"SPRAY_PASSWORD_ACCOUNTS" envDefault:"15" help:"accounts at which one password is wrong before it counts as sprayed"`
	Sprayed        cache.Rate    `env:"LIMIT_SPRAY" envDefault:"10/1m" example:"10/1m" help:"tries of a network, or with a password, that sprays"`
	Strength       cache.Rate    `env:"LIMIT_STRENGTH" envDefault:"120/1m" example:"120/1m" help:"questions of one address how strong a password is"`
}

// mostFailures is the cap that the requirements allow.
const mostFailures = 100

func (g guessSettings) faults() []config.Fault {
	var faults []config.Fault
	refuse := func(bad bool, name, problem, example string) {
		if bad {
			faults = append(faults, config.Fault{Name: name, Problem: problem, Example: example})
		}
	}
	refuse(g.Free < 1 || g.Free > 20, "BACKOFF_AFTER", "is not between 1 and 20", "5")
	refuse(g.Longest < time.Second || g.Longest > 24*time.Hour, "BACKOFF_LONGEST", "is not between 1s and 24h", "15m")
	refuse(g.Cap < g.Free || g.Cap > mostFailures, "PASSWORD_FAILURES_CAP", "is not between BACKOFF_AFTER and 100", "100")
	refuse(g.SprayWindow < time.Minute || g.SprayWindow > 24*time.Hour, "SPRAY_WINDOW", "is not between 1m and 24h", "10m")
	refuse(g.SprayAddresses < 2, "SPRAY_ADDRESS_ACCOUNTS", "is less than 2", "30")
	refuse(g.SprayPasswords < 2, "SPRAY_PASSWORD_ACCOUNTS", "is less than 2", "15")
	return faults
}

func (g guessSettings) backoff() limit.Backoff {
	return limit.Backoff{Free: g.Free, Longest: g.Longest, Cap: g.Cap}
}

func (g guessSettings) spray() limit.SprayRules {
	return limit.SprayRules{Window: g.SprayWindow, Addresses: g.SprayAddresses, Passwords: g.SprayPasswords}
}

// hashing gives half of the memory to passwords: the other half is everything else's.
func (s settings) hashing() security.HashParams {
	h := s.Hashing
	return security.HashParams{
		MemoryKiB: h.MemoryKiB, Iterations: h.Iterations, Concurrency: h.Concurrency, Queue: h.Queue, Memory: httpapi.MemoryLimit() / 2,
	}
}

// ownWords are what passwords must not be made of: the product's name and address.
func (s settings) ownWords() []string {
	words := []string{"codex", s.Mail.Brand}
	if u, err := url.Parse(s.PublicURL.String()); err == nil && !strings.EqualFold(u.Hostname(), "localhost") {
		words = append(words, u.Hostname())
	}
	return words
}
