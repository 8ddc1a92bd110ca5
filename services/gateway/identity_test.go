package main

import (
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

const files = "/api/storage/v1/files"

// handed is the token that the service got.
func (s *seen) handed() string { return strings.TrimPrefix(s.Header.Get("Authorization"), "Bearer ") }

func TestIdentity_aBearerTokenIsHandedOnAndACookieIsNot(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token("u1", "s1")
	for name, line := range map[string]string{"bearer": "Authorization: Bearer " + token, "cookie": "Cookie: a=b; codex.jwt=" + token} {
		if got := w.do("GET", files, line); got.StatusCode != 200 || len(got.Header.Values("Set-Cookie")) != 0 {
			t.Fatalf("%s: %d %s", name, got.StatusCode, got.text)
		}
		s := w.storage.last(t)
		if s.handed() != token || s.Header.Get("Cookie") != "" {
			t.Errorf("%s: the service got %v", name, s.Header)
		}
	}
}

func TestIdentity_aBadBearerIsAlways401(t *testing.T) {
	t.Parallel()
	w := start(t)
	session := "Cookie: " + w.session("live.sig", "u1") + "; codex.jwt=" + w.token("u1", "s1")
	for name, value := range map[string]string{
		"nonsense": "Bearer nonsense", "a session token": "Bearer PQPKui8RmRc2t2oHdp17vy4x6vzd3aKT", "empty": "Bearer ", "basic": "Basic dTpw",
		"expired": "Bearer " + w.tokenAt("u1", "s1", time.Now().Add(-time.Hour), 15*time.Minute), "two": "Bearer a, Bearer b", "only the word": "Bearer",
	} {
		for _, path := range []string{files, "/api/billing/v1/plan", "/", "/openapi.json"} {
			got := w.do("GET", path, "Authorization: "+value, session)
			if got.StatusCode != 401 || got.Header.Get("Www-Authenticate") != `Bearer error="invalid_token"` {
				t.Errorf("%s at %s: %d", name, path, got.StatusCode)
			}
		}
	}
	if n := w.exchanges.Load(); n != 0 {
		t.Errorf("%d exchanges for requests with a bad bearer", n)
	}
}

func TestIdentity_aSessionCookieIsExchanged(t *testing.T) {
	t.Parallel()
	for name, jwt := range map[string]func(w *world) string{
		"no JWT cookie":    func(*world) string { return "" },
		"empty JWT cookie": func(*world) string { return "; codex.jwt=" },
		"a forged one":     func(*world) string { return "; codex.jwt=eyJhbGciOiJub25lIn0.e30.x" },
		"an expired one": func(w *world) string {
			return "; codex.jwt=" + w.tokenAt("u1", "s1", time.Now().Add(-time.Hour), time.Minute)
		},
		"a revoked session": func(w *world) string {
			w.wired.revoked.Apply(cache.Revocation{SessionID: "old"})
			return "; codex.jwt=" + w.token("u1", "old")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			got := w.do("GET", files, "Cookie: "+w.session("a+b/c.si+g=", "u1")+jwt(w))
			if got.StatusCode != 200 {
				t.Fatalf("%d %s", got.StatusCode, got.text)
			}
			cookies := got.Cookies()
			if len(cookies) != 1 {
				t.Fatalf("cookies: %v", cookies)
			}
			c := cookies[0]
			if c.Name != "codex.jwt" || c.Value != w.storage.last(t).handed() || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
				c.Path != "/" || c.Domain != "" || c.Secure || c.MaxAge < 890 || c.MaxAge > 900 {
				t.Errorf("cookie: %+v", c)
			}
			if got.Header.Get("Cache-Control") != "no-store" {
				t.Error("an answer with a token may be cached")
			}
			// The cookie just set is enough from now on.
			before := w.exchanges.Load()
			if again := w.do("GET", files, "Cookie: codex.jwt="+c.Value); again.StatusCode != 200 || w.exchanges.Load() != before {
				t.Errorf("with the cookie: %d", again.StatusCode)
			}
		})
	}
}

