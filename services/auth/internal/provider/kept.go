package provider

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// keptLife is how long what a provider tells of itself is believed; cooldown is
// the least time between two fetches that somebody's odd token caused.
const (
	keptLife = time.Hour
	cooldown = 10 * time.Second
)

// kept is something that is fetched when it is needed and then kept for a while.
// A fetch that fails leaves the last good value in force, and is tried again by
// the next who needs it.
type kept[T any] struct {
	fetch func(ctx context.Context) (T, error)
	now   func() time.Time
	gate  chan struct{} // held by the one who fetches

	mu      sync.Mutex
	value   T
	version int // of the value; 0: there is none
	fetched time.Time
	renewed time.Time
}

func newKept[T any](now func() time.Time, fetch func(ctx context.Context) (T, error)) *kept[T] {
	return &kept[T]{fetch: fetch, now: now, gate: make(chan struct{}, 1)}
}

// get gives the value and its version.
func (k *kept[T]) get(ctx context.Context) (T, int, error) {
	value, version, at := k.current()
	if version > 0 && k.now().Sub(at) < keptLife {
		return value, version, nil
	}
	if err := k.refetch(ctx, version); err != nil && version == 0 {
		return value, 0, err
	}
	value, version, _ = k.current()
	return value, version, nil
}

// renew fetches once more because a version did not do. It tells whether there is
// another one now.
func (k *kept[T]) renew(ctx context.Context, seen int) (T, bool) {
	k.mu.Lock()
	due := k.version == seen && k.now().Sub(k.renewed) >= cooldown
	if due {
		k.renewed = k.now()
	}
	k.mu.Unlock()
	if due {
		_ = k.refetch(ctx, seen) // a failure is as good as no other version
	}
	value, version, _ := k.current()
	return value, version != seen
}

func (k *kept[T]) current() (T, int, time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value, k.version, k.fetched
}

// refetch replaces a version, unless somebody else did meanwhile.
func (k *kept[T]) refetch(ctx context.Context, seen int) error {
	select {
	case k.gate <- struct{}{}:
		defer func() { <-k.gate }()
	case <-ctx.Done():
		return fmt.Errorf("wait for a fetch: %w", ctx.Err())
	}
	if _, version, _ := k.current(); version != seen {
		return nil
	}
	value, err := k.fetch(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.value, k.version, k.fetched = value, k.version+1, k.now()
	return nil
}
