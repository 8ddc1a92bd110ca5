package cache

import (
	"sync/atomic"
	"time"
)

// lease is a stretch of a limit's virtual time that this process may spend.
//
// Redis holds when all that was taken will have been given back. Taking n requests
// moves that time on by n intervals, and the stretch it moved over is the lease:
// nobody else has it. As the clock runs into the stretch, Redis counts that part
// as given back, so it is no longer the lease's: what was leased and not spent can
// never come on top of a budget that has filled up again. So at every moment
//
//	left in Redis + left in all leases <= burst
//
// and over any time T no more than burst + rate*T are admitted, whatever each
// gateway leases, keeps or loses.
type lease struct {
	at    atomic.Int64 // nanoseconds of the meter's clock: what lies before is spent
	first int64        // where the stretch begins, callers served at once included
	half  int64        // from here on the next lease is fetched
	end   int64
}

// newLease makes the stretch that ends at end: served requests spent already, and
// after them the spare ones.
func newLease(end, interval, served, spare int64) *lease {
	l := &lease{
		first: end - (served+spare)*interval,
		half:  end - spare/2*interval,
		end:   end,
	}
	l.at.Store(end - spare*interval)
	return l
}

// spend takes one request and returns where the lease is spent up to.
func (l *lease) spend(now, interval int64) (int64, bool) {
	for {
		at := l.at.Load()
		next := max(at, now) + interval
		if next > l.end {
			return max(at, now), false
		}
		if l.at.CompareAndSwap(at, next) {
			return next, true
		}
	}
}

// giveBack undoes one spend of this lease.
func (l *lease) giveBack(interval int64) bool {
	for {
		at := l.at.Load()
		if at-interval < l.first {
			return false
		}
		if l.at.CompareAndSwap(at, at-interval) {
			return true
		}
	}
}

// left is how much virtual time can still be spent.
func (l *lease) left(now int64) int64 { return max(0, l.end-max(l.at.Load(), now)) }

// meterLimit is a limit in the units of the meter's clock.
type meterLimit struct {
	limit    *Limit
	interval int64 // nanoseconds, whole microseconds as Redis counts them
	whole    int64 // nanoseconds that the burst is worth
}

func newMeterLimit(l *Limit) meterLimit {
	interval := l.interval().Microseconds() * int64(time.Microsecond)
	return meterLimit{limit: l, interval: interval, whole: int64(l.burst()) * interval}
}

// decision tells of a limit of which debt nanoseconds are spent.
func (l meterLimit) decision(allowed bool, debt int64) Decision {
	debt = max(0, min(debt, l.whole))
	return Decision{
		Allowed: allowed, Limit: *l.limit,
		Remaining: int((l.whole - debt) / l.interval), ResetAfter: time.Duration(debt),
	}
}
