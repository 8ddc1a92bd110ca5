package main

import (
	"context"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/limit"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
)

// charged are the limits that a request has been counted by, to be given back when
// it is refused after all.
type charged struct {
	buckets [6]*cache.Bucket
	n       int
}

func (c *charged) add(b *cache.Bucket) {
	c.buckets[c.n] = b
	c.n++
}

func (c *charged) giveBack() {
	for _, b := range c.buckets[:c.n] {
		b.GiveBack()
	}
	c.n = 0
}

// limitAddress charges the address, and with it the user where memory alone tells
// who that is. An unproved caller pays for the address before anything is spent on
// the proof.
func (g *gate) limitAddress(k *call) error {
	p := k.policy
	k.ask(&g.total, "all")
	k.ask(p.inAll, "all")
	k.ask(p.byAddr, k.peer.key)
	if p.byUser != nil {
		if caller, known := g.resolver.Known(k.Request().Header); known {
			k.userCharged, k.identified, k.caller = true, true, caller
			k.askCaller()
		}
	}
	return g.charge(k)
}

// limitUser charges the user where limitAddress did not know who it was.
func (g *gate) limitUser(k *call) error {
	if k.userCharged || k.caller.UserID == "" {
		return nil
	}
	k.askCaller()
	return g.charge(k)
}

func (k *call) askCaller() {
	k.ask(k.policy.byUser, k.caller.UserID)
	if k.caller.KeyID != "" {
		k.ask(k.policy.byKey, k.caller.KeyID)
	}
}

func (k *call) ask(l *cache.Limit, key string) {
	if l != nil {
		k.checks = append(k.checks, check{l, key})
	}
}

// check is a limit and whom it counts.
type check struct {
	limit *cache.Limit
	key   string
}

// charge counts the request by all its checks, or refuses it and counts nothing.
// What memory can decide comes before what Redis must.
func (g *gate) charge(k *call) error {
	now, refused := time.Now(), cache.Decision{Allowed: true}
	for _, c := range k.checks {
		if c.limit.Exact || g.chargeShadow(k, c) {
			continue
		}
		b := g.meter.Bucket(c.limit, c.key)
		d := b.Take(k.Request().Context(), now)
		if c.limit != &g.total { // how busy we are is nobody's business
			k.decisions = append(k.decisions, d)
		}
		if !d.Allowed {
			refused = d
			break
		}
		k.charged.add(b)
	}
	if refused.Allowed {
		refused = g.chargeExact(k)
	}
	k.checks = k.checks[:0]
	if k.policy.closes && (!g.limiter.Shared() || !g.meter.Shared()) {
		k.charged.giveBack()
		return problem.Unavailable
	}
	g.tellLimits(k)
	if refused.Allowed {
		return nil
	}
	k.charged.giveBack()
	if k.policy.shape == refusal.Auth {
		k.Response().Header().Set("X-Retry-After", refusal.Seconds(refused.RetryAfter))
	}
	return problem.TooManyRequests.WithRetryAfter(refused.RetryAfter)
}

// chargeExact asks Redis for the limits that must not be off by one.
func (g *gate) chargeExact(k *call) cache.Decision {
	var room [2]cache.Check
	exact := room[:0]
	for _, c := range k.checks {
		if c.limit.Exact && !g.chargeShadow(k, c) {
			exact = append(exact, cache.Check{Key: c.key, Limit: *c.limit})
		}
	}
	if len(exact) == 0 {
		return cache.Decision{Allowed: true}
	}
	worst, all := g.limiter.Allow(k.staying(), exact...)
	k.decisions = append(k.decisions, all...)
	return worst
}

// staying does not end when the client leaves: a question to Redis that is given up
// is decided by this gateway alone, and who leaves at once would be counted nowhere else.
func (k *call) staying() context.Context { return context.WithoutCancel(k.Request().Context()) }

// tellLimits shows every limit that was asked, also to those who are let through.
func (g *gate) tellLimits(k *call) {
	if len(k.decisions) == 0 {
		return
	}
	h := k.Response().Header()
	h["RateLimit-Policy"] = k.policy.policies
	if k.caller.KeyID != "" {
		h["RateLimit-Policy"] = k.policy.keyed
	}
	k.lines.limits[0] = limit.State(k.decisions)
	h["RateLimit"] = k.lines.limits[:]
}

// chargeShadow counts by a limit in shadow mode, which only tells.
func (g *gate) chargeShadow(k *call, c check) bool {
	if len(g.shadow) == 0 || !g.shadow[c.limit.Name] {
		return false
	}
	ctx := k.Request().Context()
	var allowed bool
	if c.limit.Exact {
		d, _ := g.limiter.Allow(k.staying(), cache.Check{Key: c.key, Limit: *c.limit})
		allowed = d.Allowed
	} else {
		allowed = g.meter.Bucket(c.limit, c.key).Take(ctx, time.Now()).Allowed
	}
	if !allowed {
		k.rec.Shadow = joinNames(k.rec.Shadow, c.limit.Name)
		g.recorder.Shadowed(ctx, k.policy.name, c.limit.Name)
	}
	return true
}

func joinNames(names, name string) string {
	if names == "" {
		return name
	}
	return names + "," + name
}

// settle is for a class whose service has its own proof: what that refused is the
// address's to pay, what it took is everybody's. So junk cannot spend the total,
// and many events from one address are no junk.
func (k *call) settle(status int) {
	if !k.policy.proves {
		return
	}
	refused := status >= 400 && status < 500
	for _, b := range k.charged.buckets[:k.charged.n] {
		if (b.Limit() == k.policy.inAll) == refused {
			b.GiveBack()
		}
	}
	k.charged.n = 0
}