func TestIdentity_onHTTPSTheCookiesHaveTheirPrefixes(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"PUBLIC_URL": "https://app.example"})
	plain := w.session("x.sig", "u1")
	if got := w.do("GET", files, "Cookie: "+plain); got.StatusCode != 401 {
		t.Errorf("a session cookie without __Secure-: %d", got.StatusCode)
	}
	if got := w.do("GET", files, "Cookie: codex.jwt="+w.token("u1", "s1")); got.StatusCode != 401 {
		t.Errorf("a JWT cookie without __Host-: %d", got.StatusCode)
	}
	got := w.do("GET", files, "Cookie: __Secure-"+plain)
	if lines := got.Header.Values("Set-Cookie"); got.StatusCode != 200 || len(lines) != 1 ||
		!strings.HasPrefix(lines[0], "__Host-codex.jwt=") || !strings.Contains(lines[0], "; Secure") || strings.Contains(lines[0], "Domain") {
		t.Errorf("%d %q", got.StatusCode, lines)
	}
}

func TestIdentity_manyRequestsOfOneCookieAreOneExchange(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()))
	eventually(t, "linked", w.wired.feed.Linked) // only then an answer of a moment ago is believed
	cookie := "Cookie: " + w.session("one.sig", "u1")
	var all sync.WaitGroup
	var good atomic.Int32
	for range 100 {
		all.Go(func() {
			if w.do("GET", files, cookie).StatusCode == 200 {
				good.Add(1)
			}
		})
	}
	all.Wait()
	if n := w.exchanges.Load(); good.Load() != 100 || n > 20 {
		t.Errorf("100 requests: %d good, %d exchanges", good.Load(), n)
	} else {
		t.Logf("100 requests with one session cookie: %d exchange(s)", n)
	}
}

func TestIdentity_aDeadCookieAsksAuthOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	for range 20 {
		got := w.do("GET", files, "Cookie: better-auth.session_token=dead.sig; codex.jwt=old")
		if got.StatusCode != 401 || got.code() != "UNAUTHORIZED" {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
		if lines := got.Header.Values("Set-Cookie"); len(lines) != 1 || !strings.HasPrefix(lines[0], "codex.jwt=; Path=/; Max-Age=0") {
			t.Fatalf("the useless JWT cookie is not taken back: %q", lines)
		}
	}
	if n := w.exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}

func TestIdentity_oneAddressCannotMakeAuthBusyWithForgedCookies(t *testing.T) {
	t.Parallel()
	w := start(t)
	codes := map[int]int{}
	for i := range 400 {
		codes[w.do("GET", files, fmt.Sprintf("Cookie: better-auth.session_token=forged-%d.sig", i)).StatusCode]++
	}
	if n := w.exchanges.Load(); n > 250 || codes[401] == 0 || codes[429] == 0 {
		t.Errorf("400 forged cookies: %d reached auth, answers %v", n, codes)
	}
}

// An office behind one address, or everybody after a start behind a balancer that
// is not in the trusted list.
func TestIdentity_manyGoodTokensOfOneAddressAreNoAttack(t *testing.T) {
	t.Parallel()
	w := start(t)
	for i := range 400 {
		if got := w.do("GET", files, w.bearer(fmt.Sprintf("user-%d", i))).StatusCode; got != http.StatusOK {
			t.Fatalf("good token %d: %d", i, got)
		}
	}
}

func TestIdentity_withoutAuthItIs503AndNever401(t *testing.T) {
	t.Parallel()
	w := start(t)
	good := w.bearer("u0")
	if got := w.do("GET", files, good); got.StatusCode != 200 {
		t.Fatalf("%d", got.StatusCode)
	}
	cookie := "Cookie: " + w.session("busy.sig", "")
	for name, prepare := range map[string]func(){"auth answers 503": func() {}, "auth is away": w.auth.Close} {
		prepare()
		begin := time.Now()
		got := w.do("GET", files, cookie)
		if got.StatusCode != 503 || got.Header.Get("Retry-After") == "" || time.Since(begin) > 2*time.Second {
			t.Errorf("%s: %d %v after %s", name, got.StatusCode, got.Header, time.Since(begin))
		}
		if got := w.do("GET", files, good); got.StatusCode != 200 {
			t.Errorf("%s: a good token: %d", name, got.StatusCode)
		}
		if got := w.do("GET", files, w.bearer("another")); got.StatusCode != 200 {
			t.Errorf("%s: a new token of a known key: %d", name, got.StatusCode)
		}
	}
}

