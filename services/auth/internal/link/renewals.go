package link

import (
	"context"
	"fmt"
	"sync"
)

// renewals lets one renewal of an account run at a time. The zero value is ready.
type renewals struct {
	mu    sync.Mutex
	gates map[string]*gate
}

type gate struct {
	open  chan struct{} // full while somebody is inside
	users int
}

// hold waits for its turn, or for the end of ctx.
func (r *renewals) hold(ctx context.Context, id string) (release func(), err error) {
	r.mu.Lock()
	if r.gates == nil {
		r.gates = map[string]*gate{}
	}
	g := r.gates[id]
	if g == nil {
		g = &gate{open: make(chan struct{}, 1)}
		r.gates[id] = g
	}
	g.users++
	r.mu.Unlock()
	select {
	case g.open <- struct{}{}:
		return func() {
			<-g.open
			r.leave(id, g)
		}, nil
	case <-ctx.Done():
		r.leave(id, g)
		return nil, fmt.Errorf("wait for a renewal: %w", ctx.Err())
	}
}

func (r *renewals) leave(id string, g *gate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(r.gates, id)
	}
}
