package revocation_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/gateway/internal/revocation"
)

var quiet = slog.New(slog.DiscardHandler)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func claims(user, session string, issued time.Time) security.Claims {
	return security.Claims{Subject: user, SessionID: session, IssuedAt: issued, ExpiresAt: issued.Add(15 * time.Minute)}
}

func TestSet_refusesTheSessionAndNoOther(t *testing.T) {
	t.Parallel()
	s := revocation.NewSet(func() time.Time { return noon }, quiet)
	before := s.Epoch()
	s.Apply(cache.Revocation{SessionID: "s1", UserID: "u1", At: noon, Until: noon.Add(15 * time.Minute)})
	if s.Epoch() == before {
		t.Error("the epoch stands still")
	}
	if !s.Refuses(claims("u1", "s1", noon.Add(time.Minute)), time.Time{}) || !s.Refuses(claims("u1", "s1", noon), noon.Add(time.Hour)) {
		t.Error("the session passes")
	}
	if s.Refuses(claims("u1", "s2", noon.Add(-time.Minute)), time.Time{}) {
		t.Error("another session of the user is refused")
	}
}

func TestSet_refusesWhatTheUserGotBefore(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(noon)
	s := revocation.NewSet(clock.Now, quiet)
	s.Apply(cache.Revocation{UserID: "u1", At: noon.Add(300 * time.Millisecond), Until: noon.Add(15 * time.Minute)})
	for name, tc := range map[string]struct {
		claims security.Claims
		asked  time.Time
		want   bool
	}{
		"issued before":                 {claims("u1", "a", noon.Add(-time.Second)), time.Time{}, true},
		"issued in the same second":     {claims("u1", "a", noon), time.Time{}, true},
		"issued a second later":         {claims("u1", "a", noon.Add(time.Second)), time.Time{}, false},
		"auth was asked after we knew":  {claims("u1", "a", noon), noon.Add(time.Millisecond), false},
		"auth was asked before we knew": {claims("u1", "a", noon), noon.Add(-time.Millisecond), true},
		"another user":                  {claims("u2", "a", noon.Add(-time.Hour)), time.Time{}, false},
	} {
		if got := s.Refuses(tc.claims, tc.asked); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	// An older entry that comes late does not undo a newer one.
	s.Apply(cache.Revocation{UserID: "u1", At: noon.Add(-time.Hour), Until: noon.Add(15 * time.Minute)})
	if !s.Refuses(claims("u1", "a", noon), time.Time{}) {
		t.Error("an old entry undid a newer one")
	}
}

func TestSet_forgetsWhatCanRefuseNothingAnyMore(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(noon)
	s := revocation.NewSet(clock.Now, quiet)
	for i := range 1000 {
		s.Apply(cache.Revocation{SessionID: fmt.Sprint("s", i), At: clock.Now(), Until: clock.Now().Add(15 * time.Minute)})
	}
	s.Apply(cache.Revocation{UserID: "u1", At: noon, Until: noon.Add(15 * time.Minute)})
	clock.Advance(71 * time.Minute)
	s.Apply(cache.Revocation{SessionID: "new"}) // no end of its own
	if s.Refuses(claims("x", "s1", noon), time.Time{}) || s.Refuses(claims("u1", "y", noon), time.Time{}) {
		t.Error("an ended entry still refuses")
	}
	if !s.Refuses(claims("x", "new", noon), time.Time{}) {
		t.Error("the new entry does not refuse")
	}
}

func BenchmarkRefuses(b *testing.B) {
	s := revocation.NewSet(time.Now, quiet)
	for i := range 100_000 {
		s.Apply(cache.Revocation{SessionID: fmt.Sprint("s", i)})
	}
	c := claims("u1", "live", time.Now())
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if s.Refuses(c, time.Time{}) {
				b.Fail()
			}
		}
	})
}
