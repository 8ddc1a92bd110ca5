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
	checks := appendCheck(k.checks[:0], p.inAll, "all")
	checks = appendCheck(checks, p.byAddr, k.peer.key)
	if p.byUser != nil {
		if caller, known := g.resolver.Known(k.Request().Header); known {
			k.charged, k.identified, k.caller = true, true, caller
			checks = k.appendCaller(checks)
		}
	}
	return g.charge(k, checks)
}

// limitUser charges the user where limitAddress did not know who it was.
func (g *gate) limitUser(k *call) error {
	if k.charged || k.caller.UserID == "" {
		return nil
	}
	return g.charge(k, k.appendCaller(k.checks[:0]))
}

func (k *call) appendCaller(checks []cache.Check) []cache.Check {
	checks = appendCheck(checks, k.policy.byUser, k.caller.UserID)
	if k.caller.KeyID != "" {
		checks = appendCheck(checks, k.policy.byKey, k.caller.KeyID)
	}
	return checks
}

func appendCheck(checks []cache.Check, l *cache.Limit, key string) []cache.Check {
	if l == nil {
		return checks
	}
	return append(checks, cache.Check{Key: key, Limit: *l})
}

// charge counts the request, or refuses it and counts nothing.
func (g *gate) charge(k *call, checks []cache.Check) error {
	checks = g.chargeShadow(k, checks)
	if len(checks) == 0 {
		return nil
	}
	worst, all := g.limiter.Allow(k.Request().Context(), checks...)
	if k.policy.closes && !g.limiter.Shared() {
		return problem.Unavailable
	}
	k.decisions = append(k.decisions, all...)
	h := k.Response().Header()
	h["RateLimit-Policy"] = k.policy.policies
	if k.caller.KeyID != "" {
		h["RateLimit-Policy"] = k.policy.keyed
	}
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

// chargeShadow counts by the limits in shadow mode, which only tell, and leaves the
// others. Each is asked alone: none of them may keep another from counting.
func (g *gate) chargeShadow(k *call, checks []cache.Check) []cache.Check {
	if len(g.shadow) == 0 {
		return checks
	}
	enforced := checks[:0]
	for _, c := range checks {
		if !g.shadow[c.Limit.Name] {
			enforced = append(enforced, c)
			continue
		}
		if d, _ := g.limiter.Allow(k.Request().Context(), c); !d.Allowed {
			k.rec.Shadow = joinNames(k.rec.Shadow, c.Limit.Name)
			g.recorder.Shadowed(k.Request().Context(), k.policy.name, c.Limit.Name)
		}
	}
	return enforced
}

func joinNames(names, name string) string {
	if names == "" {
		return name
	}
	return names + "," + name
}
