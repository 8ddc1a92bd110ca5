// Package garbage bounds how much memory lies about between two collections.
//
// The runtime lets the heap double. What a gateway holds is its connections, and what
// it throws away does not grow with them: where there are many, most wait. So the room
// for it is made for few connections, which are collected seldom, and gets less as more
// is held: a connection costs what it holds, or less.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	room   = 16 << 20 // bytes while nothing is held
	shrink = 12       // a byte less for so many that are held
	// A collection costs what is held: at least a sixth of it must be won.
	least, most = 16, 400
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
	left := room - min(room, held/shrink)
	return int(min(most, max(least, 100*left/max(1, held))))
}

// held is what the last collection left, and the stacks: GOGC counts both.
func held() uint64 {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(read)
	return read[0].Value.Uint64() + read[1].Value.Uint64()
}
