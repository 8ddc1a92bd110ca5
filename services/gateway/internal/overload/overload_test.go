package overload

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// service is a simulated one: so many at once, the rest waits its turn there.
type service struct {
	slots int
	takes func(r *rand.Rand, at time.Duration) time.Duration
}

func always(d time.Duration) func(*rand.Rand, time.Duration) time.Duration {
	return func(*rand.Rand, time.Duration) time.Duration { return d }
}

// around is exponential: a mean says little about one.
func around(d time.Duration) func(*rand.Rand, time.Duration) time.Duration {
	return func(r *rand.Rand, _ time.Duration) time.Duration {
		return time.Duration(r.ExpFloat64() * float64(d))
	}
}

// request is one in the simulation.
type request struct {
	came, done time.Duration
	refused    bool
}

type ending struct {
	at    time.Duration
	place Place
	of    *request
}

type endings []ending

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].at < e[j].at }
func (e endings) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *endings) Push(x any)        { *e = append(*e, x.(ending)) }
func (e *endings) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// simulate lets people come at a rate that changes with time, whatever becomes of
// them, and gives what became of them. Nothing here waits.
func simulate(seed uint64, s service, length time.Duration, rate func(at time.Duration) float64) []request {
	r := rand.New(rand.NewPCG(seed, 1))
	begin := time.Unix(1_700_000_000, 0)
	now := time.Duration(0)
	a := New(Quick, func() time.Time { return begin.Add(now) })
	free := make([]time.Duration, s.slots) // when each slot is free
	var running endings
	var all []*request
	for at := time.Duration(0); at < length; at += time.Duration(r.ExpFloat64() / rate(at) * float64(time.Second)) {
		for len(running) > 0 && running[0].at <= at {
			e := heap.Pop(&running).(ending)
			now = e.at
			e.place.Answered()
		}
		now = at
		q := &request{came: at}
		all = append(all, q)
		if q.refused = !a.Enter(); q.refused {
			continue
		}
		slot := slices.Index(free, slices.Min(free))
		free[slot] = max(free[slot], at) + s.takes(r, at)
		q.done = free[slot]
		heap.Push(&running, ending{q.done, a.Wait(), q})
	}
	out := make([]request, len(all))
	for i, q := range all {
		out[i] = *q
	}
	return out
}

// span sums up the requests that came between two times.
func span(all []request, from, to time.Duration) (done, refused int, p99 time.Duration) {
	var took []time.Duration
	for _, q := range all {
		if q.came < from || q.came >= to {
			continue
		}
		if q.refused {
			refused++
			continue
		}
		took = append(took, q.done-q.came)
	}
	slices.Sort(took)
	if len(took) > 0 {
		p99 = took[len(took)*99/100]
	}
	return len(took), refused, p99
}

var services = map[string]struct {
	service
	perSecond float64 // what it can do
	spread    float64 // how far the p99 is allowed from the usual: queueing of uneven work adds its own
}{
	"20 at once, 10 ms":          {service{20, always(10 * time.Millisecond)}, 2000, 3},
	"40 at once, 5 ms":           {service{40, always(5 * time.Millisecond)}, 8000, 3},
	"one CPU, 0.2 ms":            {service{1, always(200 * time.Microsecond)}, 5000, 40}, // 16 at once is 3.2 ms: the floor
	"100 at once, around 50 ms":  {service{100, around(50 * time.Millisecond)}, 2000, 3},
	"200 at once, around 100 ms": {service{200, around(100 * time.Millisecond)}, 2000, 3},
}

func TestTwiceTheCapacity(t *testing.T) {
	t.Parallel()
	for name, s := range services {
		for seed := range uint64(5) {
			const calmed, surge, after = 10 * time.Second, 30 * time.Second, 40 * time.Second
			all := simulate(seed, s.service, after, func(at time.Duration) float64 {
				if at >= calmed && at < surge {
					return 2 * s.perSecond
				}
				return s.perSecond / 2
			})
			_, early, base := span(all, 2*time.Second, calmed)
			done, refused, p99 := span(all, calmed, surge)
			_, late, again := span(all, surge+5*time.Second, after)
			goodput := float64(done) / (s.perSecond * (surge - calmed).Seconds())
			t.Logf("%-27s goodput %.2f, p99 %.1f of %s, refused %d, recovered p99 %s", name, goodput, float64(p99)/float64(base), base, refused, again)
			if early != 0 || late != 0 {
				t.Errorf("%s: %d refused before and %d after", name, early, late)
			}
			if goodput < 0.85 || float64(p99) > s.spread*float64(base) || again > 2*base {
				t.Errorf("%s: goodput %.2f, p99 %s of %s, after %s", name, goodput, p99, base, again)
			}
		}
	}
}
