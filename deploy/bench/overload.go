package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A service that does so much at once and no more; the rest waits its turn.
const (
	slots    = 20
	oneTakes = 10 * time.Millisecond
)

// benchOverload sends twice as much as the service behind the gateway can do:
// what it can do is to be done, quickly, and the rest to be refused at once.
func benchOverload(ctx context.Context, b *bench) error {
	w := &gateways{bench: b}
	if err := w.overloadable(ctx); err != nil {
		return err
	}
	capacity, err := b.press(ctx, "http://"+w.up.addr+plainPath, w.up.host, w.headers)
	if err != nil {
		return err
	}
	gateway, err := w.ours(ctx, nil)
	if err != nil {
		return err
	}
	s := newSurge(gateway.address(), w.requests)
	defer s.close()
	s.send(ctx, capacity.perSecond/2, time.Second)() // warms up
	base := s.send(ctx, capacity.perSecond/2, b.length)()
	surging := s.send(ctx, capacity.perSecond*2, b.length)
	after := s.send(ctx, capacity.perSecond/2, b.length+5*time.Second)()
	surge := surging()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Printf("  the service can do %.0f a second; p99 through the gateway at half of that: %s\n", capacity.perSecond, usual(base).Round(time.Microsecond))
	fmt.Printf("  at twice that: %s\n", counts(surge))
	done, refused := latencies(surge, http.StatusOK), latencies(surge, http.StatusServiceUnavailable)
	verdict("work that the service could have done and did not", 100*(1-float64(inTime(surge, b.length))/(capacity.perSecond*b.length.Seconds())), "%", 15, "")
	verdict("p99 of what was let in, to the usual", float64(percentile(done, 0.99))/float64(usual(base)), "", 3, "")
	verdict("requests without any answer", 100*float64(len(latencies(surge, 0)))/float64(len(surge)), "%", 0, "")
	if len(refused) > 0 {
		verdict("p99 of refusals", percentile(refused, 0.99).Seconds()*1000, "ms", 50, "")
	}
	verdict("until all is as usual again", recovered(after, 3*usual(base)).Seconds(), "s", 5, "")
	verdict("most memory of codex", peakMiB(gateway.Pid()), "MiB", 128, "")
	return nil
}

// overloadable starts what the gateway needs, with the slow service as its upstream.
func (w *gateways) overloadable(ctx context.Context) error {
	var err error
	if w.program, err = w.build(ctx, "gateway"); err != nil {
		return err
	}
	w.separate()
	places := make(chan struct{}, slots)
	if w.up, err = w.slowUpstream(func() {
		places <- struct{}{}
		time.Sleep(oneTakes)
		<-places
	}); err != nil {
		return err
	}
	if err := w.sign(); err != nil {
		return err
	}
	w.redis, err = w.bench.redis(ctx)
	return err
}

// usual is the p99 of the good answers.
func usual(seen []outcome) time.Duration { return percentile(latencies(seen, http.StatusOK), 0.99) }

// counts tells how many got which answer.
func counts(seen []outcome) string {
	by := map[int]int{}
	for _, o := range seen {
		by[o.status]++
	}
	return fmt.Sprintf("answers by status %v (0: no answer)", by)
}