func TestIdentity_aWrongServiceTokenSignsNobodyOut(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"SERVICE_TOKENS": "another-token-another-token-another-token"})
	if got := w.do("GET", files, "Cookie: "+w.session("x.sig", "u1")); got.StatusCode != 503 {
		t.Errorf("%d, want 503", got.StatusCode)
	}
}

func TestJWTCookie_isTakenBackWhenAuthTouchesTheSession(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, tc := range map[string]struct {
		set  []string
		want int // lines that expire the JWT cookie
	}{
		"sets the session":           {[]string{"better-auth.session_token=new; Path=/; HttpOnly"}, 1},
		"clears the session":         {[]string{"better-auth.session_data=; Max-Age=0", "better-auth.session_token=; Max-Age=0; Path=/"}, 1},
		"sets another cookie":        {[]string{"better-auth.two_factor=x"}, 0},
		"a name that begins like it": {[]string{"better-auth.session_token_multi-x=1"}, 0},
		"nothing":                    {nil, 0},
	} {
		w.auth.answers(func(rw http.ResponseWriter, _ *http.Request) { rw.Header()["Set-Cookie"] = tc.set })
		got := w.do("POST", "/api/auth/sign-in/email", "Cookie: codex.jwt=x")
		expired := 0
		for _, line := range got.Header.Values("Set-Cookie") {
			if line == "codex.jwt=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax" {
				expired++
			}
		}
		if expired != tc.want || len(got.Header.Values("Set-Cookie")) != len(tc.set)+tc.want {
			t.Errorf("%s: %q", name, got.Header.Values("Set-Cookie"))
		}
	}
}

func TestJWTCookie_isWrittenByTheGatewayAlone(t *testing.T) {
	t.Parallel()
	w := start(t)
	forge := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header()["Set-Cookie"] = []string{"codex.jwt=evil", "CODEX.JWT=evil", "__Host-codex.jwt=evil; Secure; Path=/", "ok=1"}
	}
	w.auth.answers(forge)
	w.storage.answers(forge)
	if got := w.do("GET", "/api/auth/ok").Header.Values("Set-Cookie"); len(got) != 1 || got[0] != "ok=1" {
		t.Errorf("auth: %q", got)
	}
	if got := w.do("GET", files, w.bearer("u1")).Header.Values("Set-Cookie"); len(got) != 0 {
		t.Errorf("storage: %q", got)
	}
}

func TestSession_changedAtAuthIsExchangedAnew(t *testing.T) {
	t.Parallel()
	w := start(t)
	cookie := "Cookie: " + w.session("x.sig", "u1")
	w.do("GET", files, cookie)
	w.auth.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Set-Cookie", "better-auth.session_token=x.sig; Path=/")
	})
	w.do("POST", "/api/auth/update-user", cookie)
	w.do("GET", files, cookie)
	if n := w.exchanges.Load(); n != 2 {
		t.Errorf("%d exchanges, want 2", n)
	}
}

func TestAuthClass_passesCookieAndAuthorizationUntouched(t *testing.T) {
	t.Parallel()
	w := start(t)
	const cookie = `better-auth.session_token=a.b%3D; codex.jwt=whatever; x="q"`
	w.do("GET", "/api/auth/get-session", "Cookie: "+cookie, "Authorization: Bearer session-token-of-the-bearer-plugin")
	h := w.auth.last(t).Header
	if h.Get("Cookie") != cookie || h.Get("Authorization") != "Bearer session-token-of-the-bearer-plugin" {
		t.Errorf("auth got %v", h)
	}
}

// SES-05
func TestRevocation_ofASessionIsObeyedWithin100Milliseconds(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()))
	eventually(t, "synced", w.wired.feed.Linked)
	var worst, sum time.Duration
	const rounds = 50
	for i := range rounds {
		session := fmt.Sprint("s", i)
		line := "Authorization: Bearer " + w.token("u1", session)
		if got := w.do("GET", files, line); got.StatusCode != 200 {
			t.Fatalf("before: %d", got.StatusCode)
		}
		begin := time.Now()
		w.revoke(cache.Revocation{SessionID: session, UserID: "u1", At: begin, Until: begin.Add(15 * time.Minute)})
		for w.do("GET", files, line).StatusCode != 401 {
			if time.Since(begin) > 5*time.Second {
				t.Fatal("still served after 5 s")
			}
		}
		took := time.Since(begin)
		worst, sum = max(worst, took), sum+took
	}
	t.Logf("FIGURE revoked session refused at the gateway: mean %s, worst of %d: %s (limit 100 ms)", sum/rounds, rounds, worst)
	if worst > 100*time.Millisecond {
		t.Errorf("worst case %s", worst)
	}
	// Others of the same user live on.
	if got := w.do("GET", files, "Authorization: Bearer "+w.token("u1", "another")); got.StatusCode != 200 {
		t.Errorf("another session: %d", got.StatusCode)
	}
}

