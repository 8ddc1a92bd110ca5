package httpapi

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// connectionBytes is what a connection may take of the memory limit; an idle one
	// takes less.
	connectionBytes = 32 << 10
	// maxConnections is how many there are at most where nothing limits the memory.
	maxConnections = 16 << 10
)

// limitMemory tells the runtime to collect harder before the container's limit is
// reached: at nine tenths of it, since not all memory is the heap's. GOMEMLIMIT,
// where it is set, stays.
//
// What the start left behind goes back to the system: a service that waits is small.
func limitMemory(limit int64) {
	debug.FreeOSMemory()
	forgetProgram()
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// connectionsFor gives how many connections there is memory for.
func connectionsFor(limit int64) int {
	if limit <= 0 {
		return maxConnections
	}
	return int(min(maxConnections, max(64, limit/connectionBytes)))
}

// MemoryLimit is what the process may take, in bytes: GOMEMLIMIT, or what its
// control group says. 0: nothing limits it.
func MemoryLimit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return limit
	}
	return memoryLimit(os.DirFS("/"))
}

// memoryLimit is the smallest limit that a control group sets for this process, in
// bytes; 0: none.
func memoryLimit(root fs.FS) int64 {
	groups, _ := fs.ReadFile(root, "proc/self/cgroup") // without it the roots are looked at
	// In a container the group is mounted at the root; outside it has a path.
	files := []string{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"}
	for line := range strings.Lines(string(groups)) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(line, ":")
		switch {
		case controllers == "":
			files = append(files, path.Join("sys/fs/cgroup", group, "memory.max"))
		case strings.Contains(controllers, "memory"):
			files = append(files, path.Join("sys/fs/cgroup/memory", group, "memory.limit_in_bytes"))
		}
	}
	least := int64(math.MaxInt64)
	for _, file := range files {
		content, err := fs.ReadFile(root, file)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil && limit > 0 { // "max" is none
			least = min(least, limit)
		}
	}
	const noLimit = 1 << 60 // what version 1 says for none
	if least >= noLimit {
		return 0
	}
	return least
}
