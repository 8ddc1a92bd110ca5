package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
)

// Whatever becomes of Redis, nobody who was signed out is in again.
func TestRevocation_isNotUndoneByRedis(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	w := start(t, withRedis(server.URL()))
	eventually(t, "linked", w.wired.feed.Linked)
	line := func(session string) string { return "Authorization: Bearer " + w.token("u1", session) }
	out := []string{}
	signOut := func(session string) {
		t.Helper()
		eventually(t, "published", func() bool {
			return cache.NewFeed(w.wired.redis, w.gate.log).Publish(t.Context(), cache.Revocation{SessionID: session, UserID: "u1", At: time.Now(), Until: time.Now().Add(15 * time.Minute)}) == nil
		})
		eventually(t, session+" refused", func() bool { return w.do("GET", files, line(session)).StatusCode == http.StatusUnauthorized })
		out = append(out, session)
	}
	signOut("first")
	for name, harm := range map[string]func(){
		"flushed": func() { server.Client().FlushAll(t.Context()) },
		"paused":  func() { server.Client().ClientPause(t.Context(), 600*time.Millisecond) },
		"restarted": func() {
			server.Stop()
			eventually(t, "lost", func() bool { return !w.wired.feed.Linked() })
			server.Start()
		},
	} {
		harm()
		for _, session := range out {
			if got := w.do("GET", files, line(session)); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: %s is in again: %d", name, session, got.StatusCode)
			}
		}
		if got := w.do("GET", files, line("alive")); got.StatusCode != http.StatusOK {
			t.Errorf("%s: everybody else: %d", name, got.StatusCode)
		}
		signOut("after-" + name)
	}
}

// An answer without an end of its own ends with the session, visibly.
func TestRevocation_endsAnAnswerThatStreams(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()))
	eventually(t, "linked", w.wired.feed.Linked)
	w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := rw.Write([]byte("tick\n")); err != nil || http.NewResponseController(rw).Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	const rounds = 10
	var worst time.Duration
	for range rounds {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		session := time.Now().Format("s-150405.000000000")
		res, err := noRedirects.Do(w.request("GET", files+"/f1/content", nil, "Authorization: Bearer "+w.token("u1", session)).WithContext(ctx))
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", res, err)
		}
		if _, err := io.ReadFull(res.Body, make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		w.revoke(cache.Revocation{SessionID: session, UserID: "u1", At: begin, Until: begin.Add(15 * time.Minute)})
		if _, err := io.Copy(io.Discard, res.Body); err == nil || ctx.Err() != nil {
			t.Fatalf("the answer did not break off: %v", err)
		}
		res.Body.Close()
		worst = max(worst, time.Since(begin))
	}
	t.Logf("FIGURE a streaming answer breaks off %s after the session ended, worst of %d (limit 100 ms)", worst, rounds)
	if worst > time.Second {
		t.Errorf("worst case %s", worst)
	}
}
