package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc/PID/stat: USER_HZ, 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime is the user and system time of the processes and all their
// descendants, living and (for the named ones) reaped.
func cpuTime(pids ...int) time.Duration {
	var total int64
	for _, pid := range pids {
		total += ticks(pid, 11) + ticks(pid, 12) + ticks(pid, 13) + ticks(pid, 14)
		for _, child := range children(pid) {
			total += int64(cpuTime(child) / tick)
		}
	}
	return time.Duration(total) * tick
}

// ticks reads the nth field after the command's name in /proc/PID/stat.
func ticks(pid, n int) int64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= n {
		return 0
	}
	value, _ := strconv.ParseInt(fields[n], 10, 64)
	return value
}

func children(pid int) []int {
	var found []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		content, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(content)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

// residentMiB is the resident memory of a process and its descendants.
func residentMiB(pid int) float64 {
	kib := 0.0
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ = strconv.ParseFloat(strings.Fields(value)[0], 64)
		}
	}
	for _, child := range children(pid) {
		kib += residentMiB(child) * 1024
	}
	return kib / 1024
}
