package cache_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
)

// reader tails a feed and waits for what it should bring.
type reader struct {
	feed *cache.Feed
	got  chan cache.Revocation
}

func follow(t testing.TB, feed *cache.Feed) reader {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := reader{feed, make(chan cache.Revocation, 5000)}
	var done sync.WaitGroup
	done.Go(func() { feed.Tail(ctx, func(v cache.Revocation) { r.got <- v }) })
	t.Cleanup(func() { stop(); done.Wait() })
	return r
}

func (r reader) next(t testing.TB) cache.Revocation {
	t.Helper()
	select {
	case v := <-r.got:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("no revocation within 10 s")
		return cache.Revocation{}
	}
}

// until waits for a session's end; what is read again after a lost link may come before.
func (r reader) until(t testing.TB, session string) {
	t.Helper()
	for r.next(t).SessionID != session {
	}
}

func (r reader) await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("not %s within 10 s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func session(id string) cache.Revocation {
	return cache.Revocation{SessionID: id, UserID: "u", At: noon, Until: noon.Add(15 * time.Minute)}
}

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func TestFeed_bringsWhatWasPublishedBeforeAndAfter(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	auth := cache.NewFeed(rdb, quiet())
	const before = 2500 // more than one page
	for i := range before {
		if err := auth.Publish(t.Context(), session(fmt.Sprint("before-", i))); err != nil {
			t.Fatal(err)
		}
	}
	gateway := follow(t, cache.NewFeed(rdb, quiet()))
	for i := range before {
		if got := gateway.next(t); got.SessionID != fmt.Sprint("before-", i) {
			t.Fatalf("entry %d: %+v", i, got)
		}
	}
	gateway.await(t, "synced", gateway.feed.Synced)
	want := cache.Revocation{UserID: "u9", At: noon, Until: noon.Add(time.Minute)}
	begin := time.Now()
	if err := auth.Publish(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got := gateway.next(t)
	t.Logf("published to applied: %s", time.Since(begin))
	if got.SessionID != "" || got.UserID != "u9" || !got.At.Equal(want.At) || !got.Until.Equal(want.Until) {
		t.Errorf("got %+v", got)
	}
}

func TestFeed_losesNothingOverALostLink(t *testing.T) {
	t.Parallel()
	rdb := open(t, testkit.StartRedis(t).URL())
	auth := cache.NewFeed(rdb, quiet())
	log, lines := recorded()
	gateway := follow(t, cache.NewFeed(rdb, log))
	gateway.await(t, "linked", gateway.feed.Linked)
	for i := range 20 {
		// The link is cut while entries come in.
		if err := rdb.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
			t.Fatal(err)
		}
		gateway.await(t, "published", func() bool { return auth.Publish(t.Context(), session(fmt.Sprint(i))) == nil })
		gateway.until(t, fmt.Sprint(i))
	}
	gateway.await(t, "linked again", gateway.feed.Linked)
	if !gateway.feed.Synced() {
		t.Error("no longer synced")
	}
	lost, back := 0, 0
	for _, line := range lines() {
		if line == "revocation feed is back" {
			back++
		} else {
			lost++
		}
	}
	if lost == 0 || lost != back {
		t.Errorf("the log has %d losses and %d returns", lost, back)
	}
}

func TestFeed_comesUpWithALateRedis(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	rdb := open(t, server.URL())
	server.Stop()
	gateway := follow(t, cache.NewFeed(rdb, quiet()))
	if err := cache.NewFeed(rdb, quiet()).Publish(t.Context(), session("x")); err == nil {
		t.Error("published to a Redis that is away")
	}
	if gateway.feed.Synced() || gateway.feed.Linked() {
		t.Error("synced without Redis")
	}
	server.Start()
	gateway.await(t, "synced", gateway.feed.Synced)
	auth := cache.NewFeed(rdb, quiet())
	gateway.await(t, "published", func() bool { return auth.Publish(t.Context(), session("y")) == nil })
	if got := gateway.next(t); got.SessionID != "y" {
		t.Errorf("got %+v", got)
	}
}

// A replica that took over may have lost the stream, and have another clock.
func TestFeed_goesOnWithARedisThatLostTheStreamAndIsBehind(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	rdb := open(t, server.URL())
	gateway := follow(t, cache.NewFeed(rdb, quiet()))
	gateway.await(t, "linked", gateway.feed.Linked)
	add := func(at time.Time, id string) error {
		return rdb.XAdd(t.Context(), &redis.XAddArgs{
			Stream: "codex:revocations", ID: fmt.Sprint(at.UnixMilli()) + "-1", Values: []any{"sid", id},
		}).Err()
	}
	if err := add(time.Now().Add(10*time.Second), "ahead"); err != nil {
		t.Fatal(err)
	}
	gateway.until(t, "ahead")
	server.Stop()
	gateway.await(t, "lost", func() bool { return !gateway.feed.Linked() })
	server.Start() // empty
	gateway.await(t, "published", func() bool { return add(time.Now(), "behind") == nil })
	gateway.until(t, "behind")
	for _, more := range []string{"after a flush", "and on"} {
		// An emptied stream counts anew within a millisecond: not the last one's.
		read := time.Now().UnixMilli() + 1
		gateway.await(t, "in a later millisecond", func() bool { return time.Now().UnixMilli() > read })
		if err := rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if err := cache.NewFeed(rdb, quiet()).Publish(t.Context(), session(more)); err != nil {
			t.Fatal(err)
		}
		gateway.until(t, more)
	}
}

func TestFeed_endsByItself(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	if err := cache.NewFeed(rdb, quiet()).Publish(t.Context(), session("x")); err != nil {
		t.Fatal(err)
	}
	for _, key := range rdb.Keys(t.Context(), "codex:*").Val() {
		if ttl := rdb.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > 70*time.Minute {
			t.Errorf("%s lives %s", key, ttl)
		}
	}
}

func TestFeed_withoutRedis(t *testing.T) {
	t.Parallel()
	feed := cache.NewFeed(nil, quiet())
	if err := feed.Publish(t.Context(), session("x")); err == nil {
		t.Error("published nowhere")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	feed.Tail(ctx, func(cache.Revocation) { t.Error("read something") })
}
