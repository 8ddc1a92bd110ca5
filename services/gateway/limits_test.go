package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
)

func TestLimits_tellTheirState(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"LIMIT_API_ADDRESS": "5/1h", "LIMIT_API": "2/1h", "LIMIT_STRICT": "1/1h"})
	token := w.bearer("u1")
	got := w.do("GET", files, token)
	if policy := got.Header.Get("RateLimit-Policy"); policy != `"api-address";q=5;w=3600, "api";q=2;w=3600` {
		t.Errorf("RateLimit-Policy: %s", policy)
	}
	if state := got.Header.Get("RateLimit"); !regexp.MustCompile(`^"api-address";r=4;t=7\d\d, "api";r=1;t=1[78]\d\d$`).MatchString(state) {
		t.Errorf("RateLimit: %s", state)
	}
	w.do("GET", files, token)
	got = w.do("GET", files, token)
	retry, err := strconv.Atoi(got.Header.Get("Retry-After"))
	if got.StatusCode != 429 || got.code() != "RATE_LIMITED" || err != nil || retry < 1790 || retry > 1800 {
		t.Errorf("%d %s, Retry-After %q", got.StatusCode, got.text, got.Header.Get("Retry-After"))
	}
	if got.Header.Get("X-Retry-After") != "" || !strings.Contains(got.Header.Get("RateLimit"), `"api";r=0`) {
		t.Errorf("%v", got.Header)
	}

	w.do("POST", "/api/auth/sign-in/email")
	got = w.do("POST", "/api/auth/sign-up/email")
	if got.StatusCode != 429 || got.text != `{"message":"Too many requests. Please try again later."}` ||
		got.Header.Get("X-Retry-After") != got.Header.Get("Retry-After") || got.Header.Get("X-Retry-After") == "" {
		t.Errorf("auth: %d %s %v", got.StatusCode, got.text, got.Header)
	}
}

func TestLimits_byClass(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		setting      string
		method, path string
		other        string // a path that this limit must not touch
	}{
		{"LIMIT_STRICT", "POST", "/api/auth/sign-in/email", "/api/auth/get-session"},
		{"LIMIT_STRICT", "POST", "/api/auth/request-password-reset", "/api/auth/ok"},
		{"LIMIT_STRICT", "POST", "/api/auth/send-verification-email", "/api/auth/ok"},
		{"LIMIT_AUTH", "GET", "/api/auth/get-session", "/api/auth/sign-in/email"},
		{"LIMIT_API", "GET", "/api/billing/v1/plan", "/"},
		{"LIMIT_API_ADDRESS", "GET", files, "/api/auth/ok"},
		{"LIMIT_UPLOAD", "POST", files, files},
		{"LIMIT_UPLOAD", "PUT", files + "/1", files},
		{"LIMIT_PUBLIC", "GET", "/", "/api/auth/ok"},
		{"LIMIT_PUBLIC", "GET", "/openapi.json", "/api/auth/ok"},
		{"LIMIT_WEBHOOK", "POST", "/webhooks/stripe", "/"},
	} {
		t.Run(tc.setting+tc.path, func(t *testing.T) {
			t.Parallel()
			w := start(t, map[string]string{tc.setting: "2/1h"})
			token := w.bearer("u1")
			for i, want := range []int{200, 200, 429} {
				if got := w.do(tc.method, tc.path, token); got.StatusCode != want {
					t.Errorf("request %d: %d, want %d", i, got.StatusCode, want)
				}
			}
			if got := w.do("GET", tc.other, token); got.StatusCode != 200 {
				t.Errorf("%s: %d", tc.other, got.StatusCode)
			}
		})
	}
}

func TestLimits_inShadowTellAndNeverRefuse(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"LIMIT_API": "1/1h", "LIMIT_SHADOW": "api"})
	for range 2 {
		got := w.do("GET", files, w.bearer("u1"))
		if got.StatusCode != 200 || strings.Contains(got.Header.Get("RateLimit")+got.Header.Get("RateLimit-Policy"), `"api"`) {
			t.Errorf("%d %v", got.StatusCode, got.Header)
		}
	}
	eventually(t, "written", func() bool { return len(w.lines()) >= 2 })
	if lines := w.lines(); lines[0]["limits_shadowed"] != nil || lines[1]["limits_shadowed"] != "api" {
		t.Errorf("lines: %v", lines)
	}
}

