package gateway_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// Auth's key changes under load, as often as there is time: the next one is shown
// before it signs, the last one goes when nobody has a token of it any more.
func TestKeyRotation_noRequestFails(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	g := run(t, i.auth(t).URL, service(t, answers).URL)
	here := func(int) string { return g.addr }
	var seen tally
	var request atomic.Pointer[string]
	renew := func() {
		line := get(i.token(t, "u1"))
		request.Store(&line)
	}
	renew()
	stop := make(chan struct{})
	load := seen.asking(t, 16, stop, here, func(int) string { return *request.Load() })
	rotations := 0
	for rotations < 2 || seen.all.Load() < int64(size(5000, 120_000)) {
		rotations++
		next := i.add(t, fmt.Sprint("k", rotations+1))
		early, look := get(signed(t, next, "u2")), time.NewTicker(time.Second)
		for g.ask(early).StatusCode != http.StatusOK { // it makes the gateway look, which else does so once a minute
			<-look.C
		}
		look.Stop()
		i.sign(next)
		renew()
		before := seen.all.Load()
		eventually(t, "the last token's requests to end", func() bool { return seen.all.Load() > before+500 })
		i.mu.Lock()
		i.shown = i.shown[1:]
		i.mu.Unlock()
	}
	close(stop)
	load.Wait()
	t.Logf("FIGURE %d rotations of auth's key: %s", rotations, &seen)
	if seen.failed() != 0 {
		t.Errorf("failed: %v", seen.bad)
	}
}
