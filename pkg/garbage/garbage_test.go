package garbage

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// room is that of most tests: four times the smallest heap.
const room = 16 << 20

func TestShare(t *testing.T) {
	t.Parallel()
	for held, want := range map[uint64]int{0: 400, 1 << 20: 397, 16 << 20: 91, 32 << 20: 41, 64 << 20: 16, 1 << 30: least} {
		if got := share(room, held); got != want {
			t.Errorf("share(%d MiB) = %d, want %d", held>>20, got, want)
		}
	}
}

// gogc reads the setting, which only setting it tells.
func gogc() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

func TestBound_followsWhatIsHeld(t *testing.T) {
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(gogc())
	Bound(room)
	if now := gogc(); now != 400 {
		t.Errorf("%d while little is held", now)
	}
	held := make([]*[1 << 20]byte, 64)
	for i := range held {
		held[i] = new([1 << 20]byte)
	}
	limit := time.After(10 * time.Second)
	for gogc() != least {
		runtime.GC()
		select {
		case <-limit:
			t.Fatalf("%d while 64 MiB are held", gogc())
		default:
		}
	}
	runtime.KeepAlive(held)
}

func TestBound_leavesWhatSomebodySet(t *testing.T) {
	t.Setenv("GOGC", "77")
	before := gogc()
	Bound(room)
	if now := gogc(); now != before {
		t.Errorf("%d, was %d", now, before)
	}
}
