package cluster

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
	"github.com/codex-platform/codex/pkg/testkit/port"
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

	// variables that make a test program a keeper
	keeperDir   = "CODEX_TEST_KEEPER_DIR"
	keeperCache = "CODEX_TEST_KEEPER_CACHE"
)

// A test program has no main function of ours to put this into, and a separate program would have to be compiled at
// each run. With the variable set the program serves as keeper and ends before any test could run.
func init() {
	dir := os.Getenv(keeperDir)
	if dir == "" {
		return
	}
	if err := keep(context.Background(), dir, os.Getenv(keeperCache)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// startKeeper runs this program once more and waits until the server is ready.
func startKeeper(ctx context.Context, dir, cache string) (parts.PostgresConfig, error) {
	os.Remove(filepath.Join(dir, stateFile))
	log, err := os.Create(filepath.Join(dir, logFile))
	if err != nil {
		return parts.PostgresConfig{}, err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return parts.PostgresConfig{}, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), keeperDir+"="+dir, keeperCache+"="+cache)
	cmd.Stdout, cmd.Stderr = log, log // not ours: `go test` waits until nobody holds its output open
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the tests; the keeper ends after them
	if err := cmd.Start(); err != nil {
		return parts.PostgresConfig{}, fmt.Errorf("start the test database's keeper: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return await(ctx, dir, ended)
}

func await(ctx context.Context, dir string, ended <-chan error) (parts.PostgresConfig, error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if s, err := read(dir); err == nil {
			return s.Server, nil
		}
		select {
		case <-ended:
			why, _ := os.ReadFile(filepath.Join(dir, logFile))
			return parts.PostgresConfig{}, fmt.Errorf("test database: %s", strings.TrimSpace(string(why)))
		case <-ctx.Done():
			return parts.PostgresConfig{}, fmt.Errorf("test database: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// keep owns the server until nobody uses it.
func keep(ctx context.Context, dir, cache string) error {
	programs, err := parts.FindPostgres(ctx, cache)
	if err != nil {
		return err
	}
	data := filepath.Join(dir, dataDir)
	if err := endServer(ctx, data); err != nil {
		return err
	}
	os.Remove(filepath.Join(dir, keepFile))
	server, err := start(ctx, programs, data)
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	defer server.Stop()
	if err := publish(dir, server.Config()); err != nil {
		return err
	}
	last, err := whenUnused(dir, server.Done())
	if err != nil {
		return err
	}
	defer last.Close() // a test process that comes now waits for this lock and then starts a new server
	return os.Remove(filepath.Join(dir, stateFile))
}

// start tries again on another port when somebody was quicker to take the first.
func start(ctx context.Context, programs parts.PostgresPrograms, data string) (*parts.Postgres, error) {
	var last error
	for range 3 {
		p, err := port.Free()
		if err != nil {
			return nil, err
		}
		server, err := parts.StartPostgres(ctx, parts.PostgresConfig{Programs: programs, Dir: data, Port: p, MaxConnections: 300})
		if err == nil {
			return server, nil
		}
		last = err
	}
	return nil, last
}

// endServer removes what a killed keeper left: its server got a signal to end when the keeper died.
func endServer(ctx context.Context, data string) error {
	if err := parts.EndPostgres(ctx, data); err != nil {
		return err
	}
	return os.RemoveAll(data)
}

func publish(dir string, cfg parts.PostgresConfig) error {
	me, err := parts.Identify(os.Getpid())
	if err != nil {
		return err
	}
	raw, err := json.Marshal(state{Keeper: me, Server: cfg})
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
			return nil, fmt.Errorf("the test database server ended")
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

func kept(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, keepFile))
	return err == nil && time.Since(info.ModTime()) < keepFor
}
