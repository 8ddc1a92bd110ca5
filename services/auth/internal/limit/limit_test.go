package limit_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/problem"

	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

var home, away = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")

func minute(n int) cache.Rate { return cache.Rate{Requests: n, Per: time.Minute} }

func limits(r limit.Rules) *limit.Limits {
	return &limit.Limits{Limiter: cache.NewLimiter(nil, "test", slog.New(slog.DiscardHandler)), Rules: r}
}

func TestSignIn_countsPairAndAccount(t *testing.T) {
	t.Parallel()
	l := limits(limit.Rules{SignInPair: minute(2), SignInAccount: minute(3), SignInAll: minute(100)})
	for i, step := range []struct {
		from    netip.Addr
		email   string
		refused bool
	}{
		{home, "ada", false}, {home, "ada", false}, {home, "ada", true}, // the pair is used up
		{away, "ada", false}, {away, "ada", true}, // and now the account
		{home, "eve", false}, // another one is not
		{netip.Addr{}, "eve", false},
	} {
		err := l.SignIn(t.Context(), step.from, step.email)
		if (err != nil) != step.refused {
			t.Errorf("step %d: %v", i, err)
		}
		var p *problem.Problem
		if step.refused && (!errors.Is(err, wire.ErrTooMany) || !errors.As(err, &p) || p.RetryAfter <= 0) {
			t.Errorf("step %d: %v without a time to wait", i, err)
		}
	}
}

func TestSignIn_countsAllAccountsTogether(t *testing.T) {
	t.Parallel()
	l := limits(limit.Rules{SignInAll: minute(2)})
	for i, email := range []string{"a", "b", "c"} {
		if err := l.SignIn(t.Context(), home, email); (err != nil) != (i == 2) {
			t.Errorf("try %d: %v", i, err)
		}
	}
}

func TestLimits_ofZeroAndNoneLetEverythingThrough(t *testing.T) {
	t.Parallel()
	for _, l := range []*limit.Limits{nil, limits(limit.Rules{})} {
		for range 50 {
			if err := errors.Join(l.SignIn(t.Context(), home, "ada"), l.Password(t.Context(), "id"), l.Letter(t.Context(), "ada"), l.LetterBy(t.Context(), "id", "ada")); err != nil || !l.MayWrite(t.Context(), "ada") {
				t.Fatal(err)
			}
		}
	}
}

func TestAddress_hasAPresetForEachKindOfCall(t *testing.T) {
	t.Parallel()
	check := limits(limit.Rules{StrictPaths: minute(1), AuthPaths: minute(2), Reads: minute(3)}).Address("/api/auth", nil)
	for call, allowed := range map[string]int{
		"POST /api/auth/sign-in/email": 1, "POST /api/auth/sign-out": 2, "GET /api/auth/get-session": 3,
	} {
		method, path, _ := strings.Cut(call, " ")
		answer := http.Header{}
		for i := range allowed + 1 {
			err := check(httptest.NewRequest(method, path, nil), home, answer)
			if (err != nil) != (i == allowed) {
				t.Errorf("%s, call %d: %v", call, i+1, err)
			}
		}
		if answer.Get("RateLimit") == "" || !strings.Contains(answer.Get("RateLimit-Policy"), ";w=60") {
			t.Errorf("%s: %v", call, answer)
		}
	}
	// Reset links are where tokens can be guessed; they share the strict count.
	if err := check(httptest.NewRequest(http.MethodGet, "/api/auth/reset-password/x", nil), home, http.Header{}); err == nil {
		t.Error("guessing reset tokens is not counted with guessing passwords")
	}
	if err := check(httptest.NewRequest(http.MethodPost, "/api/auth/sign-in/email", nil), away, http.Header{}); err != nil {
		t.Errorf("another address: %v", err)
	}
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ on, ok bool }{"on": {true, true}, "off": {false, true}, "true": {}, "": {}} {
		var s limit.Switch
		if err := s.UnmarshalText([]byte(text)); (err == nil) != want.ok || bool(s) != want.on {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}
