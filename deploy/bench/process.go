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

// cpuTime is the user and system time of the process and all its descendants,
// living and reaped.
func cpuTime(pid int) time.Duration {
	total := time.Duration(ticks(pid, 11)+ticks(pid, 12)+ticks(pid, 13)+ticks(pid, 14)) * tick
	for _, child := range children(pid) {
		total += cpuTime(child)
	}
	return total
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
func residentMiB(pid int) float64 { return memoryMiB(pid, "VmRSS:") }

// peakMiB is the most that was ever resident of a process and its descendants.
func peakMiB(pid int) float64 { return memoryMiB(pid, "VmHWM:") }

func memoryMiB(pid int, line string) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), line)
	var kib, mib float64
	_, _ = fmt.Sscan(rest, &kib)
	mib = kib / 1024
	for _, child := range children(pid) {
		mib += memoryMiB(child, line)
	}
	return mib
}
