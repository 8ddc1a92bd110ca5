package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a caller waits for Redis before its process decides alone.
const patience = callTimeout

// Bucket is one limit of one key, such as an address or a user's id. A handle may
// be kept for as long as one likes.
type Bucket struct {
	meterLimit
	meter *Meter
	key   string

	lease   atomic.Pointer[lease] // what is spent now
	next    atomic.Pointer[lease] // fetched ahead of need
	refused atomic.Int64          // until when Redis has nothing
	alone   atomic.Int64          // arrival time of the local limit, for Redis's absence
	asking  atomic.Bool           // a further lease is on its way
	gone    atomic.Bool           // evicted: the meter has, or will make, another one

	mu     sync.Mutex
	queued *ask  // not sent yet: more callers may join
	want   int64 // how much the next lease should hold
	leased int64 // when the last one came
}

// Limit is what the bucket counts by.
func (b *Bucket) Limit() *Limit { return b.limit }

// Take charges one request. With a lease at hand it only counts in memory; else it
// waits for one trip to Redis, together with all others who wait at that moment,
// no longer than ctx and 300 ms. After that, and with Redis away, it decides by
// this process's share of the limit.
func (b *Bucket) Take(ctx context.Context, now time.Time) Decision {
	at := b.meter.clock(now)
	if d, ok := b.spend(at); ok {
		return d
	}
	return b.takeSlowly(ctx, at)
}

// GiveBack undoes one Take that was allowed, of a request that another limit
// refused or that turned out to be worth it.
func (b *Bucket) GiveBack() {
	now := b.meter.clock(time.Now())
	if l := b.lease.Load(); l != nil && l.end > now && l.giveBack(b.interval) {
		return
	}
	share := b.share()
	for {
		at := b.alone.Load()
		if at <= now || b.alone.CompareAndSwap(at, at-share.interval) {
			return
		}
	}
}

// spend takes one request from the lease at hand, or from the one behind it.
func (b *Bucket) spend(now int64) (Decision, bool) {
	for {
		l := b.lease.Load()
		if l == nil {
			return Decision{}, false
		}
		if at, ok := l.spend(now, b.interval); ok {
			if at >= l.half && !b.asking.Load() {
				b.refill()
			}
			return b.decision(true, b.debt(l, at, now)), true
		}
		next := b.next.Load()
		if next == nil {
			return Decision{}, false
		}
		if b.lease.CompareAndSwap(l, next) {
			b.next.CompareAndSwap(next, nil)
		}
	}
}

// debt is what is spent of the whole limit, as far as this process knows: what
// Redis said last, less what is still in hand.
func (b *Bucket) debt(l *lease, at, now int64) int64 {
	next := b.next.Load()
	if next == nil || next == l {
		return at - now
	}
	return next.at.Load() - now - (l.end - at)
}

func (b *Bucket) takeSlowly(ctx context.Context, now int64) Decision {
	switch {
	case b.gone.Load():
		return b.meter.Bucket(b.limit, b.key).take(ctx, now)
	case now < b.refused.Load():
		return b.refusal(now)
	case !b.meter.Shared():
		b.meter.probe(b, now)
		return b.takeAlone(now)
	default:
		return b.wait(ctx)
	}
}

func (b *Bucket) take(ctx context.Context, now int64) Decision {
	if d, ok := b.spend(now); ok {
		return d
	}
	return b.takeSlowly(ctx, now)
}

func (b *Bucket) refusal(now int64) Decision {
	wait := max(b.refused.Load()-now, int64(time.Microsecond))
	d := b.decision(false, b.whole)
	d.Remaining, d.RetryAfter, d.ResetAfter = 0, time.Duration(wait), time.Duration(b.whole-b.interval+min(wait, b.interval))
	return d
}

// share is the limit of this process alone.
func (b *Bucket) share() meterLimit {
	n := b.meter.replicas.Load()
	share := meterLimit{limit: b.limit, interval: b.interval * n}
	share.whole = max(int64(b.limit.burst())/n, 1) * share.interval
	return share
}

// takeAlone decides by this process's share. It goes on from where the limit of
// all stood: a burst that was spent with Redis is not there again without it.
func (b *Bucket) takeAlone(now int64) Decision {
	share := b.share()
	for {
		old := b.alone.Load()
		debt := max(old, b.known(), now) - now
		if wait := debt + share.interval - share.whole; wait > 0 {
			d := share.decision(false, debt)
			d.RetryAfter = time.Duration(wait)
			return d
		}
		if b.alone.CompareAndSwap(old, now+debt+share.interval) {
			return share.decision(true, debt+share.interval)
		}
	}
}

// known is the limit's arrival time as this process heard it last.
func (b *Bucket) known() int64 {
	if l := b.lease.Load(); l != nil {
		return l.at.Load()
	}
	return 0
}

// idle tells that forgetting this bucket changes no decision.
func (b *Bucket) idle(now int64) bool {
	l, next := b.lease.Load(), b.next.Load()
	return (l == nil || l.left(now) < b.interval) && next == nil && !b.asking.Load() &&
		b.refused.Load() <= now && b.alone.Load() <= now
}

// retire makes every kept handle look for the bucket that takes this one's place.
// What it had leased is lost, which errs on the closed side.
func (b *Bucket) retire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone.Store(true)
	b.lease.Store(nil)
	b.next.Store(nil)
}
