package cache

import (
	"context"
	"time"
)

// ask is what one bucket wants of the next trip to Redis.
type ask struct {
	bucket *Bucket
	more   bool  // it is the one that fetches the next lease
	want   int64 // spare requests in that lease; 0: none
	seats  int64 // callers who wait; fixed once it is sent
	served int64 // the first so many of them are allowed
	err    error
	done   chan struct{} // closed with the answer
}

// The size of leases follows demand: one that is spent sooner than soon doubles
// the next, one that lasts longer than late halves it.
const (
	soon = 250 * time.Millisecond
	late = time.Second
)

// refill fetches the next lease ahead of need; nobody waits for it.
func (b *Bucket) refill() {
	b.mu.Lock()
	a := b.joined(false)
	b.mu.Unlock()
	if a != nil {
		b.meter.enqueue(a, false)
	}
}

// wait joins the next trip to Redis.
func (b *Bucket) wait(ctx context.Context) Decision {
	b.mu.Lock()
	fresh := b.joined(true)
	a, seat := b.queued, b.queued.seats
	b.mu.Unlock()
	if fresh != nil {
		b.meter.enqueue(fresh, true)
	} else {
		b.meter.hasten()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-a.done:
	case <-timer.C:
		return b.takeAlone(b.meter.now())
	case <-ctx.Done():
		return b.takeAlone(b.meter.now())
	}
	return b.seated(a, seat)
}

func (b *Bucket) seated(a *ask, seat int64) Decision {
	now := b.meter.now()
	switch l := b.lease.Load(); {
	case a.err != nil:
		return b.takeAlone(now)
	case seat > a.served:
		return b.refusal(now)
	case l == nil:
		return b.decision(true, b.interval)
	default:
		return b.decision(true, b.debt(l, max(l.at.Load(), now), now))
	}
}

// joined adds a caller, or a wish for more, to the ask that is not sent yet. It
// returns the ask if it had to be made. The bucket is locked.
func (b *Bucket) joined(caller bool) (fresh *ask) {
	more := b.next.Load() == nil && b.asking.CompareAndSwap(false, true)
	if !caller && !more {
		return nil
	}
	if b.queued == nil {
		fresh = &ask{bucket: b, done: make(chan struct{})}
		b.queued = fresh
	}
	if more {
		b.queued.more = true
		b.queued.want = b.adapt(b.meter.now())
	}
	if caller {
		b.queued.seats++
	}
	return fresh
}

// adapt sizes the next lease. An exact limit has none: each request goes to Redis.
func (b *Bucket) adapt(now int64) int64 {
	switch age := time.Duration(now - b.leased); {
	case b.limit.Exact:
		return 0
	case b.leased == 0 || b.want == 0:
		b.want = 1
	case age < soon:
		b.want *= 2
	case age > late:
		b.want = max(1, b.want/2)
	}
	return b.want
}

// seal ends the joining, as the ask is about to be sent.
func (a *ask) seal() {
	a.bucket.mu.Lock()
	defer a.bucket.mu.Unlock()
	a.bucket.queued = nil
}

// answer is what Redis says to an ask.
type answer struct {
	served, spare int64
	arrival, wait time.Duration // from the moment of the answer
}

// settle hands out what Redis gave. Its clock is reckoned from the moment before
// the question was sent, so that a lease here never outlives the same in Redis.
func (a *ask) settle(got answer, sent int64) {
	b := a.bucket
	b.mu.Lock()
	a.served = got.served
	if got.served < a.seats {
		b.refused.Store(sent + int64(got.wait))
	}
	if !b.gone.Load() {
		b.keep(newLease(sent+int64(got.arrival), b.interval, got.served, got.spare), sent)
	}
	if a.more {
		b.leased, b.want = sent, min(a.want, 2*got.spare+1)
		b.asking.Store(false)
	}
	b.mu.Unlock()
	close(a.done)
}

// keep puts a lease where it is spent next. The bucket is locked.
func (b *Bucket) keep(l *lease, now int64) {
	old := b.lease.Load()
	switch {
	case old == nil || old.left(now) < b.interval && b.next.Load() == nil:
		b.lease.Store(l)
	case l.left(now) >= b.interval && b.next.Load() == nil:
		b.next.Store(l)
	}
}

// fail lets the callers decide alone.
func (a *ask) fail(err error) {
	a.err = err
	if a.more {
		a.bucket.asking.Store(false)
	}
	close(a.done)
}
