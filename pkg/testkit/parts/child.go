// Package parts finds and runs the backing parts of Codex as child processes: PostgreSQL, Redis and an S3 server.
// The tests and the development launcher use the same ones. Nothing here knows a service.
package parts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Spec says what to run and how it is to end.
type Spec struct {
	Name   string         // for messages
	Path   string         // the program
	Args   []string       // without the program's own name
	Env    []string       // the whole environment; nil passes on ours
	Dir    string         // working folder
	Output io.Writer      // receives stdout and stderr; may be nil
	Stop   syscall.Signal // asks it to end; SIGTERM when zero
	Orphan syscall.Signal // what it gets when this process dies (Linux); SIGKILL when zero
	Grace  time.Duration  // how long Stop waits before it kills; 10 s when zero

	attr func(*syscall.SysProcAttr) // how to drop root, for programs that refuse it
}

// Child is a program that this process started and must not leave behind.
type Child struct {
	spec Spec
	cmd  *exec.Cmd
	tail *tail
	done chan struct{}
	err  error
}

// Start runs a program in its own process group.
func Start(spec Spec) (*Child, error) {
	if spec.Stop == 0 {
		spec.Stop = syscall.SIGTERM
	}
	if spec.Orphan == 0 {
		spec.Orphan = syscall.SIGKILL
	}
	if spec.Grace == 0 {
		spec.Grace = 10 * time.Second
	}
	c := &Child{spec: spec, cmd: exec.Command(spec.Path, spec.Args...), tail: &tail{next: spec.Output}, done: make(chan struct{})}
	c.cmd.Env, c.cmd.Dir = spec.Env, spec.Dir
	c.cmd.Stdout, c.cmd.Stderr = c.tail, c.tail
	c.cmd.WaitDelay = time.Second // a grandchild that keeps the pipe open must not keep us waiting
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(c.cmd.SysProcAttr, spec.Orphan)
	if spec.attr != nil {
		spec.attr(c.cmd.SysProcAttr)
	}
	started := make(chan error)
	go c.live(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	return c, nil
}

// live holds one system thread for as long as the child runs: Linux sends the parent-death signal when the thread
// that started the child ends, not when the process does.
func (c *Child) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	close(c.done)
}

// Pid is the process id, which is also the id of its process group.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Done is closed when the program has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err tells how the program ended, with its last lines; it waits for the end.
func (c *Child) Err() error {
	<-c.done
	state := "exit status 0"
	if c.err != nil {
		state = c.err.Error()
	}
	return fmt.Errorf("%s ended (%s)%s", c.spec.Name, state, c.tail.indented())
}

// Signal sends a signal to the program alone, not to its group.
func (c *Child) Signal(s os.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", c.spec.Name, err)
	}
	return nil
}

// Stop asks the program to end, waits, and kills its group when it does not. It returns an error only when it had to kill.
func (c *Child) Stop() error {
	if err := c.Signal(c.spec.Stop); err != nil {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-time.After(c.spec.Grace):
		c.Kill()
		return fmt.Errorf("%s did not end within %s and was killed", c.spec.Name, c.spec.Grace)
	}
}

// Kill ends the program and whatever it started, at once, and waits for it.
func (c *Child) Kill() {
	_ = syscall.Kill(-c.Pid(), syscall.SIGKILL)
	<-c.done
}

// LastLines returns the end of what the program printed.
func (c *Child) LastLines() string { return strings.Join(c.tail.snapshot(), "\n") }
