package cache_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
)

// paced calls f every tick from each of the workers for as long as it lasts.
func paced(workers int, tick, lasts time.Duration, f func(worker, i int)) {
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			ticker := time.NewTicker(tick)
			defer ticker.Stop()
			end := time.After(lasts)
			for i := 0; ; i++ {
				f(worker, i)
				select {
				case <-ticker.C:
				case <-end:
					return
				}
			}
		})
	}
	all.Wait()
}

func TestMeter_isNeitherClosedNorOpenWhateverHappensToRedis(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(context.Context, *testkit.RedisServer, redis.UniversalClient){
		"killed":          func(_ context.Context, s *testkit.RedisServer, _ redis.UniversalClient) { s.Stop() },
		"killed and back": func(_ context.Context, s *testkit.RedisServer, _ redis.UniversalClient) { s.Stop(); s.Start() },
		"paused for 700 ms": func(ctx context.Context, _ *testkit.RedisServer, c redis.UniversalClient) {
			c.Do(ctx, "CLIENT", "PAUSE", 700, "ALL")
		},
		"flushed": func(ctx context.Context, _ *testkit.RedisServer, c redis.UniversalClient) { c.FlushAll(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartRedis(t)
			meters := []*cache.Meter{newMeter(t, open(t, server.URL()), 2), newMeter(t, open(t, server.URL()), 2)}
			wide, narrow := hour("wide", 100_000), hour("narrow", 100)
			var asked, fine, before, after, slowest atomic.Int64
			var struck atomic.Bool
			go func() {
				<-time.After(400 * time.Millisecond)
				struck.Store(true)
				fault(context.Background(), server, open(t, server.URL()))
			}()
			paced(40, 2*time.Millisecond, 1500*time.Millisecond, func(worker, i int) {
				m, now := meters[worker%2], time.Now()
				asked.Add(1)
				if m.Bucket(&wide, strconv.Itoa((worker+i)%50)).Take(t.Context(), now).Allowed {
					fine.Add(1)
				}
				if took := int64(time.Since(now)); took > slowest.Load() {
					slowest.Store(took)
				}
				key, count := "before", &before
				if struck.Load() && i%2 == 0 {
					key, count = "after", &after
				}
				if m.Bucket(&narrow, key).Take(t.Context(), now).Allowed {
					count.Add(1)
				}
			})
			t.Logf("Redis %s: %d of %d requests fine, slowest %s; of limits of 100 in an hour two gateways admitted %d (spent before) and %d (after)",
				name, fine.Load(), asked.Load(), time.Duration(slowest.Load()), before.Load(), after.Load())
			if 1000*fine.Load() < 999*asked.Load() {
				t.Errorf("%d of %d requests were fine", fine.Load(), asked.Load())
			}
			for _, n := range []int64{before.Load(), after.Load()} {
				if n < 95 || n > 200 { // begun anew at most once
					t.Errorf("of a limit of 100: %d", n)
				}
			}
		})
	}
}

// pipelines counts the trips to Redis.
type pipelines struct{ trips, commands atomic.Int64 }

func (*pipelines) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*pipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (p *pipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "evalsha" {
			p.trips.Add(1)
			p.commands.Add(int64(len(cmds)))
		}
		return next(ctx, cmds)
	}
}

func TestMeter_takesManyUsersInOneTrip(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	var seen pipelines
	rdb.AddHook(&seen)
	m := newMeter(t, rdb, 2)
	user := cache.Limit{Name: "user", Rate: 6000, Per: time.Minute}
	var requests, refused atomic.Int64
	paced(10, time.Millisecond, 2*time.Second, func(worker, i int) {
		requests.Add(1)
		if !m.Bucket(&user, strconv.Itoa(worker*100+i%100)).Take(t.Context(), time.Now()).Allowed {
			refused.Add(1)
		}
	})
	n := float64(requests.Load())
	perThousand := func(x int64) float64 { return 1000 * float64(x) / n }
	t.Logf("1,000 users, %.0f requests: for 1,000 requests %.0f trips with %.0f leases in all",
		n, perThousand(seen.trips.Load()), perThousand(seen.commands.Load()))
	if refused.Load() > 0 || perThousand(seen.trips.Load()) > 300 {
		t.Errorf("%d refused, %.0f trips for 1,000 requests", refused.Load(), perThousand(seen.trips.Load()))
	}
}

func TestMeter_exactLimitsLeaseNothing(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	var seen pipelines
	rdb.AddHook(&seen)
	meters := []*cache.Meter{newMeter(t, rdb, 2), newMeter(t, rdb, 2)}
	l := hour("exact", 1000)
	l.Exact = true
	b := meters[0].Bucket(&l, "k")
	for range 50 {
		b.Take(t.Context(), time.Now())
	}
	if n := seen.commands.Load(); n != 50 {
		t.Errorf("50 requests were %d questions to Redis", n)
	}
	if d := meters[1].Bucket(&l, "k").Take(t.Context(), time.Now()); d.Remaining != 949 {
		t.Errorf("the other gateway sees %+v", d)
	}
	if got := press(t.Context(), 4000, meters, &l, "k"); got != 949 {
		t.Errorf("admitted %d of the 949 that were left", got)
	}
}

func TestMeter_learnsHowManyShareTheLimits(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	meters := []*cache.Meter{newMeter(t, open(t, server.URL()), 0), newMeter(t, open(t, server.URL()), 0), newMeter(t, open(t, server.URL()), 0)}
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	patience := time.After(20 * time.Second)
	for _, m := range meters {
		for m.KnownReplicas() != len(meters) {
			select {
			case <-look.C:
			case <-patience:
				t.Fatalf("one of three gateways counts %d", m.KnownReplicas())
			}
		}
	}
	server.Stop() // the count stays
	l := hour("thirds", 300)
	if got := press(t.Context(), 2000, meters, &l, "k"); got != 300 {
		t.Errorf("three gateways without Redis admitted %d of a limit of 300", got)
	}
}
