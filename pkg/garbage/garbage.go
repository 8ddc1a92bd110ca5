// Package garbage bounds how much memory lies about between two collections.
//
// The runtime lets the heap double, from 4 MiB on. A service that holds little and
// throws away much, such as the memory of a password's hash, would collect for every
// request. So the room for garbage is made for a service that holds little, which is
// collected seldom, and gets less as more is held: what is held are connections and
// work in hand, and where there are many, most wait.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	floor  = 4 << 20 // bytes of the smallest heap at 100 percent, which GOGC scales as well
	shrink = 12      // a byte of room less for so many that are held
	least  = 16      // percent; a collection costs what is held: at least a sixth of it must be won
)

// Bound gives garbage so many bytes of room while little is held, and sets the room
// anew after each collection, from now on. GOGC, where it is set, stays.
func Bound(room uint64) {
	if os.Getenv("GOGC") == "" {
		percent := share(room, 0)
		debug.SetGCPercent(percent)
		watch(room, percent)
	}
}

// mark is an object that nobody holds: the next collection finds it.
type mark struct{ _ [4]*mark }

func watch(room uint64, percent int) {
	runtime.AddCleanup(new(mark), func(percent int) {
		if next := share(room, held()); next*8 < percent*7 || next*7 > percent*8 { // a change stops the world
			percent = next
			debug.SetGCPercent(percent)
		}
		watch(room, percent)
	}, percent)
}

// share is the room in percent of what is held.
func share(room, held uint64) int {
	left := room - min(room, held/shrink)
	return int(max(least, 100*left/max(floor, held)))
}

// held is what the last collection left, and the stacks: GOGC counts both.
func held() uint64 {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(read)
	return read[0].Value.Uint64() + read[1].Value.Uint64()
}