func TestRevocation_ofAUserEndsWhatWasIssuedBefore(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()))
	eventually(t, "synced", w.wired.feed.Linked)
	old := "Authorization: Bearer " + w.tokenAt("u1", "s1", time.Now().Add(-time.Minute), 15*time.Minute)
	cookie := "Cookie: " + w.session("x.sig", "u1")
	if w.do("GET", files, old).StatusCode != 200 {
		t.Fatal("refused before")
	}
	w.revoke(cache.Revocation{UserID: "u1", At: time.Now(), Until: time.Now().Add(15 * time.Minute)})
	eventually(t, "refused", func() bool { return w.do("GET", files, old).StatusCode == 401 })
	if got := w.do("GET", files, "Authorization: Bearer "+w.token("u2", "s2")); got.StatusCode != 200 {
		t.Errorf("another user: %d", got.StatusCode)
	}
	// A session that begins in the same second is good: auth has just said so.
	got := w.do("GET", files, cookie)
	if got.StatusCode != 200 {
		t.Fatalf("a new session in the same second: %d %s", got.StatusCode, got.text)
	}
	if got := w.do("GET", files, cookie+"; "+strings.SplitN(got.Header.Get("Set-Cookie"), ";", 2)[0]); got.StatusCode != 200 {
		t.Errorf("and its next request: %d", got.StatusCode)
	}
}

func TestRevocation_isKnownToAGatewayThatStartsLater(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	first := start(t, withRedis(server.URL()))
	first.revoke(cache.Revocation{SessionID: "gone", UserID: "u1", At: time.Now(), Until: time.Now().Add(15 * time.Minute)})
	second := start(t, withRedis(server.URL()))
	eventually(t, "synced", second.wired.feed.Synced)
	if got := second.do("GET", files, "Authorization: Bearer "+second.token("u1", "gone")); got.StatusCode != 401 {
		t.Errorf("%d", got.StatusCode)
	}
}

func TestRevocation_catchesUpAfterRedisWasAway(t *testing.T) {
	t.Parallel()
	server := testkit.StartRedis(t)
	w := start(t, withRedis(server.URL()))
	eventually(t, "linked", w.wired.feed.Linked)
	line := "Authorization: Bearer " + w.token("u1", "s1")
	server.Stop()
	eventually(t, "lost", func() bool { return !w.wired.feed.Linked() })
	if got := w.do("GET", files, line); got.StatusCode != 200 {
		t.Errorf("without Redis: %d", got.StatusCode)
	}
	server.Start()
	eventually(t, "linked again", w.wired.feed.Linked)
	w.revoke(cache.Revocation{SessionID: "s1", UserID: "u1", At: time.Now(), Until: time.Now().Add(time.Minute)})
	eventually(t, "refused", func() bool { return w.do("GET", files, line).StatusCode == 401 })
}

func TestSignOut_endsTheSessionCookieToo(t *testing.T) {
	t.Parallel()
	w := start(t, withRedis(testkit.StartRedis(t).URL()))
	eventually(t, "synced", w.wired.feed.Linked)
	cookie := "Cookie: " + w.session("x.sig", "u1")
	if got := w.do("GET", files, cookie); got.StatusCode != 200 {
		t.Fatal(got.StatusCode)
	}
	w.end("x.sig")
	w.revoke(cache.Revocation{SessionID: "session-of-u1", UserID: "u1", At: time.Now(), Until: time.Now().Add(15 * time.Minute)})
	begin := time.Now()
	eventually(t, "refused", func() bool { return w.do("GET", files, cookie).StatusCode == 401 })
	t.Logf("a remembered exchange ended %s after the revocation", time.Since(begin))
}
