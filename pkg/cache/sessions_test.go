package cache_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/testkit"
)

type signedIn struct {
	User string `json:"user"`
}

var hash = []byte("0123456789abcdef0123456789abcdef")

func TestSessions_giveBackWhatWasFilledIn(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	s := cache.NewSessions[signedIn](rdb, "test", quiet())
	if _, ok, err := s.Get(t.Context(), hash); ok || err != nil {
		t.Fatalf("before the fill: %v, %v", ok, err)
	}
	if err := s.Fill(t.Context(), hash, signedIn{"ada"}, 1); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Get(t.Context(), hash); !ok || err != nil || got.User != "ada" {
		t.Errorf("Get = %v, %v, %v", got, ok, err)
	}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		if ttl := rdb.PTTL(t.Context(), key).Val(); ttl <= 40*time.Second || ttl > cache.MaxSessionTTL {
			t.Errorf("%s lives %v, want more than 40 s and at most %v", key, ttl, cache.MaxSessionTTL)
		}
	}
}

func TestSessions_keepALateFillOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(t *testing.T, s *cache.Sessions[signedIn]) error
		fill   int64
		want   bool
	}{
		"after the session ended": {func(t *testing.T, s *cache.Sessions[signedIn]) error { return s.Delete(t.Context(), hash) }, 7, false},
		"after the row changed": {func(t *testing.T, s *cache.Sessions[signedIn]) error {
			return s.Outdate(t.Context(), 8, hash)
		}, 7, false},
		"with the row as it is now": {func(t *testing.T, s *cache.Sessions[signedIn]) error {
			return s.Outdate(t.Context(), 8, hash)
		}, 8, true},
		"with a newer row": {func(t *testing.T, s *cache.Sessions[signedIn]) error {
			return s.Fill(t.Context(), hash, signedIn{"old"}, 6)
		}, 7, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := cache.NewSessions[signedIn](testkit.Redis(t), "test", quiet())
			if err := tc.before(t, s); err != nil {
				t.Fatal(err)
			}
			if err := s.Fill(t.Context(), hash, signedIn{"late"}, tc.fill); err != nil {
				t.Fatal(err)
			}
			got, ok, err := s.Get(t.Context(), hash)
			if ok != tc.want || err != nil || ok && got.User != "late" {
				t.Errorf("Get = %v, %v, %v; want a hit: %v", got, ok, err, tc.want)
			}
		})
	}
}

func TestSessions_olderFillDoesNotReplaceNewerValue(t *testing.T) {
	t.Parallel()
	s := cache.NewSessions[signedIn](testkit.Redis(t), "test", quiet())
	for _, v := range []int64{9, 3} {
		if err := s.Fill(t.Context(), hash, signedIn{fmt.Sprint(v)}, v); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok, _ := s.Get(t.Context(), hash); !ok || got.User != "9" {
		t.Errorf("Get = %v, %v, want version 9", got, ok)
	}
}

func TestSessions_endingBeatsParallelFills(t *testing.T) {
	t.Parallel()
	s := cache.NewSessions[signedIn](testkit.Redis(t), "test", quiet())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for v := range int64(20) {
				if err := s.Fill(t.Context(), hash, signedIn{"ada"}, v); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err := s.Delete(t.Context(), hash); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if _, ok, _ := s.Get(t.Context(), hash); ok {
		t.Error("a fill brought an ended session back")
	}
}

func TestSessions_aBrokenEntryIsAMiss(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	s := cache.NewSessions[signedIn](rdb, "test", quiet())
	if err := s.Fill(t.Context(), hash, signedIn{"ada"}, 1); err != nil {
		t.Fatal(err)
	}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		rdb.Set(t.Context(), key, "not ours", time.Minute)
	}
	if got, ok, err := s.Get(t.Context(), hash); ok || err != nil {
		t.Errorf("Get = %v, %v, %v", got, ok, err)
	}
	if err := s.Fill(t.Context(), hash, signedIn{"again"}, 1); err != nil {
		t.Fatal(err)
	}
	if got, ok, _ := s.Get(t.Context(), hash); !ok || got.User != "again" {
		t.Errorf("after the next fill: %v, %v", got, ok)
	}
}

func TestSessions_withoutRedisEverythingIsAMiss(t *testing.T) {
	t.Parallel()
	s := cache.NewSessions[signedIn](nil, "test", quiet())
	fill, end := s.Fill(t.Context(), hash, signedIn{"ada"}, 1), s.Delete(t.Context(), hash)
	_, ok, err := s.Get(t.Context(), hash)
	if fill != nil || end != nil || ok || err != nil || !s.Up() {
		t.Errorf("Fill %v, Delete %v, Get %v %v, Up %v", fill, end, ok, err, s.Up())
	}
}

func TestSessions_endedWhileRedisWasAwayStaysEndedHere(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	opened, err := cache.Open(cache.Settings{URL: config.DSN(server.URL())}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	s := cache.NewSessions[signedIn](opened, "test", quiet())
	if err := s.Fill(t.Context(), hash, signedIn{"ada"}, 1); err != nil {
		t.Fatal(err)
	}

	server.Stop()
	if err := s.Delete(t.Context(), hash); err == nil {
		t.Error("Delete says that Redis was told")
	}
	if _, ok, _ := s.Get(t.Context(), hash); ok {
		t.Error("the session lives on while Redis is away")
	}

	server.Start() // and somebody else, who does not know, fills it in again
	other := cache.NewSessions[signedIn](server.Client(), "test", quiet())
	if err := other.Fill(t.Context(), hash, signedIn{"ada"}, 1); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Get(t.Context(), hash); ok || err != nil && !errors.Is(err, cache.ErrDown) {
		t.Errorf("after Redis is back: %v, %v", ok, err)
	}
}

func BenchmarkSessionsGet(b *testing.B) {
	s := cache.NewSessions[signedIn](testkit.Redis(b), "bench", quiet())
	if err := s.Fill(b.Context(), hash, signedIn{"ada"}, 1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := s.Get(b.Context(), hash); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
