//go:build unix && !linux

package parts

import (
	"errors"
	"os"
	"syscall"
)

// ParentDeathSignal is true where a child ends with the process that started it, even when that one is killed.
const ParentDeathSignal = false

// dieWithParent has no counterpart here; the launcher's next start ends what a killed one left.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}

func unprivileged(string, string) (func(*syscall.SysProcAttr), error) {
	if os.Geteuid() == 0 {
		return nil, errors.New("PostgreSQL refuses to run as root: run this as an ordinary user")
	}
	return nil, nil
}
