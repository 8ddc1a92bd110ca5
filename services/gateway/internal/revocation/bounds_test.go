package revocation_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/gateway/internal/revocation"
)

func TestSet_forgetsTheOldestOfTooManyAndSaysSo(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := revocation.NewSet(func() time.Time { return noon }, slog.New(slog.NewTextHandler(&log, nil))).Limit(100)
	for i := range 150 {
		s.Apply(cache.Revocation{SessionID: fmt.Sprint("s", i), Until: noon.Add(15 * time.Minute)})
	}
	for i := range 150 {
		if got := s.Refuses(claims("u", fmt.Sprint("s", i), noon), time.Time{}); got != (i >= 50) {
			t.Errorf("s%d refused: %v", i, got)
		}
	}
	if n := strings.Count(log.String(), "too many revocations"); n != 1 {
		t.Errorf("said %d times, want once a minute", n)
	}
}

// The feed shows a minute again after a lost link: that must not push others out.
func TestSet_takesTheSameAgainForNothing(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(noon)
	s := revocation.NewSet(clock.Now, quiet).Limit(10)
	s.Apply(cache.Revocation{SessionID: "first", Until: noon.Add(15 * time.Minute)})
	for range 100 {
		clock.Advance(time.Second)
		s.Apply(cache.Revocation{SessionID: "again", Until: noon.Add(15 * time.Minute)})
		s.Apply(cache.Revocation{UserID: "u1", At: noon, Until: noon.Add(15 * time.Minute)})
	}
	if !s.Refuses(claims("x", "first", noon), time.Time{}) || !s.Refuses(claims("u1", "y", noon), time.Time{}) {
		t.Error("an entry was pushed out by repetitions")
	}
	// What auth gave after the user's end was known stays good.
	if s.Refuses(claims("u1", "y", noon), noon.Add(2*time.Second)) {
		t.Error("a repetition counts as news")
	}
}

func TestSet_anEntryThatWasProlongedOutlivesItsFirstEnd(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(noon)
	s := revocation.NewSet(clock.Now, quiet)
	s.Apply(cache.Revocation{SessionID: "s", Until: noon.Add(time.Minute)})
	s.Apply(cache.Revocation{SessionID: "s", Until: noon.Add(time.Hour)})
	clock.Advance(30 * time.Minute)
	s.Apply(cache.Revocation{SessionID: "other", Until: noon.Add(time.Hour)})
	if !s.Refuses(claims("u", "s", noon), time.Time{}) {
		t.Error("forgotten too early")
	}
}

func TestWatch_makesRoomByEndingTheOldest(t *testing.T) {
	t.Parallel()
	s := revocation.NewSet(func() time.Time { return noon }, quiet)
	first, second := s.Watch(claims("u", "first", noon), time.Time{}), s.Watch(claims("u", "second", noon), time.Time{})
	s.Watch(claims("u", "first", noon), time.Time{}) // asked for again: no longer the oldest
	for i := range revocation.Watched - 1 {
		s.Watch(claims("u", fmt.Sprint("s", i), noon), time.Time{})
	}
	select {
	case <-second:
	default:
		t.Error("the oldest is still watched")
	}
	select {
	case <-first:
		t.Error("one that was asked for later is not watched any more")
	default:
	}
	if s.Refuses(claims("u", "second", noon), time.Time{}) {
		t.Error("the session itself was ended")
	}
}

func TestWatch_ofASessionThatGotANewTokenAfterItsUsersEndGoesOn(t *testing.T) {
	t.Parallel()
	s := revocation.NewSet(func() time.Time { return noon }, quiet)
	s.Watch(claims("u", "s", noon.Add(-time.Minute)), time.Time{})
	wait := s.Watch(claims("u", "s", noon.Add(time.Minute)), time.Time{})
	s.Apply(cache.Revocation{UserID: "u", At: noon})
	select {
	case <-wait:
		t.Error("a session that auth renewed after the revocation was ended")
	default:
	}
}

func BenchmarkApply(b *testing.B) {
	s := revocation.NewSet(time.Now, quiet)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Apply(cache.Revocation{SessionID: fmt.Sprint("session-", i)})
	}
}
