package parts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// nobody is the unprivileged user of every Linux system.
const nobody = 65534

// ParentDeathSignal is true where a child ends with the process that started it, even when that one is killed.
const ParentDeathSignal = true

func dieWithParent(attr *syscall.SysProcAttr, s syscall.Signal) { attr.Pdeathsig = s }

// unprivileged returns how to run a program that refuses root. PostgreSQL does. In a user namespace of its own it sees
// itself as user 1000 while its files stay ours, so the data may lie anywhere, also below a private home.
// Where the kernel forbids namespaces the child becomes "nobody" and the folder is given to it.
func unprivileged(program, dir string) (func(*syscall.SysProcAttr), error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	probe := exec.Command(program, "--version")
	probe.SysProcAttr = &syscall.SysProcAttr{}
	ownNamespace(probe.SysProcAttr)
	if probe.Run() == nil {
		return ownNamespace, nil
	}
	if err := give(dir, nobody); err != nil {
		return nil, fmt.Errorf("hand %s to an unprivileged user: %w", dir, err)
	}
	return asNobody, nil
}

func ownNamespace(attr *syscall.SysProcAttr) {
	one := []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings, attr.GidMappings = one, one
}

func asNobody(attr *syscall.SysProcAttr) {
	attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
}

func give(dir string, uid int) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, uid)
	})
}
