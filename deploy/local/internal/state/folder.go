// Package state owns the folder in which the development stack keeps its data: one launcher at a time, the secrets it
// made, the processes it started, and the file that tells tools where everything is.
package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

const (
	lockFile     = "lock"
	devFile      = "dev.json"
	childrenFile = "children.json"
)

// Folder is the state folder while this process holds it.
type Folder struct {
	Dir string // absolute

	lock     *os.File
	children children
}

// Open makes the folder and takes its lock; the error names who holds it. The system gives the lock back however this
// process ends.
func Open(dir string) (*Folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	path := filepath.Join(abs, lockFile)
	f, ok, err := parts.TryLock(path, false)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("the stack in %s is already up, started by %s", abs, holder(path))
	}
	me, err := parts.Identify(os.Getpid())
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(me)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(0), write(f, raw)); err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	os.Remove(filepath.Join(abs, devFile)) // it means "ready", and we are not
	return &Folder{Dir: abs, lock: f, children: children{path: filepath.Join(abs, childrenFile)}}, nil
}

func write(f *os.File, raw []byte) error {
	_, err := f.WriteAt(raw, 0)
	return err
}

func holder(path string) string {
	var p parts.Process
	raw, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return "another process"
	}
	return fmt.Sprintf("%s (pid %d): stop that one first, with Ctrl-C in its terminal or kill %d", p.Name, p.Pid, p.Pid)
}

// Path is a file or folder inside.
func (f *Folder) Path(elem ...string) string {
	return filepath.Join(append([]string{f.Dir}, elem...)...)
}

// Publish writes dev.json, which only its owner may read: it holds the secrets.
func (f *Folder) Publish(v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return replace(f.Path(devFile), append(raw, '\n'))
}

// Close takes dev.json away and gives the folder back.
func (f *Folder) Close() {
	os.Remove(f.Path(devFile))
	f.lock.Close()
}

// Remember notes a child, so that the next start can end it if this process is killed.
func (f *Folder) Remember(pid int) error { return f.children.add(pid) }

// Forget takes a child off the list after it has ended.
func (f *Folder) Forget(pid int) error { return f.children.remove(pid) }

// EndLeftovers ends what a killed launcher left running and tells how many that were.
func (f *Folder) EndLeftovers(ctx context.Context) (int, error) {
	ended := 0
	for _, p := range f.children.load() {
		if p.Alive() {
			ended++
			p.End(ctx, stopSignal(p), 10*time.Second)
		}
	}
	return ended, f.children.clear()
}

// KillChildren ends every child and what it started, without waiting.
func (f *Folder) KillChildren() {
	for _, p := range f.children.load() {
		if p.Alive() {
			_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
		}
	}
}

// stopSignal: PostgreSQL waits for its clients to leave on SIGTERM.
func stopSignal(p parts.Process) syscall.Signal {
	if p.Name == "postgres" {
		return syscall.SIGINT
	}
	return syscall.SIGTERM
}

// replace writes a file in one step.
func replace(path string, content []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
