package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
)

// keyDesk stands in for auth's side of API keys: "ck_live_<user>" is a key of that
// user, "ck_spent" has used up its own limit, "ck_lost" names another session.
type keyDesk struct {
	w     *world
	asked atomic.Int32
}

func withKeys(w *world) *keyDesk {
	d := &keyDesk{w: w}
	w.auth.answers(d.serve)
	return d
}

func (d *keyDesk) serve(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/internal/v1/api-keys/exchange" || r.Header.Get("Authorization") != "Bearer "+serviceToken {
		rw.WriteHeader(http.StatusOK)
		return
	}
	d.asked.Add(1)
	var in struct{ Key string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	user, live := strings.CutPrefix(in.Key, "ck_live_")
	switch {
	case live:
		fmt.Fprintf(rw, `{"jwt":%q,"key_id":%q,"user_id":%q}`, d.w.token(user, "key_of-"+user), "of-"+user, user)
	case in.Key == "ck_lost":
		fmt.Fprintf(rw, `{"jwt":%q,"key_id":"lost","user_id":"u1"}`, d.w.token("u1", "s1"))
	case in.Key == "ck_spent":
		rw.Header().Set("Retry-After", "7")
		rw.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(rw, `{"code":"RATE_LIMITED"}`)
	case in.Key == "ck_busy":
		rw.WriteHeader(http.StatusServiceUnavailable)
	default:
		rw.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(rw, `{"code":"INVALID_API_KEY"}`)
	}
}

func TestAPIKey_isExchangedAndStaysHere(t *testing.T) {
	t.Parallel()
	w := start(t)
	withKeys(w)
	got := w.do("GET", files, "X-Api-Key: ck_live_u7", "Cookie: codex.jwt="+w.token("other", "s1"))
	if got.StatusCode != http.StatusOK || len(got.Header.Values("Set-Cookie")) != 0 || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", got.StatusCode, got.Header, got.text)
	}
	if s := w.storage.last(t); s.handed() == "" || s.Header.Get("X-Api-Key") != "" || s.Header.Get("Cookie") != "" {
		t.Errorf("the service got %v", s.Header)
	}
	// A browser does not send it by itself: no proof of origin is asked for.
	if got := w.do("DELETE", files+"/f1", "X-Api-Key: ck_live_u7", "Origin: https://evil.example"); got.StatusCode == http.StatusForbidden {
		t.Errorf("a change with a key: %d %s", got.StatusCode, got.text)
	}
	// A token goes before a key.
	w.do("GET", files, "X-Api-Key: ck_live_u7", "Authorization: Bearer "+w.token("u8", "s8"))
	if got := w.do("GET", files, "X-Api-Key: ck_live_u7", "Authorization: Bearer junk"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a bad bearer beside a good key: %d", got.StatusCode)
	}
	// Auth sees it as it was sent.
	w.do("GET", "/api/auth/get-session", "X-Api-Key: ck_live_u7")
	if h := w.auth.last(t).Header; h.Get("X-Api-Key") != "ck_live_u7" {
		t.Errorf("auth got %v", h)
	}
}

func TestAPIKey_thatIsNoneIsNeverAGuest(t *testing.T) {
	t.Parallel()
	w := start(t)
	desk := withKeys(w)
	cookie := "Cookie: " + w.session("x.sig", "u1")
	for name, lines := range map[string][]string{
		"empty":          {"X-Api-Key: "},
		"two":            {"X-Api-Key: ck_live_a", "X-Api-Key: ck_live_b"},
		"too long":       {"X-Api-Key: ck_live_" + strings.Repeat("k", 513)},
		"with a blank":   {"X-Api-Key: ck_live a"},
		"no plain ASCII": {"X-Api-Key: ck_live_ä"},
	} {
		if got := w.do("GET", files, append(lines, cookie)...); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	if n := desk.asked.Load(); n != 0 {
		t.Errorf("auth was asked %d times about keys that cannot be any", n)
	}
	for range 10 {
		if got := w.do("GET", files, "X-Api-Key: ck_dead", cookie); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("a dead key: %d", got.StatusCode)
		}
	}
	if n := desk.asked.Load(); n != 1 {
		t.Errorf("a dead key asked auth %d times in a moment, want once", n)
	}
}

func TestAPIKey_handsOnWhatAuthSays(t *testing.T) {
	t.Parallel()
	w := start(t)
	withKeys(w)
	for range 2 { // the second time from memory
		got := w.do("GET", files, "X-Api-Key: ck_spent")
		if wait := got.Header.Get("Retry-After"); got.StatusCode != http.StatusTooManyRequests || wait != "7" && wait != "6" {
			t.Errorf("the key's own limit: %d, Retry-After %q", got.StatusCode, wait)
		}
	}
	for _, key := range []string{"ck_busy", "ck_lost"} {
		if got := w.do("GET", files, "X-Api-Key: "+key); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", key, got.StatusCode)
		}
	}
	w.auth.Close()
	if got := w.do("GET", files, "X-Api-Key: ck_live_u1"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without auth: %d, want 503", got.StatusCode)
	}
}

func TestAPIKey_manyRequestsAreOneExchangeAndARevokedOneEnds(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()))
	desk := withKeys(w)
	eventually(t, "synced", w.wired.feed.Linked)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got := w.do("GET", files, "X-Api-Key: ck_live_u1"); got.StatusCode != http.StatusOK {
				t.Errorf("%d", got.StatusCode)
			}
		})
	}
	all.Wait()
	if n := desk.asked.Load(); n > 5 {
		t.Errorf("50 requests: %d exchanges", n)
	}
	w.auth.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(rw, `{"code":"INVALID_API_KEY"}`)
	})
	w.revoke(cache.Revocation{SessionID: "key_of-u1", UserID: "u1", At: time.Now(), Until: time.Now().Add(15 * time.Minute)})
	begin := time.Now()
	eventually(t, "refused", func() bool { return w.do("GET", files, "X-Api-Key: ck_live_u1").StatusCode == http.StatusUnauthorized })
	t.Logf("FIGURE a revoked API key is refused after %s", time.Since(begin))
}

func TestAPIKey_oneAddressCannotMakeAuthBusyWithForgedKeys(t *testing.T) {
	t.Parallel()
	w := start(t)
	desk := withKeys(w)
	codes := map[int]int{}
	for i := range 400 {
		codes[w.do("GET", files, fmt.Sprintf("X-Api-Key: forged-%d", i)).StatusCode]++
	}
	if n := desk.asked.Load(); n > 250 || codes[401] == 0 || codes[429] == 0 || codes[401]+codes[429] != 400 {
		t.Errorf("400 forged keys: %d reached auth, answers %v", n, codes)
	}
}
