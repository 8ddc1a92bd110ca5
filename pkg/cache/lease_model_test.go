package cache

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// modelRedis is lease.lua in Go, on a clock of the test's own, in microseconds.
type modelRedis struct{ arrival, interval, burst, replicas int64 }

func (r *modelRedis) lease(now, seats, want int64) answer {
	whole := r.interval * r.burst
	from := min(max(r.arrival, now), now+whole)
	left := (whole - (from - now)) / r.interval
	served := min(seats, left)
	left -= served
	var spare int64
	if want > 0 {
		fades := max(0, 3_000_000-(from-now)) / r.interval
		most := max(r.burst/(20*r.replicas), 100_000/r.interval)
		spare = min(want+fades, left/(2*r.replicas), most)
	}
	r.arrival = from + (served+spare)*r.interval
	return answer{
		served: served, spare: spare,
		arrival: time.Duration(r.arrival-now) * time.Microsecond,
		wait:    time.Duration(max(0, r.arrival+r.interval-now-whole)) * time.Microsecond,
	}
}

// world is some gateways, each with a clock of its own, and the model of Redis.
type world struct {
	rng      *rand.Rand
	now      int64 // microseconds
	redis    modelRedis
	gateways []*modelGateway
	admitted []int64 // when, in microseconds
	asked    int
}

type modelGateway struct {
	bucket  *Bucket
	offset  int64 // nanoseconds its clock is ahead
	demand  float64
	sent    *ask
	sentAt  int64 // on its own clock
	reached bool  // Redis has decided, the answer is under way
	got     answer
	seated  int64 // when Redis served those who wait
}

func newWorld(seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	limit := &Limit{
		Name: "model", Rate: 1 + rng.IntN(2000),
		Per: []time.Duration{time.Second, time.Minute}[rng.IntN(2)], Burst: 1 + rng.IntN(1000),
	}
	n := 1 + rng.IntN(5)
	// Gateways may be wrong about how many they are: that costs a share, never the limit.
	w := &world{rng: rng, now: 1 << 40, redis: modelRedis{
		interval: limit.interval().Microseconds(), burst: int64(limit.burst()), replicas: 1 + rng.Int64N(5),
	}}
	rate := float64(limit.Rate) / limit.Per.Seconds()
	for range n {
		m := NewMeter(nil, MeterSettings{}, slog.New(slog.DiscardHandler))
		m.trips.flying = true // the test carries what is asked
		w.gateways = append(w.gateways, &modelGateway{
			bucket: m.Bucket(limit, "k"), offset: rng.Int64N(1 << 50),
			demand: rate * rng.Float64() * 4 / float64(n),
		})
	}
	return w
}

func (g *modelGateway) clock(w *world) int64 { return w.now*1000 + g.offset }

// request is one call at a gateway; some are undone, as another limit refused them.
func (w *world) request(g *modelGateway) {
	w.asked++
	if _, ok := g.bucket.spend(g.clock(w)); ok {
		if w.rng.IntN(10) == 0 && g.bucket.lease.Load().giveBack(g.bucket.interval) {
			return
		}
		w.admitted = append(w.admitted, w.now)
		return
	}
	if g.clock(w) < g.bucket.refused.Load() {
		return
	}
	g.bucket.mu.Lock()
	g.bucket.joined(true)
	g.bucket.mu.Unlock()
}

// travel moves what is asked towards Redis, or the answer back. Each way may last.
func (w *world) travel(g *modelGateway) {
	switch {
	case g.sent == nil && g.bucket.queued != nil:
		g.sent, g.sentAt, g.reached = g.bucket.queued, g.clock(w), false
		g.sent.seal()
	case g.sent == nil:
	case !g.reached:
		g.got, g.reached = w.redis.lease(w.now, g.sent.seats, g.sent.want), true
		w.now++ // a moment of its own, by which the seats are found again
		for range g.got.served {
			w.admitted = append(w.admitted, w.now)
		}
		g.seated = w.now
	default:
		g.sent.settle(g.got, g.sentAt)
		if g.got.served > 0 && w.rng.IntN(10) == 0 && g.bucket.lease.Load().giveBack(g.bucket.interval) {
			i := slices.Index(w.admitted, g.seated)
			w.admitted = slices.Delete(w.admitted, i, i+1)
		}
		g.sent = nil
	}
}

// run lets gateways ask, idle and wait in any order.
func (w *world) run(steps int) {
	for range steps {
		w.now += w.rng.Int64N(2 * max(1, w.redis.interval/4))
		if w.rng.IntN(500) == 0 {
			w.now += w.rng.Int64N(w.redis.interval * w.redis.burst) // a quiet time
		}
		g := w.gateways[w.rng.IntN(len(w.gateways))]
		if w.rng.Float64() < 0.5 {
			w.travel(g)
			continue
		}
		for range 1 + w.rng.IntN(1+int(min(g.demand, 50))) {
			w.request(g)
		}
	}
}

// excess is by how many microseconds any window held more than burst + rate*window.
func (w *world) excess() int64 {
	slices.Sort(w.admitted)
	var arrival, most int64
	for _, at := range w.admitted {
		arrival = max(arrival, at) + w.redis.interval
		most = max(most, arrival-at-w.redis.burst*w.redis.interval)
	}
	return most
}

func TestLease_noWindowHoldsMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	var asked, admitted int
	for seed := range uint64(300) {
		w := newWorld(seed)
		w.run(4000)
		asked, admitted = asked+w.asked, admitted+len(w.admitted)
		if more := w.excess(); more > 0 {
			t.Errorf("seed %d, %d gateways, %+v: %.2f requests above the limit", seed, len(w.gateways), w.redis, float64(more)/float64(w.redis.interval))
		}
	}
	t.Logf("300 worlds: %d asked, %d admitted, no window above its limit", asked, admitted)
}
