package page

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestWords_areTheSameInEveryLanguage(t *testing.T) {
	t.Parallel()
	codes := slices.Sorted(maps.Keys(tongues[0].said))
	for _, spoken := range tongues {
		if got := slices.Sorted(maps.Keys(spoken.said)); !slices.Equal(got, codes) {
			t.Errorf("%s: %v\nwant %v", spoken.Lang, got, codes)
		}
	}
	for code, meant := range same {
		if _, known := tongues[0].said[meant]; !known {
			t.Errorf("%s means %s, which has no words", code, meant)
		}
	}
}

func TestSpeak(t *testing.T) {
	t.Parallel()
	for accepted, want := range map[string]string{
		"": "en", "de-AT,de;q=0.9,en;q=0.5": "de", "fr,en;q=0.1": "en", "fr, de;q=0.5": "de", "nonsense;;;": "en", strings.Repeat("de,", 10_000): "de",
	} {
		if got := speak(accepted).Lang; got != want {
			t.Errorf("%.30q: %s, want %s", accepted, got, want)
		}
	}
	if de := speak("de"); de.about("STATE_MISMATCH") != de.about("state_not_found") || de.about("state_mismatch") == de.about("x") || de.about("x") != de.said[""] {
		t.Error("codes are told apart by their case, or not at all")
	}
}
