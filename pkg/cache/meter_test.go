package cache_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
)

func newMeter(t testing.TB, rdb redis.UniversalClient, replicas int) *cache.Meter {
	t.Helper()
	m := cache.NewMeter(rdb, cache.MeterSettings{Prefix: "meter", Replicas: replicas}, quiet())
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return m
}

// press asks n times in parallel, at all meters in turn, and counts what was allowed.
func press(ctx context.Context, n int, meters []*cache.Meter, l *cache.Limit, key string) int64 {
	var allowed atomic.Int64
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			b := meters[worker%len(meters)].Bucket(l, key)
			for i := worker; i < n; i += 16 {
				if b.Take(ctx, time.Now()).Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return allowed.Load()
}

func TestMeter_neverPassesTheLimitAndUsesNearlyAllOfIt(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	meters := []*cache.Meter{newMeter(t, rdb, 2), newMeter(t, rdb, 2)}
	for _, rate := range []int{10, 100, 600, 10_000} {
		l := hour("of"+strconv.Itoa(rate), rate)
		got := press(t.Context(), 4*rate, meters, &l, "k")
		t.Logf("two gateways, limit %d, %d requests: %d admitted (%.1f %%)", rate, 4*rate, got, 100*float64(got)/float64(rate))
		if got > int64(rate) || float64(got) < 0.95*float64(rate) {
			t.Errorf("admitted %d of a limit of %d", got, rate)
		}
	}
}

// While time gives back, no more may pass than the burst and what was given back.
func TestMeter_keepsToTheRateWhileTimePasses(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	meters := []*cache.Meter{newMeter(t, rdb, 2), newMeter(t, rdb, 2)}
	l := cache.Limit{Name: "flow", Rate: 2000, Per: time.Second, Burst: 500}
	began := time.Now()
	got := press(t.Context(), 200_000, meters, &l, "k")
	most := float64(l.Burst) + 2000*time.Since(began).Seconds()
	t.Logf("%d admitted in %s, at most %.0f", got, time.Since(began), most)
	if float64(got) > most+1 {
		t.Errorf("admitted %d, more than %.0f", got, most)
	}
}

func TestMeter_costsFewTrips(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	m := newMeter(t, rdb, 1)
	l := cache.Limit{Name: "cheap", Rate: 1_000_000, Per: time.Minute}
	b := m.Bucket(&l, "k")
	const n = 100_000
	for range n {
		if !b.Take(t.Context(), time.Now()).Allowed {
			t.Fatal("refused under the limit")
		}
	}
	info, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls := scripted(info)
	t.Logf("%d requests of one key cost %d trips", n, calls)
	if calls > n/100 {
		t.Errorf("%d trips for %d requests", calls, n)
	}
}

func TestMeter_givesBackWhatAnotherLimitRefused(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	m := newMeter(t, rdb, 1)
	for _, rate := range []int{3, 1000} { // without and with a lease
		l := hour("back"+strconv.Itoa(rate), rate)
		b := m.Bucket(&l, "k")
		for range 5 * rate {
			if !b.Take(t.Context(), time.Now()).Allowed {
				t.Fatalf("limit %d: refused though all was given back", rate)
			}
			b.GiveBack()
		}
	}
}

func TestMeter_tellsWhatIsLeftAndWhenToComeAgain(t *testing.T) {
	t.Parallel()
	m := newMeter(t, testkit.Redis(t), 1)
	l := hour("told", 2)
	b := m.Bucket(&l, "k")
	first, second, third := b.Take(t.Context(), time.Now()), b.Take(t.Context(), time.Now()), b.Take(t.Context(), time.Now())
	if !first.Allowed || first.Remaining != 1 || !second.Allowed || second.Remaining != 0 {
		t.Errorf("got %+v, %+v", first, second)
	}
	if third.Allowed || third.RetryAfter < 29*time.Minute || third.RetryAfter > 30*time.Minute {
		t.Errorf("third of 2 an hour: %+v", third)
	}
}

func TestMeter_keepsToItsShareWithoutRedis(t *testing.T) {
	t.Parallel()
	meters := []*cache.Meter{newMeter(t, nil, 2), newMeter(t, nil, 2)}
	l := hour("share", 100)
	if got := press(t.Context(), 1000, meters, &l, "k"); got != 100 {
		t.Errorf("two gateways that share a limit of 100 admitted %d", got)
	}
}

func TestMeter_neitherClosesNorOpensWhenRedisIsLost(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	m := newMeter(t, open(t, server.URL()), 1)
	one := []*cache.Meter{m}
	l := hour("lost", 1000)
	if got := press(t.Context(), 200, one, &l, "k"); got != 200 {
		t.Fatalf("with Redis %d of 200", got)
	}
	server.Stop()
	wide := hour("wide", 1_000_000)
	if got := press(t.Context(), 5000, one, &wide, "k"); got != 5000 {
		t.Errorf("without Redis %d of 5,000 were fine", got)
	}
	if got := press(t.Context(), 5000, one, &l, "k"); got > 1000 {
		t.Errorf("without Redis %d of a limit of 1,000", got)
	}
	server.Start()
	limit := time.After(10 * time.Second)
	for {
		fresh := hour("fresh"+strconv.FormatInt(time.Now().UnixNano(), 36), 10)
		m.Bucket(&fresh, "k").Take(t.Context(), time.Now())
		if n, err := open(t, server.URL()).Exists(t.Context(), "meter:"+fresh.Name+":k").Result(); err == nil && n == 1 {
			return
		}
		select {
		case <-limit:
			t.Fatal("Redis is back and not used")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestMeter_beginsAnewAfterAFlush(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	m := newMeter(t, rdb, 1)
	l := hour("flushed", 1_000_000)
	b := m.Bucket(&l, "k")
	for i := range 20_000 {
		if i%1000 == 0 {
			rdb.FlushAll(t.Context())
		}
		if !b.Take(t.Context(), time.Now()).Allowed {
			t.Fatal("refused under the limit")
		}
	}
}

func TestMeter_forgetsKeysAndKeepsHandlesRight(t *testing.T) {
	t.Parallel()
	m := newMeter(t, nil, 1)
	l := hour("many", 1)
	kept := m.Bucket(&l, "kept")
	if !kept.Take(t.Context(), time.Now()).Allowed {
		t.Fatal("the first of an hour was refused")
	}
	for i := range 300_000 {
		m.Bucket(&l, strconv.Itoa(i)).Take(t.Context(), time.Now())
	}
	a := m.Bucket(&l, "kept").Take(t.Context(), time.Now()).Allowed
	b := kept.Take(t.Context(), time.Now()).Allowed
	if a && b {
		t.Error("a kept handle and the meter's own bucket both have a budget")
	}
}

func TestMeter_leavesNoKeyWithoutAnEnd(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	m := newMeter(t, rdb, 1)
	l := hour("ttl", 1000)
	for i := range 50 {
		m.Bucket(&l, strconv.Itoa(i)).Take(t.Context(), time.Now())
	}
	keys, err := rdb.Keys(t.Context(), "meter:ttl:*").Result()
	if err != nil || len(keys) != 50 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, key := range keys {
		if ttl := rdb.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Hour {
			t.Errorf("%s lives %s", key, ttl)
		}
	}
}

// A limit is closed for no longer than it can be by what was spent of it.
func TestMeter_clockThatWasPutBack(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	l := hour("back", 10)
	newMeter(t, rdb, 1).Bucket(&l, "1").Take(t.Context(), time.Now())
	key := putBack(t, rdb, "meter:back:*")
	if d := newMeter(t, rdb, 1).Bucket(&l, "1").Take(t.Context(), time.Now()); d.Allowed || d.RetryAfter > 7*time.Minute {
		t.Errorf("%+v", d)
	}
	if ttl := rdb.PTTL(t.Context(), key).Val(); ttl > time.Hour {
		t.Errorf("closed for %s", ttl)
	}
}

func BenchmarkMeter(b *testing.B) {
	l := cache.Limit{Name: "bench", Rate: 1 << 40, Per: time.Hour}
	m := newMeter(b, open(b, testkit.StartRedis(b).URL()), 1)
	bucket, now := m.Bucket(&l, "k"), time.Now()
	bucket.Take(b.Context(), now)
	b.ReportAllocs()
	for b.Loop() {
		bucket.Take(b.Context(), now)
	}
}

// scripted counts the scripts that Redis has run.
func scripted(info string) int {
	n := 0
	for _, line := range strings.Split(info, "\n") {
		if _, rest, ok := strings.Cut(line, "cmdstat_eval"); ok {
			_, rest, _ = strings.Cut(rest, "calls=")
			rest, _, _ = strings.Cut(rest, ",")
			calls, _ := strconv.Atoi(rest)
			n += calls
		}
	}
	return n
}
