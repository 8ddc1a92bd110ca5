package cache_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// hour is a limit whose clock gives nothing back while a test runs.
func hour(name string, n int) cache.Limit { return cache.Limit{Name: name, Rate: n, Per: time.Hour} }

// spend asks n times in parallel and counts what was allowed.
func spend(ctx context.Context, n int, limiters []*cache.Limiter, checks ...cache.Check) int64 {
	var allowed atomic.Int64
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := worker; i < n; i += 16 {
				if d, _ := limiters[i%len(limiters)].Allow(ctx, checks...); d.Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return allowed.Load()
}

func TestLimiter_isExactOverTwoReplicas(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	replicas := []*cache.Limiter{cache.NewLimiter(rdb, "test", quiet()), cache.NewLimiter(rdb, "test", quiet())}
	got := spend(t.Context(), 1000, replicas, cache.Check{Key: "a", Limit: hour("exact", 100)})
	t.Logf("two replicas, 1,000 requests, limit 100: %d admitted", got)
	if got < 99 || got > 101 {
		t.Errorf("admitted %d of a limit of 100", got)
	}
}

func TestLimiter_countsForItselfWithoutRedis(t *testing.T) {
	t.Parallel()
	replicas := []*cache.Limiter{cache.NewLimiter(nil, "test", quiet()), cache.NewLimiter(nil, "test", quiet())}
	got := spend(t.Context(), 1000, replicas, cache.Check{Key: "a", Limit: hour("local", 100)})
	if got != 200 {
		t.Errorf("two replicas admitted %d, want 100 each", got)
	}
	if replicas[0].Shared() {
		t.Error("a limiter without Redis says that its limits are shared")
	}
}

// behaviour is the same for the script and for the local algorithm.
func behaviour(t *testing.T, make func(t *testing.T) *cache.Limiter) {
	t.Helper()
	t.Run("a refused request charges nothing", func(t *testing.T) {
		t.Parallel()
		l := make(t)
		wide, narrow := cache.Check{Key: "w", Limit: hour("wide", 10)}, cache.Check{Key: "n", Limit: hour("narrow", 2)}
		for range 8 {
			l.Allow(t.Context(), wide, narrow)
		}
		d, _ := l.Allow(t.Context(), wide)
		if !d.Allowed || d.Remaining != 7 {
			t.Errorf("after 2 admitted and 6 refused: %+v, want 7 left of 10", d)
		}
	})
	t.Run("the worst decision is shown and all are told", func(t *testing.T) {
		t.Parallel()
		l := make(t)
		a, b := cache.Check{Key: "k", Limit: hour("a", 5)}, cache.Check{Key: "k", Limit: hour("b", 2)}
		worst, all := l.Allow(t.Context(), a, b)
		if !worst.Allowed || worst.Limit.Name != "b" || worst.Remaining != 1 || len(all) != 2 || all[0].Remaining != 4 {
			t.Errorf("first: %+v, %+v", worst, all)
		}
		l.Allow(t.Context(), a, b)
		worst, all = l.Allow(t.Context(), a, b)
		if worst.Allowed || worst.Limit.Name != "b" || !all[0].Allowed || all[0].Remaining != 3 {
			t.Errorf("third: %+v, %+v", worst, all)
		}
		if worst.RetryAfter < 29*time.Minute || worst.RetryAfter > 30*time.Minute {
			t.Errorf("2 an hour: again after %s, want about 30 min", worst.RetryAfter)
		}
	})
	t.Run("keys and names are apart", func(t *testing.T) {
		t.Parallel()
		l := make(t)
		for _, c := range []cache.Check{{Key: "x", Limit: hour("a", 1)}, {Key: "y", Limit: hour("a", 1)}, {Key: "x", Limit: hour("b", 1)}} {
			if d, _ := l.Allow(t.Context(), c); !d.Allowed {
				t.Errorf("%s of %s was refused", c.Key, c.Limit.Name)
			}
		}
	})
	t.Run("time gives back", func(t *testing.T) {
		t.Parallel()
		l := make(t)
		c := cache.Check{Key: "x", Limit: cache.Limit{Name: "quick", Rate: 100, Per: time.Second, Burst: 2}}
		l.Allow(t.Context(), c)
		l.Allow(t.Context(), c)
		refused, _ := l.Allow(t.Context(), c)
		if refused.Allowed || refused.RetryAfter <= 0 || refused.RetryAfter > 10*time.Millisecond {
			t.Fatalf("third of a burst of 2: %+v", refused)
		}
		limit := time.After(2 * time.Second)
		for {
			if d, _ := l.Allow(t.Context(), c); d.Allowed {
				return
			}
			select {
			case <-limit:
				t.Fatal("never allowed again")
			case <-time.After(refused.RetryAfter):
			}
		}
	})
	t.Run("no limits, no refusal", func(t *testing.T) {
		t.Parallel()
		if d, all := make(t).Allow(t.Context()); !d.Allowed || all != nil {
			t.Errorf("got %+v, %+v", d, all)
		}
	})
}

func TestLimiter_local(t *testing.T) {
	t.Parallel()
	behaviour(t, func(*testing.T) *cache.Limiter { return cache.NewLimiter(nil, "test", quiet()) })
}

func TestLimiter_redis(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	var n atomic.Int32
	behaviour(t, func(*testing.T) *cache.Limiter {
		return cache.NewLimiter(rdb, "test"+strconv.Itoa(int(n.Add(1))), quiet())
	})
}

func TestLimiter_leavesNoKeyWithoutAnEnd(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	l := cache.NewLimiter(rdb, "ttl", quiet())
	for i := range 50 {
		l.Allow(t.Context(), cache.Check{Key: strconv.Itoa(i), Limit: hour("a", 10)}, cache.Check{Key: "u", Limit: hour("b", 100)})
	}
	keys, err := rdb.Keys(t.Context(), "{ttl}*").Result()
	if err != nil || len(keys) != 51 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, key := range keys {
		if ttl := rdb.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Hour {
			t.Errorf("%s lives %s", key, ttl)
		}
	}
}

// putBack makes what Redis holds what it is after its clock was put back by a day.
func putBack(t *testing.T, rdb redis.UniversalClient, keys string) string {
	t.Helper()
	found, err := rdb.Keys(t.Context(), keys).Result()
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	rdb.Set(t.Context(), found[0], time.Now().Add(24*time.Hour).UnixMicro(), 24*time.Hour)
	return found[0]
}

// A limit is closed for no longer than it can be by what was spent of it.
func TestLimiter_clockThatWasPutBack(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	l := cache.NewLimiter(rdb, "back", quiet())
	one := cache.Check{Key: "1", Limit: hour("a", 10)}
	l.Allow(t.Context(), one)
	key := putBack(t, rdb, "{back}*")
	worst, _ := l.Allow(t.Context(), one)
	if worst.Allowed || worst.RetryAfter > 6*time.Minute {
		t.Errorf("%+v", worst)
	}
	if ttl := rdb.PTTL(t.Context(), key).Val(); ttl > time.Hour {
		t.Errorf("closed for %s", ttl)
	}
}

func TestLimiter_staysLimitedWhenRedisIsLost(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	log, lines := recorded()
	l := cache.NewLimiter(open(t, server.URL()), "lost", log)
	check := cache.Check{Key: "a", Limit: hour("a", 100)}
	one := []*cache.Limiter{l}
	if got := spend(t.Context(), 50, one, check); got != 50 || !l.Shared() {
		t.Fatalf("with Redis: %d of 50, shared %v", got, l.Shared())
	}
	server.Stop()
	begin := time.Now()
	if got := spend(t.Context(), 500, one, check); got < 99 || got > 101 {
		t.Errorf("without Redis: %d admitted of 500, want the limit of 100", got)
	}
	t.Logf("500 decisions without Redis took %s", time.Since(begin))
	if l.Shared() {
		t.Error("still says that the limits are shared")
	}
	server.Start()
	limit := time.After(10 * time.Second)
	for !l.Shared() {
		l.Allow(t.Context(), cache.Check{Key: "b", Limit: hour("a", 1000)})
		select {
		case <-limit:
			t.Fatal("Redis is back and not used")
		case <-time.After(20 * time.Millisecond):
		}
	}
	if got := lines(); len(got) != 2 || got[0] != "redis is away" || got[1] != "redis is back" {
		t.Errorf("log lines: %q, want one for each change", got)
	}
}

func BenchmarkLimiter(b *testing.B) {
	checks := []cache.Check{{Key: "203.0.113.9", Limit: hour("address", 1<<40)}, {Key: "user1", Limit: hour("user", 1<<40)}}
	b.Run("local", func(b *testing.B) {
		l := cache.NewLimiter(nil, "bench", quiet())
		b.ReportAllocs()
		for b.Loop() {
			l.Allow(b.Context(), checks...)
		}
	})
	b.Run("redis", func(b *testing.B) {
		l := cache.NewLimiter(open(b, testkit.StartRedis(b).URL()), "bench", quiet())
		b.ReportAllocs()
		for b.Loop() {
			l.Allow(b.Context(), checks...)
		}
	})
}
