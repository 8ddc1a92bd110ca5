package cache

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// Limit allows Rate requests in Per, at most Burst at once, by the generic cell
// rate algorithm: a key that waited is given back one request every Per/Rate.
type Limit struct {
	Name  string // policy name in RateLimit headers; part of the key
	Rate  int
	Per   time.Duration
	Burst int // 0 is Rate
	// Exact: Redis decides on each request. Without it a Meter may lease requests
	// ahead; a Limiter is always exact.
	Exact bool
}

// interval is the time that one request is worth.
func (l Limit) interval() time.Duration {
	return max(l.Per/time.Duration(max(l.Rate, 1)), time.Microsecond)
}

func (l Limit) burst() int {
	if l.Burst > 0 {
		return l.Burst
	}
	return max(l.Rate, 1)
}

// Check is one limit applied to one key, such as an address or a user's id.
type Check struct {
	Key   string
	Limit Limit
}

// Decision is what a limit says to a request.
type Decision struct {
	Allowed    bool
	Limit      Limit
	Remaining  int           // requests that would be allowed now
	RetryAfter time.Duration // of a refused request
	ResetAfter time.Duration // until the whole burst is there again
}

//go:embed limiter.lua
var limiterSource string

// limiterScript decides on Redis's own clock, so that replicas need not agree on
// the time.
var limiterScript = redis.NewScript(limiterSource)

// Limiter counts in Redis, for all replicas together. With Redis away each
// process counts for itself: never unlimited, never closed.
type Limiter struct {
	rdb    redis.UniversalClient
	prefix string
	health *Health
	local  *localLimiter
}

// NewLimiter takes a client that may be nil (no Redis) and a prefix for its keys.
func NewLimiter(rdb redis.UniversalClient, prefix string, log *slog.Logger) *Limiter {
	return &Limiter{
		rdb: rdb,
		// One hash tag for all keys: a script's keys must live on one node of a
		// cluster, and deciding on several limits at once is what this is for.
		prefix: "{" + prefix + "}:",
		health: NewHealth("rate limits", log),
		local:  newLocalLimiter(time.Now),
	}
}

// Shared tells whether the limits are counted for all replicas together now.
func (l *Limiter) Shared() bool { return l.rdb != nil && l.health.Up() }

// Allow charges every check or, when one refuses, none. It returns the decision
// to show: the refusal with the longest wait, else the one with the least left;
// and all decisions in the order of the checks.
func (l *Limiter) Allow(ctx context.Context, checks ...Check) (worst Decision, all []Decision) {
	if len(checks) == 0 {
		return Decision{Allowed: true}, nil
	}
	all, err := l.ask(ctx, checks)
	if err != nil {
		all = l.local.allow(checks)
	}
	return worstOf(all), all
}

// GiveBack returns what a check was charged, for work that turned out to be worth
// it. It is for limiters without Redis: what was charged there stays.
func (l *Limiter) GiveBack(c Check) { l.local.giveBack(c) }

func (l *Limiter) ask(ctx context.Context, checks []Check) (all []Decision, err error) {
	if l.rdb == nil {
		return nil, ErrDown
	}
	keys := make([]string, len(checks))
	args := make([]any, 0, 2*len(checks))
	for i, c := range checks {
		keys[i] = l.prefix + c.Limit.Name + ":" + c.Key
		args = append(args, c.Limit.interval().Microseconds(), c.Limit.burst())
	}
	err = l.health.Do(ctx, func(ctx context.Context) error {
		reply, err := limiterScript.Run(ctx, l.rdb, keys, args...).Int64Slice()
		if err != nil {
			return fmt.Errorf("charge limits: %w", err)
		}
		all, err = readDecisions(checks, reply)
		return err
	})
	return all, err
}

// readDecisions takes four numbers for each check: allowed, remaining, and the
// two times in microseconds.
func readDecisions(checks []Check, reply []int64) ([]Decision, error) {
	if len(reply) != 4*len(checks) {
		return nil, fmt.Errorf("charge limits: %d numbers for %d limits", len(reply), len(checks))
	}
	all := make([]Decision, len(checks))
	for i, c := range checks {
		r := reply[4*i : 4*i+4]
		all[i] = Decision{
			Allowed: r[0] == 1, Limit: c.Limit, Remaining: int(r[1]),
			RetryAfter: time.Duration(r[2]) * time.Microsecond,
			ResetAfter: time.Duration(r[3]) * time.Microsecond,
		}
	}
	return all, nil
}

func worstOf(all []Decision) Decision {
	worst := all[0]
	for _, d := range all[1:] {
		switch {
		case !d.Allowed && (worst.Allowed || d.RetryAfter > worst.RetryAfter):
			worst = d
		case d.Allowed && worst.Allowed && d.Remaining < worst.Remaining:
			worst = d
		}
	}
	return worst
}
