package parts

import (
	"fmt"
	"os"
	"strings"
)

// stat returns a process's name, state letter and start time from /proc.
func stat(pid int) (name, state, started string, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", "", "", err
	}
	// The name stands in parentheses and may itself hold spaces and parentheses; the last ")" ends it.
	line := string(raw)
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return "", "", "", fmt.Errorf("unreadable /proc/%d/stat", pid)
	}
	rest := strings.Fields(line[end+1:])
	if len(rest) < 20 {
		return "", "", "", fmt.Errorf("unreadable /proc/%d/stat", pid)
	}
	return line[open+1 : end], rest[0], rest[19], nil
}
