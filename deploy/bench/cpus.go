package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// separate gives the gateways the first CPU for themselves; this process and
// whatever else it starts keep to the others, so that load does not push the
// gateway about. Without taskset or a second CPU everything shares.
func (b *bench) separate() {
	allowed, err := allowedCPUs()
	if err != nil || len(allowed) < 2 {
		return
	}
	if keepTo(allowed[1:]) != nil {
		return
	}
	b.gatewayCPU = strconv.Itoa(allowed[0])
	b.ends = append(b.ends, func() { _ = keepTo(allowed) })
}

// onGatewayCPU starts the program on the gateways' CPU, where there is one.
func (b *bench) onGatewayCPU(spec parts.Spec) parts.Spec {
	if b.gatewayCPU == "" {
		return spec
	}
	spec.Args = append([]string{"-c", b.gatewayCPU, spec.Path}, spec.Args...)
	spec.Path = "taskset"
	return spec
}

// keepTo moves every thread of this process.
func keepTo(cpus []int) error {
	list := strings.Trim(strings.ReplaceAll(fmt.Sprint(cpus), " ", ","), "[]")
	return exec.Command("taskset", "-a", "-p", "-c", list, strconv.Itoa(os.Getpid())).Run()
}

// allowedCPUs are those that this process may run on.
func allowedCPUs() ([]int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	_, rest, found := strings.Cut(string(status), "Cpus_allowed_list:")
	if !found {
		return nil, errors.New("no list of CPUs")
	}
	list, _, _ := strings.Cut(rest, "\n")
	return parseCPUs(strings.TrimSpace(list))
}

// parseCPUs reads a list as the kernel writes it, such as 0-3,8.
func parseCPUs(list string) ([]int, error) {
	var cpus []int
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		if err != nil {
			return nil, err
		}
		to, err := strconv.Atoi(last)
		if err != nil {
			return nil, err
		}
		for cpu := from; cpu <= to; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
