package overload

import (
	"container/heap"
	"math/rand/v2"
	"os"
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
// them, and gives what became of them.
func simulate(seed uint64, s service, length time.Duration, rate func(at time.Duration) float64) []request {
	r := rand.New(rand.NewPCG(seed, 1))
	var times []time.Duration
	for at := time.Duration(0); at < length; at += time.Duration(r.ExpFloat64() / rate(at) * float64(time.Second)) {
		times = append(times, at)
	}
	return serve(r, s, times)
}

// serve lets people come at these times. Nothing here waits.
func serve(r *rand.Rand, s service, times []time.Duration) []request {
	begin := time.Unix(1_700_000_000, 0)
	now := time.Duration(0)
	a := New(Quick, func() time.Time { return begin.Add(now) })
	free := make([]time.Duration, s.slots) // when each slot is free
	var running endings
	var all []*request
	for _, at := range times {
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
	"one CPU, 0.2 ms":            {service{1, always(200 * time.Microsecond)}, 5000, 12}, // of 0.8 ms: slack is what counts
	"100 at once, around 50 ms":  {service{100, around(50 * time.Millisecond)}, 2000, 3},
	"200 at once, around 100 ms": {service{200, around(100 * time.Millisecond)}, 2000, 3},
}

// seeds are few where nobody waits for more.
func seeds() uint64 {
	if os.Getenv("CODEX_SOAK") != "" {
		return 20
	}
	return 2
}

func TestTwiceTheCapacity(t *testing.T) {
	t.Parallel()
	for name, s := range services {
		for seed := range seeds() {
			const calmed, surge, after = 10 * time.Second, 30 * time.Second, 40 * time.Second
			all := simulate(seed, s.service, after, func(at time.Duration) float64 {
				if at >= calmed && at < surge {
					return 2 * s.perSecond
				}
				return s.perSecond / 2
			})
			_, early, base := span(all, 2*time.Second, calmed)
			done, refused, p99 := span(all, calmed, surge)
			_, _, first := span(all, calmed, calmed+5*time.Second)
			_, late, again := span(all, surge+5*time.Second, after)
			goodput := float64(done) / (s.perSecond * (surge - calmed).Seconds())
			t.Logf("%-27s goodput %.2f, p99 %.2f (%.2f in the first five seconds) of %s, refused %d, recovered p99 %s", name, goodput, float64(p99)/float64(base), float64(first)/float64(base), base, refused, again)
			if early != 0 || late != 0 {
				t.Errorf("%s: %d refused before and %d after", name, early, late)
			}
			if goodput < 0.85 || float64(max(first, p99)) > s.spread*float64(base) || again > 2*base {
				t.Errorf("%s: goodput %.2f, p99 %s (%s in the first five seconds) of %s, after %s", name, goodput, p99, first, base, again)
			}
		}
	}
}

// overall simulates one rate from the start.
func overall(s service, length time.Duration, rate float64) []request {
	return simulate(7, s, length, func(time.Duration) float64 { return rate })
}

func TestOverload_fromTheFirstMomentOn(t *testing.T) {
	t.Parallel()
	s := services["20 at once, 10 ms"]
	all := overall(s.service, 60*time.Second, 2*s.perSecond)
	done, _, _ := span(all, 0, 60*time.Second)
	_, _, late := span(all, 30*time.Second, 60*time.Second)
	if goodput := float64(done) / (60 * s.perSecond); goodput < 0.85 || late > 30*time.Millisecond {
		t.Errorf("goodput %.2f, p99 in the second half %s", goodput, late)
	}
}

// A service whose work takes longer than before is not overloaded.
func TestService_thatBecomesSlowerIsLearnt(t *testing.T) {
	t.Parallel()
	slower := func(_ *rand.Rand, at time.Duration) time.Duration {
		if at > 10*time.Second {
			return 50 * time.Millisecond
		}
		return 5 * time.Millisecond
	}
	all := overall(service{500, slower}, 40*time.Second, 2000) // 10 at once, then 100
	if _, refused, _ := span(all, 0, 10*time.Second); refused != 0 {
		t.Errorf("%d refused before", refused)
	}
	if done, refused, _ := span(all, 20*time.Second, 40*time.Second); refused*100 > done {
		t.Errorf("ten seconds later %d are refused and %d done", refused, done)
	}
}

// Few requests that take long among many that do not are no overload.
func TestMixedWork_isNotRefused(t *testing.T) {
	t.Parallel()
	mixed := func(r *rand.Rand, _ time.Duration) time.Duration {
		if r.IntN(20) == 0 {
			return 300 * time.Millisecond
		}
		return 3 * time.Millisecond
	}
	all := overall(service{1000, mixed}, 60*time.Second, 500)
	if _, refused, _ := span(all, 0, time.Minute); refused != 0 {
		t.Errorf("%d refused of %d", refused, len(all))
	}
}

// work gives the limit after answers of which so many were waited for at once took so long.
func work(a *Admission, now *time.Time, atOnce int, takes, length time.Duration) int64 {
	for end := now.Add(length); now.Before(end); {
		var places []Place
		for range atOnce {
			if a.Enter() {
				places = append(places, a.Wait())
			}
		}
		*now = now.Add(takes)
		for i := range places {
			places[i].Answered()
		}
	}
	return a.Limit()
}

// A page asks for much at once, and long for nothing.
func TestCrowds_thatAreServedAtOnceAreNotRefused(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	a := New(Quick, func() time.Time { return now })
	work(a, &now, 4, 3*time.Millisecond, 2*time.Second)
	for range 20 {
		for range 8 { // now and then one
			work(a, &now, 1, 3*time.Millisecond, 3*time.Millisecond)
			now = now.Add(time.Second)
		}
		for range 3 {
			if limit := work(a, &now, calm, 3*time.Millisecond, 3*time.Millisecond); limit < calm {
				t.Fatalf("the limit is %d after a crowd that did not wait", limit)
			}
		}
	}
}

// A crowd that a slow service has worked off leaves nothing behind: the next one
// finds as much room.
func TestCrowd_afterACrowdFindsAsMuchRoom(t *testing.T) {
	t.Parallel()
	var times []time.Duration
	for at := time.Duration(0); at < 10*time.Second; at += 100 * time.Millisecond {
		times = append(times, at)
	}
	for crowd := range 20 {
		for range 20 + crowd*2 {
			times = append(times, time.Duration(10+5*crowd)*time.Second)
		}
	}
	for _, q := range serve(rand.New(rand.NewPCG(1, 1)), service{2, always(25 * time.Millisecond)}, times) {
		if q.refused {
			t.Fatalf("who came at %s is refused", q.came)
		}
	}
}

func TestVital_isRefusedLast(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]bool{Quick: true, Vital: false} {
		now := time.Unix(0, 0)
		a := New(kind, func() time.Time { return now })
		work(a, &now, 40, 10*time.Millisecond, 5*time.Second)
		limit := work(a, &now, 400, 40*time.Millisecond, 300*time.Millisecond) // before that is the usual time
		if refuses := limit < 100; refuses != want {
			t.Errorf("kind %d: the limit is %d after answers became four times as slow", kind, limit)
		}
	}
}

func TestPlace_comesBackOnce(t *testing.T) {
	t.Parallel()
	a := New(Quick, time.Now)
	p := a.Wait()
	p.Answered()
	p.Leave()
	q := a.Wait()
	q.Leave()
	q.Answered()
	var none Place
	none.Answered()
	none.Leave()
	if n := a.Waiting(); n != 0 {
		t.Errorf("%d places are taken", n)
	}
}

func TestAdmission_costsNoMemory(t *testing.T) {
	a := New(Quick, time.Now)
	if n := testing.AllocsPerRun(1000, func() {
		if a.Enter() {
			p := a.Wait()
			p.Answered()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdmission(b *testing.B) {
	a := New(Quick, time.Now)
	for b.Loop() {
		if a.Enter() {
			p := a.Wait()
			p.Answered()
		}
	}
}
