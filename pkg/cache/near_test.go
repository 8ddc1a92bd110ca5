package cache_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
)

// watched is a process that keeps sessions in memory.
func watched(t *testing.T, rdb redis.UniversalClient) *cache.Sessions[signedIn] {
	t.Helper()
	s := cache.NewSessions[signedIn](rdb, "test", quiet())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Watch(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	eventually(t, s.Listening)
	return s
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	limit, look := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-limit:
			t.Fatal("waited in vain")
		case <-look.C:
		}
	}
}

// SES-04, SES-06: a session in memory is over as soon as any process ended it.
func TestSessions_inMemoryEndEverywhere(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	one, two := watched(t, rdb), watched(t, rdb)
	for i := range 100 {
		sum := sha256.Sum256([]byte{byte(i)})
		token := sum[:]
		if err := one.Fill(t.Context(), token, signedIn{"ada"}, 1); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*cache.Sessions[signedIn]{one, two} {
			if got, ok, err := s.Get(t.Context(), token); !ok || err != nil || got.User != "ada" {
				t.Fatalf("%v %v %v", got, ok, err)
			}
		}
		if err := one.Delete(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := one.Get(t.Context(), token); ok {
			t.Fatal("the process that ended it believes it")
		}
		eventually(t, func() bool { _, ok, _ := two.Get(t.Context(), token); return !ok })
	}
}

func TestSessions_inMemoryAskRedisNoMore(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	s := watched(t, rdb)
	if err := s.Fill(t.Context(), hash, signedIn{"ada"}, 1); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := s.Get(t.Context(), hash); !ok {
		t.Fatal("not found")
	}
	for _, key := range rdb.Keys(t.Context(), "*").Val() { // without a word: memory does not know
		rdb.Del(t.Context(), key)
	}
	if got, ok, _ := s.Get(t.Context(), hash); !ok || got.User != "ada" {
		t.Errorf("%v %v", got, ok)
	}
	if err := s.Outdate(t.Context(), 2, hash); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := s.Get(t.Context(), hash); ok {
		t.Error("an outdated value is given")
	}
}

// SES-06: memory is not believed while nobody could tell of an end.
func TestSessions_inMemoryAreNotBelievedWithoutTheChannel(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	s := watched(t, rdb)
	if err := s.Fill(t.Context(), hash, signedIn{"ada"}, 1); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := s.Get(t.Context(), hash); !ok {
		t.Fatal("not found")
	}
	before := s.Losses()
	if err := rdb.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		rdb.Del(t.Context(), key)
	}
	eventually(t, func() bool { return s.Losses() > before })
	if _, ok, _ := s.Get(t.Context(), hash); ok {
		t.Error("a value from before the loss is believed")
	}
	eventually(t, s.Listening)
}