// Who sends junk pays for himself; Stripe, who sends much from one address, does not.
func TestLimits_ofStripesEventsAreNotSpentByStrangers(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"LIMIT_WEBHOOK": "3/1h", "LIMIT_WEBHOOK_ADDRESS": "2/1h", "TRUSTED_PROXIES": "127.0.0.0/8"})
	w.billing.answers(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Stripe-Signature") == "" {
			rw.WriteHeader(http.StatusBadRequest)
		}
	})
	for i, step := range []struct {
		from, signature string
		want            int
	}{
		{"203.0.113.1", "", 400}, {"203.0.113.1", "", 400}, {"203.0.113.1", "", 429}, {"203.0.113.2", "", 400}, {"203.0.113.2", "", 400}, {"203.0.113.2", "", 429},
		{"203.0.113.9", "good", 200}, {"203.0.113.9", "good", 200}, {"203.0.113.9", "good", 200}, {"203.0.113.9", "good", 429},
	} {
		lines := []string{"X-Forwarded-For: " + step.from}
		if step.signature != "" {
			lines = append(lines, "Stripe-Signature: "+step.signature)
		}
		if got := w.do("POST", "/webhooks/stripe", lines...); got.StatusCode != step.want {
			t.Errorf("step %d: %d, want %d", i, got.StatusCode, step.want)
		}
	}
}

func TestLimits_closeTheClassesThatMustBeWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := testkit.StartRedis(t)
	w := start(t, withRedis(redis.URL()), map[string]string{"LIMIT_CLOSE_WITHOUT_REDIS": "auth-strict"})
	if got := w.do("POST", "/api/auth/sign-in/email"); got.StatusCode != 200 {
		t.Fatal(got.StatusCode)
	}
	redis.Stop()
	if got := w.do("POST", "/api/auth/sign-in/email"); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	if got := w.do("GET", "/api/auth/get-session"); got.StatusCode != 200 {
		t.Errorf("another class: %d", got.StatusCode)
	}
}

func TestLimits_areNotDodgedBySpelling(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"LIMIT_STRICT": "1/1h"})
	if got := w.do("POST", "/api/auth/sign-in/email"); got.StatusCode != 200 {
		t.Fatal(got.StatusCode)
	}
	before := w.auth.count()
	for _, path := range []string{
		"/api/auth/sign-in/email", "/api/auth/sign-in/email?x=1", "/api/auth/sign-in/email/", "/api/auth/sign-in/email2", "/api/auth/sign-in/social",
		"/api/auth/%73ign-in/email", "/api/auth/sign-in/%65mail", "/api//auth/sign-in/email", "/api/auth//sign-in/email", "/./api/auth/sign-in/email",
		"/api/auth/x/../sign-in/email", "/api/auth/sign-in%2femail", "/api/auth/sign-in;x/email", "/API/auth/sign-in/email", "/api/auth/sign-in/email%00",
		"//localhost/api/auth/sign-in/email", "/api/auth/sign-in\\email",
	} {
		r := w.request("POST", "/", nil, "X-Forwarded-For: 198.51.100."+strconv.Itoa(len(path)), "X-Real-IP: 198.51.100.1", "Forwarded: for=198.51.100.2")
		r.URL.Opaque = path
		if strings.HasPrefix(path, "//") {
			r.URL.Opaque = "http:" + path
		}
		if got := w.send(r); got.StatusCode == 200 {
			t.Errorf("%s passed", path)
		}
	}
	if n := w.auth.count() - before; n != 0 {
		t.Errorf("%d reached auth", n)
	}
}

