package cache_test

import (
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
)

func TestRate_isReadAndWrittenAlike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]cache.Rate{
		"5/1m":       {Requests: 5, Per: time.Minute},
		"600/1m0s":   {Requests: 600, Per: time.Minute},
		"600/1m/50":  {Requests: 600, Per: time.Minute, Burst: 50},
		"10/1s":      {Requests: 10, Per: time.Second},
		"1000/24h/1": {Requests: 1000, Per: 24 * time.Hour, Burst: 1},
	} {
		var got cache.Rate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		written, _ := want.MarshalText()
		var again cache.Rate
		if err := again.UnmarshalText(written); err != nil || again != want {
			t.Errorf("%s is written as %s", text, written)
		}
	}
}

func TestRate_cannotBeSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "off", "0", "0/1m", "-5/1m", "5", "5/", "/1m", "5/0s", "5/-1m", "5/1ms", "5/1m/0", "5/1m/-1", "5/1m/2/3", "5/25h", "1e9/1m", "5 / 1m", "5/minute"} {
		var r cache.Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, r)
		}
	}
}
