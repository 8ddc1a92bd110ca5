// Package overload owns how many requests of a class a service is given at once:
// so many that none waits much longer than it would alone. The others are refused
// at once, which costs little and tells the client the truth.
//
// What counts is a request that its service has and has not begun to answer. A
// slow body, a long download and a stream of events therefore hold no place.
package overload

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	floor   = 16   // at once: below this, waiting is not what makes a service slow
	calm    = 64   // while it keeps up nobody is refused below this
	start   = 256  // before anything is known
	ceiling = 1024 // as many as the way to a service takes

	window  = int64(50 * time.Millisecond)
	samples = 10 // answers that a window needs to mean anything
	// slack is a wait that is shorter than the cost of refusing. When it is the
	// gateway's own CPU that everybody waits for, a refusal costs two thirds of an
	// answer: to refuse early would leave less for the work.
	slack = 5 * float64(time.Millisecond)
	// stale is how old the usual time may be before it is looked at again.
	stale = int64(10 * time.Second)
	// headroom is how much more than the most of late may come at once.
	headroom = 2
	forget   = 0.96 // of the most of late, each window: half of it is gone after 0.85 s
)

// Kind says what becomes of a class when there is more to do than can be done.
type Kind int

// The kinds.
const (
	Quick Kind = iota // answers begin soon: refused when the mean has to wait as long again
	Vital             // refused when nothing else helps
	Free              // an answer may take what it takes: not for an Admission
)

// patience is how many times the usual the mean answer may take.
var patience = map[Kind]float64{Quick: 2, Vital: 8}

// Admission decides for the requests of one class.
type Admission struct {
	patience float64
	now      func() time.Time
	epoch    time.Time

	limit   atomic.Int64
	waiting atomic.Int64

	// What the present window has seen.
	ends    atomic.Int64
	count   atomic.Int64
	sum     atomic.Int64 // of the answers' times
	most    atomic.Int64 // waiting at once
	refused atomic.Int64
	filled  atomic.Int64 // when the limit was half reached, if it was not before
	before  atomic.Int64 // answers until then

	mu     sync.Mutex // for the rest, which only the end of a window touches
	usual  float64    // mean time of an answer when nobody waits for anybody
	seen   int64      // when that was last true
	lately float64    // the most that waited at once
	crowd  bool       // at the last window's end the limit was half reached
	probe  int        // windows left of a look at the usual time
	kept   int64      // the limit after it
}

// New makes the Admission of a class of this kind.
func New(kind Kind, now func() time.Time) *Admission {
	a := &Admission{patience: patience[kind], now: now, epoch: now(), probe: 2, kept: start}
	a.limit.Store(start)
	a.ends.Store(2 * window) // the first answers are the quickest ones
	return a
}

// Enter tells whether one more may come. It costs no allocation and takes no place.
func (a *Admission) Enter() bool {
	if a.waiting.Load() < a.limit.Load() {
		return true
	}
	a.refused.Add(1)
	return false
}

// Limit is how many may wait at once now.
func (a *Admission) Limit() int64 { return a.limit.Load() }

// Waiting is how many are waiting.
func (a *Admission) Waiting() int64 { return a.waiting.Load() }

// Place is a request's while its service has it. The zero Place is none.
type Place struct {
	of    *Admission
	since int64
}

// Wait takes a place: the service has the whole request.
func (a *Admission) Wait() Place {
	n := a.waiting.Add(1)
	for most := a.most.Load(); n > most && !a.most.CompareAndSwap(most, n); most = a.most.Load() {
	}
	now := a.clock()
	if limit := a.limit.Load(); 2*n > limit && 2*(n-1) <= limit {
		a.filled.Store(now)
		a.before.Store(a.count.Load())
	}
	return Place{a, now}
}

// Answered gives the place back: the answer has begun, or time is up.
func (p *Place) Answered() {
	a := p.of
	if a == nil {
		return
	}
	now := a.clock()
	a.sum.Add(now - p.since)
	p.Leave()
	turns := a.count.Add(1) >= samples && now >= a.ends.Load()
	idle := a.waiting.Load() == 0 && a.limit.Load() < calm
	if (turns || idle) && a.mu.TryLock() {
		if turns {
			a.turn(now)
		}
		if idle { // the crowd is worked off: the next one finds as much room
			a.probe = 0
			a.limit.Store(calm)
		}
		a.mu.Unlock()
	}
}

// Leave gives the place back where it has not been: what broke off tells nothing
// about how long an answer takes.
func (p *Place) Leave() {
	if p.of != nil {
		p.of.waiting.Add(-1)
		p.of = nil
	}
}

func (a *Admission) clock() int64 { return int64(a.now().Sub(a.epoch)) }

// turn ends a window and sets the limit for the next one.
func (a *Admission) turn(now int64) {
	waiting, limit := a.waiting.Load(), a.limit.Load()
	count, sum, most := a.count.Swap(0), a.sum.Swap(0), a.most.Swap(waiting)
	if count < samples {
		return // another turn was faster
	}
	since, answered := float64(now-a.filled.Swap(now)), count-a.before.Swap(0)
	full := a.refused.Swap(0) > 0 || most >= limit
	busy := full || 2*most > limit
	mean := max(1, float64(sum)/float64(count))
	// The mean tells of those who came before the crowd. Who comes now waits for all
	// that are here, which is known when the crowd's own answers come.
	ahead, crowd := mean, 2*waiting > limit
	unknown := crowd && !a.crowd
	if a.crowd = crowd; crowd && since >= 1.5*mean && answered >= samples {
		ahead, unknown = max(mean, float64(waiting)*since/float64(answered)), false
	}
	a.ends.Store(now + max(window, int64(3*ahead))) // the next mean must be the next limit's work
	if a.look(now, mean) {
		return
	}
	a.learn(now, mean, busy && limit > floor)
	// The limit moves to where the wait is as long as patience lasts.
	step := min(1.5, max(0.25, max(a.patience*a.usual, a.usual+slack)/ahead))
	switch {
	case unknown && step >= 1: // the next window tells
	case full || step < 1 && busy:
		a.set(float64(limit)*step, floor)
	default:
		a.lately = max(float64(most), a.lately*forget)
		a.set(headroom*a.lately, calm)
	}
	if now-a.seen > stale { // under load for long: is the service faster or slower than it was?
		a.probe, a.kept = 2, a.limit.Load()
		a.limit.Store(max(floor, a.kept/8))
	}
}

// learn keeps the usual time. It falls quickly, and rises only while nobody waits:
// else every overload would soon be usual.
func (a *Admission) learn(now int64, mean float64, busy bool) {
	switch {
	case mean <= a.usual:
		a.usual, a.seen = a.usual+(mean-a.usual)/4, now
	case !busy:
		a.usual, a.seen = a.usual+(mean-a.usual)/8, now
	}
}

// look goes on with a probe, two windows with fewer requests: those of before are
// gone after the first, and the second shows what an answer takes.
func (a *Admission) look(now int64, mean float64) bool {
	switch a.probe {
	case 0:
		return false
	case 1:
		a.usual, a.seen = mean, now
		a.limit.Store(a.kept)
	}
	a.probe--
	return true
}

func (a *Admission) set(limit float64, least int64) {
	a.limit.Store(min(ceiling, max(least, int64(limit))))
}
