package cache

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// nearTTL is how long a value in this process is believed without a look at
	// Redis, if no word of its end arrived: the 2 s of SES-06.
	nearTTL = 2 * time.Second
	// nearSilence is how long the channel may be silent until it is asked whether
	// it still is there, and again until it is taken for lost.
	nearSilence = 500 * time.Millisecond
	nearShards  = 16
	// nearMost bounds a shard, so that all of them hold about 32,000 sessions.
	nearMost = 2048
)

// near keeps values in this process, under the hash of their token. A channel of
// Redis tells every process what is over; while the channel is lost nothing here
// is believed.
type near[T any] struct {
	listening atomic.Bool
	shards    [nearShards]nearShard[T]
}

type nearShard[T any] struct {
	mu    sync.RWMutex
	epoch uint64 // grows with every drop: what was read before is not kept after
	items map[[32]byte]nearItem[T]
}

type nearItem[T any] struct {
	value T
	until time.Time
}

func (n *near[T]) shard(hash []byte) (*nearShard[T], [32]byte, bool) {
	if len(hash) != 32 {
		return nil, [32]byte{}, false
	}
	return &n.shards[hash[0]%nearShards], [32]byte(hash), true
}

// get gives a value that is believed, and the epoch for put.
func (n *near[T]) get(hash []byte, now time.Time) (value T, epoch uint64, ok bool) {
	s, key, fits := n.shard(hash)
	if !fits || !n.listening.Load() {
		return value, 0, false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	item, found := s.items[key]
	if !found || !now.Before(item.until) {
		return value, s.epoch, false
	}
	return item.value, s.epoch, true
}

// put keeps a value that was read from Redis, unless something was dropped since.
func (n *near[T]) put(hash []byte, value T, epoch uint64, now time.Time) {
	s, key, fits := n.shard(hash)
	if !fits || !n.listening.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		return
	}
	if s.items == nil || len(s.items) >= nearMost {
		s.items = map[[32]byte]nearItem[T]{} // all of it is read again within the time to live anyway
	}
	s.items[key] = nearItem[T]{value, now.Add(nearTTL)}
}

func (n *near[T]) drop(hash []byte) {
	s, key, fits := n.shard(hash)
	if !fits {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
	delete(s.items, key)
}

func (n *near[T]) clear() {
	for i := range n.shards {
		s := &n.shards[i]
		s.mu.Lock()
		s.epoch++
		s.items = nil
		s.mu.Unlock()
	}
}

// listen hears what is over until ctx ends. Whenever the channel is lost, nothing
// that was kept is believed any more, and nothing is kept until it is back.
func (n *near[T]) listen(ctx context.Context, rdb redis.UniversalClient, channel string, log *slog.Logger) {
	for ctx.Err() == nil {
		err := n.hear(ctx, rdb.Subscribe(ctx, channel))
		n.listening.Store(false)
		n.clear()
		if ctx.Err() != nil {
			return
		}
		log.DebugContext(ctx, "sessions are not kept in memory: the channel that tells their end is lost", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(nearSilence):
		}
	}
}

func (n *near[T]) hear(ctx context.Context, channel *redis.PubSub) error {
	defer channel.Close()
	asked := false
	for {
		message, err := channel.ReceiveTimeout(ctx, nearSilence)
		var silence net.Error
		switch {
		case err == nil:
			asked = false
		case errors.As(err, &silence) && silence.Timeout() && !asked && ctx.Err() == nil:
			if err := channel.Ping(ctx); err != nil {
				return err //nolint:wrapcheck // for the log line of listen alone
			}
			asked = true
		default:
			return err //nolint:wrapcheck // for the log line of listen alone
		}
		switch m := message.(type) {
		case *redis.Subscription:
			n.clear()
			n.listening.Store(true)
		case *redis.Message:
			n.drop([]byte(m.Payload))
		}
	}
}
