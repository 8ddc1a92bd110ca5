// Package garbage bounds how much memory lies about between two collections.
//
// The runtime lets the heap double. What a gateway holds is its connections, and what
// it throws away does not grow with them: a fixed room for it makes a connection cost
// what it holds, and collects less often while there are few.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	room = 16 << 20 // bytes
	// A collection costs what is held: at least a quarter of it must be won.
	least, most = 25, 400
)

// Bound sets the room anew after each collection, from now on. GOGC, where it is
// set, stays.
func Bound() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(most)
		watch(most)
	}
}

// mark is an object that nobody holds: the next collection finds it.
type mark struct{ _ [4]*mark }

func watch(percent int) {
	runtime.AddCleanup(new(mark), func(percent int) {
		if next := share(held()); next*8 < percent*7 || next*7 > percent*8 { // a change stops the world
			percent = next
			debug.SetGCPercent(percent)
		}
		watch(percent)
	}, percent)
}

// share is the room in percent of what is held.
func share(held uint64) int {
	return int(min(most, max(least, 100*room/max(1, held))))
}

// held is what the last collection left, and the stacks: GOGC counts both.
func held() uint64 {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(read)
	return read[0].Value.Uint64() + read[1].Value.Uint64()
}
