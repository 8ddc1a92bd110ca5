// Package service runs one service's program: it starts it, waits until it is ready, starts it again when it ends by
// itself, and replaces it by a newer one.
package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

const (
	readyLimit   = 60 * time.Second
	firstPause   = 500 * time.Millisecond
	longestPause = 10 * time.Second
	healthy      = 30 * time.Second // who ran this long is not in a crash loop
)

// Register keeps the list of running processes for the case that the launcher is killed.
type Register interface {
	Remember(pid int) error
	Forget(pid int) error
}

// Service is one service of the stack.
type Service struct {
	Name     string
	Binary   string
	Env      []string
	Ready    string // URL of /readyz
	Output   io.Writer
	Register Register
	// Say tells the person at the terminal what happened.
	Say func(format string, args ...any)
	// Changed is called after another process took over.
	Changed func()

	mu      sync.Mutex
	child   *parts.Child
	stopped chan struct{} // closed by Stop
}

// Start runs the program and returns when it is ready, or with its last lines when it ended or took too long.
func (s *Service) Start(ctx context.Context) error {
	stopped := make(chan struct{})
	s.mu.Lock()
	s.stopped = stopped
	s.mu.Unlock()
	child, err := s.spawn()
	if err != nil {
		return err
	}
	if err := s.await(ctx, child); err != nil {
		s.drop(child)
		return err
	}
	go s.keep(child, stopped)
	return nil
}

func (s *Service) spawn() (*parts.Child, error) {
	child, err := parts.Start(parts.Spec{Name: s.Name, Path: s.Binary, Args: []string{"serve"}, Env: s.Env, Output: s.Output})
	if err != nil {
		return nil, err
	}
	if err := s.Register.Remember(child.Pid()); err != nil {
		child.Kill()
		return nil, err
	}
	s.mu.Lock()
	s.child = child
	s.mu.Unlock()
	return child, nil
}

// await polls /readyz.
func (s *Service) await(ctx context.Context, child *parts.Child) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		status, body := get(ctx, s.Ready)
		if status == http.StatusOK {
			return nil
		}
		select {
		case <-child.Done():
			return child.Err()
		case <-ctx.Done():
			if ctx.Err() == context.Canceled {
				return ctx.Err()
			}
			return fmt.Errorf("%s is not ready after %s: %s\n%s", s.Name, readyLimit, body, child.LastLines())
		case <-tick.C:
		}
	}
}

func get(ctx context.Context, url string) (status int, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"?verbose", nil)
	if err != nil {
		return 0, err.Error()
	}
	res, err := (&http.Client{Timeout: 2 * time.Second}).Do(req)
	if err != nil {
		return 0, "no answer"
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	return res.StatusCode, strings.TrimSpace(string(text))
}

// keep starts the program again each time it ends by itself, until stopped is closed.
func (s *Service) keep(child *parts.Child, stopped <-chan struct{}) {
	pause := firstPause
	for {
		began := time.Now()
		<-child.Done()
		if !s.current(child) {
			return
		}
		s.forget(child)
		if time.Since(began) > healthy {
			pause = firstPause
		}
		s.Say("%v\n%s starts again in %s", child.Err(), s.Name, pause)
		select {
		case <-stopped:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
		if !s.current(child) { // a rebuilt one has taken over
			return
		}
		next, err := s.spawn()
		if err != nil {
			s.Say("%v", err)
			return
		}
		child = next
		s.Changed()
	}
}

func (s *Service) current(child *parts.Child) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child == child
}

// Replace stops the running program and starts what its file holds now.
func (s *Service) Replace(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		s.Say("%v", err)
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	s.Changed()
	return nil
}

// Stop ends the program in order. The error says that it had to be killed.
func (s *Service) Stop() error {
	child := s.take()
	if child == nil {
		return nil
	}
	defer s.forget(child)
	return child.Stop()
}

// take makes the end of the program an expected one.
func (s *Service) take() *parts.Child {
	s.mu.Lock()
	defer s.mu.Unlock()
	child := s.child
	s.child = nil
	if s.stopped != nil {
		close(s.stopped)
		s.stopped = nil
	}
	return child
}

// drop ends a program that did not become ready.
func (s *Service) drop(child *parts.Child) {
	if s.current(child) {
		s.take()
	}
	child.Kill()
	s.forget(child)
}

func (s *Service) forget(child *parts.Child) {
	if err := s.Register.Forget(child.Pid()); err != nil {
		s.Say("%v", err)
	}
}

// Pid is the running program's process id, or 0.
func (s *Service) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		return 0
	}
	return s.child.Pid()
}
