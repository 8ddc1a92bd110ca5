package cache

import (
	"context"
	_ "embed"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	beatEvery = time.Second
	// beatsKept is how many beats a replica may miss, and how many times a smaller
	// count must be told before it is believed: a Redis that lost its data knows
	// nobody for a moment.
	beatsKept = 5
)

//go:embed replicas.lua
var replicasSource string

var replicasScript = redis.NewScript(replicasSource)

// beat counts the replicas once a second. The last count stays while Redis is away.
func (m *Meter) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	fewer := 0
	for {
		fewer = m.learn(m.count(ctx), fewer)
		select {
		case <-ctx.Done():
			m.leave(context.WithoutCancel(ctx))
			return
		case <-ticker.C:
		}
	}
}

// count returns 0 when Redis cannot tell.
func (m *Meter) count(ctx context.Context) int64 {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var n int64
	_ = m.health.Do(ctx, func(ctx context.Context) (err error) {
		n, err = replicasScript.Run(ctx, m.rdb, []string{m.replicasKey()}, m.id, (beatsKept * beatEvery).Milliseconds()).Int64()
		return err
	})
	return n
}

// learn takes a larger count at once and a smaller one when it is told again and again.
func (m *Meter) learn(n int64, fewer int) int {
	switch have := m.replicas.Load(); {
	case n == 0 || n == have:
		return 0
	case n < have && fewer < beatsKept:
		return fewer + 1
	default:
		m.replicas.Store(n)
		return 0
	}
}

func (m *Meter) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = m.health.Do(ctx, func(ctx context.Context) error {
		return m.rdb.ZRem(ctx, m.replicasKey(), m.id).Err()
	})
}

func (m *Meter) replicasKey() string { return m.prefix + "replicas" }
