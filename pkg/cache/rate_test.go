package cache_test

import (
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
)

func TestRateIsWrittenAsItIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]cache.Rate{
		"600/1m":    {Requests: 600, Per: time.Minute},
		"5/1h0m0s":  {Requests: 5, Per: time.Hour},
		"600/1m/50": {Requests: 600, Per: time.Minute, Burst: 50},
	} {
		var got cache.Rate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is read as %+v (%v)", text, got, err)
		}
		again, err := got.MarshalText()
		var back cache.Rate
		if err != nil || back.UnmarshalText(again) != nil || back != want {
			t.Errorf("%s is written as %s (%v)", text, again, err)
		}
	}
}

func TestRateRefusesWhatIsNoLimit(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "off", "0/1m", "-1/1m", "5", "5/1", "5/0s", "5/48h", "5/1m/0", "5/1m/1/1"} {
		if err := new(cache.Rate).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as a limit", text)
		}
	}
}
