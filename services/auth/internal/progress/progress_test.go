package progress_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"

	"github.com/codex-platform/codex/services/auth/internal/progress"
)

func TestBar_tellsRateAndTimeLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	b := progress.New(&out, "users", 1000, progress.Things, func() time.Time { return now })
	b.Set(1)
	now = now.Add(20 * time.Second)
	b.Set(250)
	b.Set(260)
	now = now.Add(60 * time.Second)
	b.Done(1000)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "[######..................]  25 %  250 of 1000, 12/s, 1m0s left") || !strings.Contains(lines[1], "1000 in 1m20s") {
		t.Errorf("%q", lines)
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{512: "0.5 KiB", 3 << 20: "3.0 MiB", 3 << 29: "1.50 GiB"} {
		if got := progress.Bytes(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

func TestBar_countsWhatThisRunDid(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	var out strings.Builder
	b := progress.New(&out, "user", 1000, progress.Things, clock.Now)
	b.From(500)
	clock.Advance(10 * time.Second)
	b.Set(600)
	if !strings.Contains(out.String(), "600 of 1000, 10/s, 40s left") {
		t.Error(out.String())
	}
}