// GW-06, GW-07
func TestLimits_countTheClientBehindATrustedProxy(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"LIMIT_AUTH": "2/1h", "TRUSTED_PROXIES": "127.0.0.0/8"})
	send := func(chain string) int { return w.do("GET", "/api/auth/ok", "X-Forwarded-For: "+chain).StatusCode }
	for i, step := range []struct {
		chain string
		want  int
	}{
		{"203.0.113.1", 200}, {"9.9.9.9, 203.0.113.1", 200}, {"8.8.8.8, 203.0.113.1", 429}, {"::ffff:203.0.113.1", 429},
		{"203.0.113.2", 200}, {"2001:db8:1:2::1", 200}, {"2001:db8:1:2:ffff::9", 200}, {"2001:db8:1:2:3::1", 429}, {"2001:db8:1:3::1", 200},
	} {
		if got := send(step.chain); got != step.want {
			t.Errorf("step %d, %s: %d, want %d", i, step.chain, got, step.want)
		}
	}
}

// GW-03, GW-06: whom a trusted proxy's Forwarded names is counted, logged and told to
// services, in the gateway's own words; nobody else's is believed.
func TestForwarded_ofATrustedProxyOnly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		proxies, sent, client, told string
	}{
		"a proxy's":           {"127.0.0.0/8", `for=6.6.6.6, for="[2001:db8::5]:4711";host=evil.example;proto=ftp`, "2001:db8::5", `for="[2001:db8::5]";host="localhost:8000";proto=http`},
		"a proxy's, hidden":   {"127.0.0.0/8", "for=6.6.6.6, for=_hidden", "127.0.0.1", `for=127.0.0.1;host="localhost:8000";proto=http`},
		"a proxy's, unclosed": {"127.0.0.0/8", `for="6.6.6.6, for=203.0.113.9`, "127.0.0.1", `for=127.0.0.1;host="localhost:8000";proto=http`},
		"a stranger's":        {"10.0.0.0/8", "for=6.6.6.6;host=evil.example", "127.0.0.1", `for=127.0.0.1;host="localhost:8000";proto=http`},
	} {
		w := start(t, map[string]string{"TRUSTED_PROXIES": tc.proxies})
		if got := w.do("GET", files, w.bearer("u1"), "Forwarded: "+tc.sent, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: ftp"); got.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", name, got.StatusCode, got.text)
		}
		h := w.storage.last(t).Header
		for line, want := range map[string]string{"Forwarded": tc.told, "X-Forwarded-For": tc.client, "X-Forwarded-Host": "localhost:8000", "X-Forwarded-Proto": "http"} {
			if got := h.Values(line); len(got) != 1 || got[0] != want {
				t.Errorf("%s: the service sees %s %q, want %q", name, line, got, want)
			}
		}
		if lines := w.lines(); len(lines) != 1 || lines[0]["client"] != tc.client {
			t.Errorf("%s: logged %v", name, lines)
		}
	}
}

func TestLimits_uploadsOfTwoUsersAreApart(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"LIMIT_UPLOAD": "1/1h"})
	for i, tc := range []struct {
		user string
		want int
	}{{"u1", 200}, {"u1", 429}, {"u2", 200}} {
		if got := w.do("POST", files, w.bearer(tc.user)); got.StatusCode != tc.want {
			t.Errorf("step %d: %d", i, got.StatusCode)
		}
	}
}

// GW-08: two gateways share their limits through Redis; the strict class is exact.
func TestLimits_areExactOverTwoGateways(t *testing.T) {
	t.Parallel()
	redis := testkit.StartRedis(t)
	limits := map[string]string{"LIMIT_STRICT": "100/1h", "LIMIT_API": "100/1h"}
	a, b := start(t, withRedis(redis.URL()), limits), start(t, withRedis(redis.URL()), limits)
	for name, send := range map[string]func(w *world) int{
		"sign-in by address": func(w *world) int { return w.do("POST", "/api/auth/sign-in/email").StatusCode },
		"API by user":        func(w *world) int { return w.do("GET", files, w.bearer("u1")).StatusCode },
	} {
		var admitted, refused atomic.Int32
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				for range 50 {
					switch send([]*world{a, b}[i%2]) {
					case http.StatusOK:
						admitted.Add(1)
					case http.StatusTooManyRequests:
						refused.Add(1)
					}
				}
			})
		}
		all.Wait()
		t.Logf("FIGURE %s, two gateways, 1,000 requests, limit 100: %d admitted", name, admitted.Load())
		least, most := int32(99), int32(101)
		if name == "API by user" { // leased: never more, and nearly all of it
			least, most = 95, 100
		}
		if n := admitted.Load(); n < least || n > most || n+refused.Load() != 1000 {
			t.Errorf("%s: %d admitted, %d refused", name, n, refused.Load())
		}
	}
}

