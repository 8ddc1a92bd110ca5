package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrDown is given without asking while Redis is known to be away.
var ErrDown = errors.New("redis is away")

// probeEvery is how often a Redis that is away is asked again. One caller pays
// the time-out of that question, all others go on at once.
const probeEvery = 250 * time.Millisecond

// Health remembers that Redis is away, so that a lost Redis costs one time-out
// four times a second and not one for each request.
type Health struct {
	name string
	log  *slog.Logger

	mu   sync.RWMutex
	down bool
	next time.Time // of the next question while down
}

// NewHealth names the user of Redis for the log ("rate limits").
func NewHealth(name string, log *slog.Logger) *Health {
	return &Health{name: name, log: log}
}

// Up tells whether the last question was answered.
func (h *Health) Up() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return !h.down
}

// Do calls f unless Redis is known to be away (ErrDown). f's error is returned;
// redis.Nil and answers of the server are no sign of its being away, nor is a
// caller who left.
func (h *Health) Do(ctx context.Context, f func(context.Context) error) error {
	if !h.admit() {
		return ErrDown
	}
	err := f(ctx)
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		h.set(ctx, false, nil)
	case ctx.Err() != nil: // the caller's end, not Redis's
	case away(err):
		h.set(ctx, true, err)
	}
	return err
}

// admit lets everyone through while Redis is up, else one caller per probeEvery.
func (h *Health) admit() bool {
	h.mu.RLock()
	down := h.down
	h.mu.RUnlock()
	if !down {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); !h.down || now.After(h.next) {
		h.next = now.Add(probeEvery)
		return true
	}
	return false
}

func (h *Health) set(ctx context.Context, down bool, err error) {
	if !down && h.Up() {
		return
	}
	h.mu.Lock()
	changed := h.down != down
	h.down, h.next = down, time.Now().Add(probeEvery)
	h.mu.Unlock()
	switch {
	case changed && down:
		h.log.WarnContext(ctx, "redis is away", "used_for", h.name, "err", err)
	case changed:
		h.log.InfoContext(ctx, "redis is back", "used_for", h.name)
	}
}

// away tells a server that cannot be used now from one that answered "no": what
// Redis replies has the type redis.Error, except the replies that mean "not now".
func away(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return true
	}
	for _, prefix := range []string{"LOADING ", "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "OOM ", "MISCONF ", "NOREPLICAS ", "NOAUTH ", "WRONGPASS "} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}
