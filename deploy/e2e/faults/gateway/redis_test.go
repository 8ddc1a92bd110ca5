package gateway_test

import (
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
)

// One user asks for far more than the limit at two gateways.
func TestTwoGateways_shareALimit(t *testing.T) {
	t.Parallel()
	const limit = 2000
	i := newIssuer(t)
	auth, storage, redis := i.auth(t), service(t, answers), testkit.StartRedis(t)
	gateways := pair(t, auth.URL, storage.URL, "REDIS_URL="+redis.URL(), fmt.Sprintf("LIMIT_API=%d/1h", limit))
	var seen tally
	stop, began := make(chan struct{}), time.Now()
	load := seen.clients(t, 8, stop, anyOf(gateways), get(i.token(t, "greedy")))
	eventually(t, "far too many requests", func() bool { return seen.all.Load() > 3*limit })
	close(stop)
	load.Wait()
	admitted := seen.good.Load()
	t.Logf("FIGURE a limit of %d at two gateways, %d requests: %d admitted", limit, seen.all.Load(), admitted)
	if admitted > limit+earned(limit, began) || admitted < limit*95/100 {
		t.Errorf("%d of %d", admitted, limit)
	}
}

// earned is what a limit of so many an hour gives back since then.
func earned(limit int64, since time.Time) int64 {
	return int64(math.Ceil(float64(limit) * time.Since(since).Hours()))
}

func pair(t *testing.T, auth, storage string, settings ...string) []*gateway {
	t.Helper()
	return []*gateway{run(t, auth, storage, settings...), run(t, auth, storage, settings...)}
}

func anyOf(gateways []*gateway) func(turn int) string {
	return func(turn int) string { return gateways[turn%len(gateways)].addr }
}

// Whatever becomes of Redis under load: people go on, and who is over the limit
// stays limited.
func TestRedisFails_limitsStayOnAndPeopleGoOn(t *testing.T) {
	t.Parallel()
	const limit = 1000
	for name, fault := range map[string]func(t *testing.T, s *testkit.RedisServer){
		"killed":            func(_ *testing.T, s *testkit.RedisServer) { s.Stop() },
		"killed and back":   func(_ *testing.T, s *testkit.RedisServer) { s.Stop(); s.Start() },
		"paused for 700 ms": func(t *testing.T, s *testkit.RedisServer) { s.Client().Do(t.Context(), "CLIENT", "PAUSE", 700, "ALL") },
		"flushed":           func(t *testing.T, s *testkit.RedisServer) { s.Client().FlushAll(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			auth, storage, redis := i.auth(t), service(t, answers), testkit.StartRedis(t)
			gateways := pair(t, auth.URL, storage.URL, "REDIS_URL="+redis.URL(), fmt.Sprintf("LIMIT_API=%d/1h", limit))
			tokens := make([]string, size(100, 1000))
			for n := range tokens {
				tokens[n] = get(i.token(t, fmt.Sprint("user-", n)))
			}
			var people, greedy tally
			var next atomic.Int64
			stop, began := make(chan struct{}), time.Now()
			load := people.asking(t, 6, stop, anyOf(gateways), func(int) string { return tokens[next.Add(1)%int64(len(tokens))] })
			spending := greedy.clients(t, 2, stop, anyOf(gateways), get(i.token(t, "greedy")))
			eventually(t, "the limit to be spent", func() bool { return greedy.all.Load() > limit+200 })
			before := greedy.good.Load()
			fault(t, redis)
			from := people.all.Load()
			struck := time.Now()
			eventually(t, "requests after the fault", func() bool {
				return time.Since(struck) > 1500*time.Millisecond && people.all.Load() > from+int64(size(2000, 50_000))
			})
			for _, g := range gateways { // at most begun anew, and never off
				eventually(t, "the limit to be spent in the end", func() bool {
					return g.ask(get(i.token(t, "greedy"))).StatusCode == http.StatusTooManyRequests
				})
			}
			close(stop)
			load.Wait()
			spending.Wait()
			after := greedy.good.Load()
			t.Logf("FIGURE Redis %s: %s; of a limit of %d two gateways admitted %d before and %d after", name, &people, limit, before, after-before)
			if people.failed()*1000 > people.all.Load() {
				t.Errorf("people: %v", people.bad)
			}
			if back := earned(limit, began); before > limit+back || after > 2*limit+back { // begun anew at most once
				t.Errorf("%d before and %d after", before, after-before)
			}
		})
	}
}
