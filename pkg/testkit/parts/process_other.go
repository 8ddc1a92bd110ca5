//go:build unix && !linux

package parts

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// stat asks ps for a process's name, state and start time.
func stat(pid int) (name, state, started string, err error) {
	out, err := exec.Command("ps", "-o", "stat=,lstart=,comm=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "", "", "", fmt.Errorf("ps of %d: %w", pid, err)
	}
	f := strings.Fields(string(out)) // S Mon Jan 2 15:04:05 2006 /path/name
	if len(f) < 7 {
		return "", "", "", fmt.Errorf("ps of %d: unreadable", pid)
	}
	return filepath.Base(strings.Join(f[6:], " ")), f[0], strings.Join(f[1:6], " "), nil
}
