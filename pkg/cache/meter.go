package cache

import (
	"context"
	"crypto/rand"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	meterShards  = 32
	meterPerPart = 4096 // buckets in one shard: 131,072 in all, about 32 MiB at worst
)

// Meter counts limits in memory against leases from Redis, for all replicas
// together: a lease is charged in Redis before any of it is spent, so the sum over
// all of them stays within the limit, and most requests need no trip. With Redis
// away each process keeps to its share: never unlimited, never closed.
type Meter struct {
	rdb    redis.UniversalClient
	prefix string
	id     string
	fixed  bool // the number of replicas is set, not learnt
	health *Health
	start  time.Time

	replicas  atomic.Int64
	nextProbe atomic.Int64
	trips     trips
	seed      maphash.Seed
	shards    [meterShards]meterShard
}

// MeterSettings say where the limits are kept and who shares them.
type MeterSettings struct {
	Prefix   string // of the keys in Redis
	Replicas int    // processes that share the limits; 0 learns it from Redis
}

type meterKey struct{ limit, key string }

type meterShard struct {
	mu      sync.RWMutex
	buckets map[meterKey]*Bucket
}

// NewMeter takes a client that may be nil (no Redis).
func NewMeter(rdb redis.UniversalClient, s MeterSettings, log *slog.Logger) *Meter {
	m := &Meter{
		rdb: rdb, prefix: s.Prefix + ":", id: rand.Text(), fixed: s.Replicas > 0,
		health: NewHealth("rate limits", log), start: time.Now(),
		trips: trips{hurry: make(chan struct{}, 1)}, seed: maphash.MakeSeed(),
	}
	m.replicas.Store(int64(max(s.Replicas, 1)))
	for i := range m.shards {
		m.shards[i].buckets = make(map[meterKey]*Bucket)
	}
	return m
}

// clock is the meter's own time: nanoseconds since it was made, plus one so that
// zero means "never".
func (m *Meter) clock(now time.Time) int64 { return int64(now.Sub(m.start)) + 1 }

func (m *Meter) now() int64 { return int64(time.Since(m.start)) + 1 }

// Exact is the limiter for limits that Redis decides for each request. Both know
// together whether Redis is away, and say so once.
func (m *Meter) Exact(prefix string, log *slog.Logger) *Limiter {
	l := NewLimiter(m.rdb, prefix, log)
	l.health = m.health
	return l
}

// Shared tells whether the limits are counted for all replicas together now.
func (m *Meter) Shared() bool { return m.rdb != nil && m.health.Up() }

// probe asks a Redis that is away for this bucket's sake; nobody waits for it.
func (m *Meter) probe(b *Bucket, now int64) {
	due := m.nextProbe.Load()
	if m.rdb != nil && now >= due && m.nextProbe.CompareAndSwap(due, now+int64(probeEvery)) {
		b.refill()
	}
}

// Bucket finds or makes the bucket of a key. Buckets of one limit are told apart
// from another's by the limit's name; l must not change any more.
func (m *Meter) Bucket(l *Limit, key string) *Bucket {
	k := meterKey{limit: l.Name, key: key}
	s := &m.shards[maphash.Comparable(m.seed, k)%meterShards]
	s.mu.RLock()
	b := s.buckets[k]
	s.mu.RUnlock()
	if b != nil {
		return b
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[k]; b != nil {
		return b
	}
	if len(s.buckets) >= meterPerPart {
		s.sweep(m.now())
	}
	b = &Bucket{meterLimit: newMeterLimit(l), meter: m, key: key}
	s.buckets[k] = b
	return b
}

// sweep makes room: buckets that nothing depends on go first; if that is not
// enough, an eighth goes whatever it holds, since memory must stay bounded under a
// flood of addresses.
func (s *meterShard) sweep(now int64) {
	for k, b := range s.buckets {
		if b.idle(now) {
			s.evict(k, b)
		}
	}
	for k, b := range s.buckets {
		if len(s.buckets) < meterPerPart*7/8 {
			return
		}
		s.evict(k, b)
	}
}

func (s *meterShard) evict(k meterKey, b *Bucket) {
	delete(s.buckets, k)
	b.retire()
}

// Run keeps this process counted among those that share the limits, until ctx ends.
func (m *Meter) Run(ctx context.Context) {
	if m.rdb == nil || m.fixed {
		<-ctx.Done()
		return
	}
	m.beat(ctx)
}
