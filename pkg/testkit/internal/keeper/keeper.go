package keeper

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

const (
	usersFile = "users.lock"
	stateFile = "state.json"
	logFile   = "keeper.log"
	keepFile  = "keep"
	runsDir   = "runs"
	dataDir   = "data"

	keepFor    = time.Hour
	watchEvery = 200 * time.Millisecond

	// these variables make a test program a keeper
	kindVariable  = "CODEX_TEST_KEEPER"
	dirVariable   = "CODEX_TEST_KEEPER_DIR"
	rootVariable  = "CODEX_TEST_KEEPER_ROOT"
	cacheVariable = "CODEX_TEST_KEEPER_CACHE"
)

// A test program has no main function of ours to put this into, and a separate program would have to be compiled at
// each run. With the variable set the program serves as keeper and ends before any test could run.
func init() {
	k := kind(os.Getenv(kindVariable))
	if k == "" {
		return
	}
	if err := keep(context.Background(), k); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// startKeeper runs this program once more. The channel tells of its end.
func startKeeper(k kind, dir, root, cache string) (<-chan struct{}, error) {
	os.Remove(filepath.Join(dir, stateFile))
	log, err := os.Create(filepath.Join(dir, logFile))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), kindVariable+"="+string(k), dirVariable+"="+dir, rootVariable+"="+root, cacheVariable+"="+cache)
	cmd.Stdout, cmd.Stderr = log, log // not ours: `go test` waits until nobody holds its output open
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the tests; the keeper ends after them
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its log tells more
	}()
	return ended, nil
}

// await returns when the keeper has published its server.
func await[C any](ctx context.Context, k kind, dir string, ended <-chan struct{}) (C, error) {
	var none C
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if s, err := read[C](dir); err == nil {
			return s.Server, nil
		}
		select {
		case <-ended:
			why, _ := os.ReadFile(filepath.Join(dir, logFile))
			return none, fmt.Errorf("the tests' %s: %s", k, strings.TrimSpace(string(why)))
		case <-ctx.Done():
			return none, fmt.Errorf("the tests' %s: %w", k, ctx.Err())
		case <-tick.C:
		}
	}
}

// keep owns the server until nobody uses it.
func keep(ctx context.Context, k kind) error {
	dir := os.Getenv(dirVariable)
	data := filepath.Join(dir, dataDir)
	if err := k.clean(ctx, data); err != nil {
		return err
	}
	os.Remove(filepath.Join(dir, keepFile))
	s, cfg, err := k.start(ctx, data, os.Getenv(rootVariable), os.Getenv(cacheVariable))
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	defer func() { _ = s.Stop() }() // an error says that it had to be killed; the data is thrown away anyway
	if err := publish(dir, cfg); err != nil {
		return err
	}
	last, err := whenUnused(dir, s.Done())
	if err != nil {
		return err
	}
	defer last.Close() // a test process that comes now waits for this lock and then starts a new server
	return os.Remove(filepath.Join(dir, stateFile))
}

func publish(dir string, cfg any) error {
	me, err := parts.Identify(os.Getpid())
	if err != nil {
		return err
	}
	raw, err := json.Marshal(state[any]{Keeper: me, Server: cfg})
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, stateFile), raw)
}

// whenUnused returns once no user is left, with the lock that keeps new ones out.
func whenUnused(dir string, died <-chan struct{}) (*os.File, error) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-died:
			return nil, fmt.Errorf("the server ended by itself")
		case <-tick.C:
		}
		f, free, err := parts.TryLock(filepath.Join(dir, usersFile), false)
		if err != nil {
			return nil, err
		}
		if !free {
			continue
		}
		if !kept(dir) && !testing(dir) {
			return f, nil
		}
		f.Close()
	}
}

// testing is true while one of the `go test` commands that used the server runs.
func testing(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, runsDir, "*"))
	for _, f := range files {
		var p parts.Process
		raw, err := os.ReadFile(f)
		if err == nil && json.Unmarshal(raw, &p) == nil && p.Alive() {
			return true
		}
		os.Remove(f)
	}
	return false
}

// KeepPostgres leaves the database server running for an hour, for a look at the database of a failed test.
func KeepPostgres(root string) error {
	return os.WriteFile(filepath.Join(folder(postgres, root), keepFile), nil, 0o600)
}

func kept(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, keepFile))
	return err == nil && time.Since(info.ModTime()) < keepFor
}
