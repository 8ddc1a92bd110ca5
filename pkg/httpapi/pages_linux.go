package httpapi

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetProgram unmaps the pages of the program's code and constants, about half of
// which only the start needed. The kernel maps one again where it is used next: it
// keeps them as a cache of the file, and can drop that where memory is short.
func forgetProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, _ := os.ReadFile("/proc/self/maps") // without it the pages stay
	for line := range strings.Lines(string(maps)) {
		if from, size, ok := unchanged(line, program); ok {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, size, unix.MADV_DONTNEED)
		}
	}
}

// unchanged reads a line of /proc/self/maps (proc(5)): where the program's file is
// mapped and cannot be written to, so that every page of it is in the file as well.
func unchanged(line, program string) (from, size uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || !strings.HasSuffix(strings.TrimSuffix(line, "\n"), " "+program) || strings.Contains(fields[1], "w") {
		return 0, 0, false
	}
	low, high, _ := strings.Cut(fields[0], "-")
	start, err1 := strconv.ParseUint(low, 16, strconv.IntSize)
	end, err2 := strconv.ParseUint(high, 16, strconv.IntSize)
	return uintptr(start), uintptr(end - start), err1 == nil && err2 == nil && start < end
}
