package cache

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// linger gathers wishes that nobody waits for into one trip.
	linger = 10 * time.Millisecond
	// tripKeys bounds one trip: more wait for the next.
	tripKeys = 512
)

//go:embed lease.lua
var leaseSource string

var leaseScript = redis.NewScript(leaseSource)

// trips gathers asks: one trip is under way at a time, and all that is asked
// meanwhile goes with the next.
type trips struct {
	mu     sync.Mutex
	queue  []*ask
	flying bool
	hurry  chan struct{} // somebody waits
}

func (m *Meter) enqueue(a *ask, hurry bool) {
	t := &m.trips
	t.mu.Lock()
	t.queue = append(t.queue, a)
	start := !t.flying
	t.flying = true
	t.mu.Unlock()
	if hurry {
		m.hasten()
	}
	if start {
		go m.fly()
	}
}

func (m *Meter) hasten() {
	select {
	case m.trips.hurry <- struct{}{}:
	default:
	}
}

// fly goes on until nobody asks any more.
func (m *Meter) fly() {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		timer.Reset(linger)
		select {
		case <-m.trips.hurry:
		case <-timer.C:
		}
		batch := m.trips.take()
		if batch == nil {
			return
		}
		m.trip(batch)
	}
}

func (t *trips) take() []*ask {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(len(t.queue), tripKeys)
	if n == 0 {
		t.queue, t.flying = nil, false
		return nil
	}
	batch := t.queue[:n:n]
	if t.queue = t.queue[n:]; len(t.queue) > 0 {
		select { // the rest has waited long enough
		case t.hurry <- struct{}{}:
		default:
		}
	}
	return batch
}

// trip brings one batch to Redis in one pipeline, and every ask its answer.
func (m *Meter) trip(batch []*ask) {
	for _, a := range batch {
		a.seal()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sent := m.now()
	rest := batch
	err := m.health.Do(ctx, func(ctx context.Context) (err error) {
		rest, err = m.send(ctx, rest, sent, leaseScript.EvalSha)
		if redis.HasErrorPrefix(err, "NOSCRIPT") { // a Redis that was started anew
			rest, err = m.send(ctx, rest, sent, leaseScript.Eval)
		}
		return err
	})
	for _, a := range rest {
		a.fail(err)
	}
}

type eval func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd

// send returns the asks that got no answer, with the first reason.
func (m *Meter) send(ctx context.Context, batch []*ask, sent int64, run eval) (rest []*ask, err error) {
	replies := make([]*redis.Cmd, len(batch))
	replicas := m.replicas.Load()
	_, _ = m.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each reply has its own error
		for i, a := range batch {
			b := a.bucket
			replies[i] = run(ctx, p, []string{m.prefix + b.limit.Name + ":" + b.key},
				b.interval/int64(time.Microsecond), b.limit.burst(), a.seats, a.want, replicas)
		}
		return nil
	})
	for i, a := range batch {
		got, bad := readAnswer(replies[i])
		if bad == nil {
			a.settle(got, sent)
			continue
		}
		rest = append(rest, a)
		if err == nil {
			err = bad
		}
	}
	return rest, err
}

func readAnswer(reply *redis.Cmd) (answer, error) {
	n, err := reply.Int64Slice()
	if err != nil {
		return answer{}, fmt.Errorf("lease limits: %w", err)
	}
	if len(n) != 4 {
		return answer{}, fmt.Errorf("lease limits: %d numbers", len(n))
	}
	return answer{
		served: n[0], spare: n[1],
		arrival: time.Duration(n[2]) * time.Microsecond,
		wait:    time.Duration(n[3]) * time.Microsecond,
	}, nil
}
