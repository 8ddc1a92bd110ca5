package main

import (
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/limit"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
)

// limitAddress charges the address, and with it the user where memory alone tells
// who that is: one trip to Redis for both. An unproved caller pays for the address
// before anything is spent on the proof.
func (g *gate) limitAddress(k *call) error {
	p := k.policy
	checks := k.checks[:0]
	if p.inAll != nil {
		checks = append(checks, cache.Check{Key: "all", Limit: *p.inAll})
	}
	if p.byAddr != nil {
		checks = append(checks, cache.Check{Key: k.peer.key, Limit: *p.byAddr})
	}
	if p.byUser != nil {
		if caller, known := g.resolver.Known(k.Request().Header); known {
			k.charged, k.identified, k.caller = true, true, caller
			checks = append(checks, cache.Check{Key: caller.UserID, Limit: *p.byUser})
		}
	}
	return g.charge(k, checks)
}

// limitUser charges the user where limitAddress did not know who it was.
func (g *gate) limitUser(k *call) error {
	if k.policy.byUser == nil || k.charged || k.caller.UserID == "" {
		return nil
	}
	return g.charge(k, []cache.Check{{Key: k.caller.UserID, Limit: *k.policy.byUser}})
}

func (g *gate) charge(k *call, checks []cache.Check) error {
	if len(checks) == 0 {
		return nil
	}
	worst, all := g.limiter.Allow(k.Request().Context(), checks...)
	k.decisions = append(k.decisions, all...)
	h := k.Response().Header()
	h["RateLimit-Policy"] = k.policy.policies
	k.lines.limits[0] = limit.State(k.decisions)
	h["RateLimit"] = k.lines.limits[:]
	if worst.Allowed {
		return nil
	}
	if k.policy.shape == refusal.Auth {
		h.Set("X-Retry-After", refusal.Seconds(worst.RetryAfter))
	}
	return problem.TooManyRequests.WithRetryAfter(worst.RetryAfter)
}
