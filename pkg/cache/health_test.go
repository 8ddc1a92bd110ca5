package cache_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
)

// recorded is a logger and a function that gives its messages so far.
func recorded() (*slog.Logger, func() []string) {
	h := &recorder{}
	return slog.New(h), h.messages
}

type recorder struct {
	mu   sync.Mutex
	list []string
}

func (h *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (h *recorder) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *recorder) WithGroup(string) slog.Handler            { return h }
func (h *recorder) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, r.Message)
	return nil
}

func (h *recorder) messages() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

func TestHealth_asksADeadRedisSeldom(t *testing.T) {
	t.Parallel()
	log, lines := recorded()
	h := cache.NewHealth("tests", log)
	var asked atomic.Int32
	dead := func(context.Context) error { asked.Add(1); return errors.New("dial tcp: connection refused") }
	begin := time.Now()
	for range 10_000 {
		if err := h.Do(t.Context(), dead); err == nil {
			t.Fatal("no error")
		}
	}
	most := 2 + int32(time.Since(begin)/(200*time.Millisecond))
	if n := asked.Load(); n > most || h.Up() {
		t.Errorf("asked %d times for 10,000 calls, up %v", n, h.Up())
	}
	if got := lines(); len(got) != 1 {
		t.Errorf("log: %q", got)
	}
}

func TestHealth_takesAnswersAndLeavingCallersForNoSignOfDeath(t *testing.T) {
	t.Parallel()
	h := cache.NewHealth("tests", quiet())
	_ = h.Do(t.Context(), func(context.Context) error { return redis.Nil })
	_ = h.Do(t.Context(), func(context.Context) error { return serverError("ERR wrong number of arguments") })
	gone, leave := context.WithCancel(t.Context())
	leave()
	_ = h.Do(gone, func(context.Context) error { return context.Canceled })
	if !h.Up() {
		t.Error("down")
	}
	_ = h.Do(t.Context(), func(context.Context) error { return serverError("LOADING Redis is loading the dataset in memory") })
	if h.Up() {
		t.Error("a Redis that loads its data cannot be used, and is up")
	}
}

type serverError string

func (e serverError) Error() string { return string(e) }
func (serverError) RedisError()     {}
