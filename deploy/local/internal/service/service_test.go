package service_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/local/internal/service"
)

// nothing keeps no list.
type nothing struct{}

func (nothing) Remember(int) error { return nil }
func (nothing) Forget(int) error   { return nil }

// script is a program for the service to run; ready is where it seems to answer.
func script(t *testing.T, body, ready string) (*service.Service, chan struct{}) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 10)
	s := &service.Service{
		Name: "program", Binary: path, Env: os.Environ(), Ready: ready, Output: io.Discard, Register: nothing{},
		Say: func(string, ...any) {}, Changed: func() { changed <- struct{}{} },
	}
	t.Cleanup(func() { s.Stop() })
	return s, changed
}

func answering(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestStart_failsWithTheLastLinesOfAProgramThatEnds(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	s, _ := script(t, "echo DATABASE_URL is missing; exit 2", "http://"+closed.Addr().String())

	err = s.Start(t.Context())

	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL is missing") || !strings.Contains(err.Error(), "exit status 2") {
		t.Fatalf("got %v", err)
	}
}

func TestService_startsAgainAfterACrash(t *testing.T) {
	t.Parallel()
	s, changed := script(t, "exec sleep 600", answering(t))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	crashed := s.Pid()
	if err := syscall.Kill(crashed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	wait(t, changed)

	if pid := s.Pid(); pid == 0 || pid == crashed {
		t.Fatalf("process %d, want a new one instead of %d", pid, crashed)
	}
}

func TestReplace_runsTheNewProgramAndEndsTheOld(t *testing.T) {
	t.Parallel()
	s, changed := script(t, "exec sleep 600", answering(t))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := s.Pid()

	if err := s.Replace(t.Context()); err != nil {
		t.Fatal(err)
	}

	wait(t, changed)
	if pid := s.Pid(); pid == 0 || pid == old {
		t.Fatalf("process %d, want a new one instead of %d", pid, old)
	}
	if err := syscall.Kill(old, 0); err == nil {
		t.Error("the old process still runs")
	}
}

func wait(t *testing.T, c <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case <-c:
	case <-ctx.Done():
		t.Fatal("nothing happened")
	}
}