// GW-08: who leaves at once is counted where all others are.
func TestLimits_areExactForClientsThatLeave(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()), map[string]string{"LIMIT_STRICT": "3/1h"})
	w.do("GET", "/api/auth/ok") // a connection to auth is there
	left, leave := context.WithCancel(t.Context())
	leave()
	codes := map[int]int{}
	for range 10 {
		r := w.request("POST", "/api/auth/sign-in/email", nil).WithContext(left)
		r.RequestURI, r.RemoteAddr = r.URL.Path, "127.0.0.1:1"
		got := httptest.NewRecorder()
		w.gate.handler().ServeHTTP(got, r)
		codes[got.Code]++
		codes[w.do("POST", "/api/auth/sign-in/email").StatusCode]++
	}
	if codes[http.StatusTooManyRequests] != 17 {
		t.Errorf("limit 3, 20 requests: answers %v", codes)
	}
}

// GW-09: with Redis lost each gateway limits for itself, and nothing fails.
func TestLimits_stayOnWhenRedisIsLost(t *testing.T) {
	t.Parallel()
	redis := testkit.StartRedis(t)
	w := start(t, withRedis(redis.URL()), map[string]string{"LIMIT_API": "100/1h"})
	token := w.bearer("u1")
	if got := w.do("GET", files, token); got.StatusCode != 200 {
		t.Fatal(got.StatusCode)
	}
	redis.Stop()
	codes := map[int]int{}
	slowest := time.Duration(0)
	for range 400 {
		begin := time.Now()
		codes[w.do("GET", files, token).StatusCode]++
		slowest = max(slowest, time.Since(begin))
	}
	t.Logf("FIGURE Redis lost, 400 requests, limit 100: answers %v, slowest %s", codes, slowest)
	if codes[200] < 99 || codes[200] > 101 || codes[200]+codes[429] != 400 {
		t.Errorf("answers: %v", codes)
	}
	w.mu.Lock()
	lost := strings.Count(w.log.String(), "redis is away")
	w.mu.Unlock()
	if lost != 1 {
		t.Errorf("%d log lines for one loss", lost)
	}
}

// The hot path counts in memory: what it may spend was leased before.
func TestLimits_costFewTripsToRedis(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()))
	eventually(t, "linked", w.wired.feed.Linked)
	token := w.bearer("u1")
	w.do("GET", files, token)
	calls := func() int {
		info := w.wired.redis.Info(t.Context(), "commandstats").Val()
		n := 0
		for _, m := range regexp.MustCompile(`cmdstat_evalsha:calls=(\d+)`).FindAllStringSubmatch(info, -1) {
			got, _ := strconv.Atoi(m[1])
			n += got
		}
		return n
	}
	before := calls()
	for range 200 {
		w.do("GET", files, token)
	}
	n := calls() - before
	t.Logf("FIGURE 200 requests, three limits each: %d script calls", n)
	if n > 60 {
		t.Errorf("200 requests, %d script calls", n)
	}
}

func TestLimits_ofTheStrictPresetByDefaultAre5AMinute(t *testing.T) {
	t.Parallel()
	s := (&world{t: t, auth: nowhere(), storage: nowhere(), billing: nowhere(), web: nowhere()}).load([]map[string]string{
		{"LIMIT_STRICT": "", "LIMIT_AUTH": "", "LIMIT_API": "", "LIMIT_API_ADDRESS": "", "LIMIT_UPLOAD": "", "LIMIT_PUBLIC": "", "LIMIT_WEBHOOK": ""},
	})
	got := fmt.Sprint(s.Limits)
	if got != "{{5 1m0s 0} {30 1m0s 0} {600 1m0s 0} {1200 1m0s 0} {60 1m0s 0} {300 1m0s 0} {6000 1m0s 0} {1200 1m0s 0} {600 1m0s 0} {6000000 1m0s 0} 0 [] []}" {
		t.Errorf("presets: %s", got)
	}
}

func nowhere() *part { return &part{Server: &httptest.Server{URL: "http://service.test"}} }
