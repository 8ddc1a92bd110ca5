package cache

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	localShards  = 32
	localPerPart = 8192 // keys in one shard: 262,144 in all, about 32 MiB at worst
)

// localLimiter is the same algorithm in the process's own memory.
type localLimiter struct {
	seed   maphash.Seed
	now    func() time.Time
	shards [localShards]localShard
}

type localShard struct {
	mu      sync.Mutex
	arrival map[string]time.Time // when all that was spent will have been given back
}

func newLocalLimiter(now func() time.Time) *localLimiter {
	l := &localLimiter{seed: maphash.MakeSeed(), now: now}
	for i := range l.shards {
		l.shards[i].arrival = make(map[string]time.Time)
	}
	return l
}

// allow charges all checks or none. The checks are looked at one after another:
// a request that comes between may be refused although nothing is charged in the
// end, which errs on the closed side for one moment.
func (l *localLimiter) allow(checks []Check) []Decision {
	now := l.now()
	all := make([]Decision, len(checks))
	for i, c := range checks {
		all[i] = l.charge(c, now)
		if all[i].Allowed {
			continue
		}
		for j := range i {
			l.giveBack(checks[j])
			all[j].Remaining++
			all[j].ResetAfter -= checks[j].Limit.interval()
		}
		for j := i + 1; j < len(checks); j++ {
			all[j] = l.look(checks[j], now)
		}
		break
	}
	return all
}

func (l *localLimiter) shard(key string) *localShard {
	return &l.shards[maphash.String(l.seed, key)%localShards]
}

func localKey(c Check) string { return c.Limit.Name + ":" + c.Key }

func (l *localLimiter) charge(c Check, now time.Time) Decision {
	key := localKey(c)
	s := l.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	d, next := decide(c.Limit, s.arrival[key], now)
	if d.Allowed {
		if len(s.arrival) >= localPerPart {
			s.sweep(now)
		}
		s.arrival[key] = next
		d.Remaining--
		d.ResetAfter = next.Sub(now)
	}
	return d
}

func (l *localLimiter) look(c Check, now time.Time) Decision {
	key := localKey(c)
	s := l.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	d, _ := decide(c.Limit, s.arrival[key], now)
	return d
}

func (l *localLimiter) giveBack(c Check) {
	key := localKey(c)
	s := l.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if arrival, ok := s.arrival[key]; ok {
		s.arrival[key] = arrival.Add(-c.Limit.interval())
	}
}

// decide answers for a request that has not been charged yet.
func decide(limit Limit, arrival, now time.Time) (Decision, time.Time) {
	if arrival.Before(now) {
		arrival = now
	}
	interval := limit.interval()
	whole := time.Duration(limit.burst()) * interval
	spent := arrival.Sub(now)
	d := Decision{
		Allowed: spent+interval <= whole, Limit: limit,
		Remaining: int((whole - spent) / interval), ResetAfter: spent,
	}
	if !d.Allowed {
		d.RetryAfter = spent + interval - whole
	}
	return d, arrival.Add(interval)
}

// sweep makes room: keys that owe nothing go first; if none does, an eighth goes
// whatever it owes, since memory must stay bounded under a flood of addresses.
func (s *localShard) sweep(now time.Time) {
	for key, arrival := range s.arrival {
		if !arrival.After(now) {
			delete(s.arrival, key)
		}
	}
	for key := range s.arrival {
		if len(s.arrival) < localPerPart*7/8 {
			return
		}
		delete(s.arrival, key)
	}
}
