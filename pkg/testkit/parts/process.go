package parts

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// Process names one process for good: a process id alone is given again once its owner is gone.
type Process struct {
	Pid     int    `json:"pid"`
	Started string `json:"started"` // as the system counts it; only compared
	Name    string `json:"name"`
}

// Identify returns the running process with this id.
func Identify(pid int) (Process, error) {
	name, _, started, err := stat(pid)
	if err != nil {
		return Process{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return Process{Pid: pid, Started: started, Name: name}, nil
}

// Alive is true while the process runs; one that waits only to be collected by its parent is over.
func (p Process) Alive() bool {
	if p.Pid <= 0 {
		return false
	}
	_, state, started, err := stat(p.Pid)
	return err == nil && started == p.Started && !strings.HasPrefix(state, "Z")
}

// End asks the process to end with a signal, waits up to patience, and then kills its group.
// It never touches a process that got the same id later.
func (p Process) End(ctx context.Context, ask syscall.Signal, patience time.Duration) {
	if !p.Alive() {
		return
	}
	_ = syscall.Kill(p.Pid, ask)
	if p.gone(ctx, patience) {
		return
	}
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	p.gone(ctx, time.Second)
}

func (p Process) gone(ctx context.Context, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for p.Alive() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
