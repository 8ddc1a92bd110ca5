// Package cluster shares one PostgreSQL server between all test processes of a `go test` run.
//
// Nobody can be asked to start and stop it, since each package's tests are a process of their own that may be killed.
// So the first one starts a keeper (its own program once more, see keeper.go), which owns the server and stops it when
// no test process and no `go test` command that used it is left. The system ends a file lock with the process that
// holds it, so a killed test process needs no tidying up.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

const (
	startLimit = 2 * time.Minute // the first start on a machine may fetch PostgreSQL
	poll       = 20 * time.Millisecond
)

// state is what the keeper tells the test processes.
type state struct {
	Keeper parts.Process        `json:"keeper"`
	Server parts.PostgresConfig `json:"server"`
}

// Folder is where the shared server of the repository at root lives: in memory when there is enough of it.
func Folder(root string) string {
	h := fnv.New32a()
	h.Write([]byte(root))
	return filepath.Join(FastDir(), fmt.Sprintf("codex-test-%d-%08x", os.Geteuid(), h.Sum32()))
}

// Join makes this process a user of the shared server until it ends, and starts the server if need be.
// It returns the superuser's configuration of the server; cache is where fetched programs are kept.
func Join(ctx context.Context, root, cache string) (parts.PostgresConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	dir := Folder(root)
	if err := private(dir); err != nil {
		return parts.PostgresConfig{}, err
	}
	unlock, err := parts.Lock(ctx, filepath.Join(dir, "start.lock"))
	if err != nil {
		return parts.PostgresConfig{}, err
	}
	defer unlock()
	if err := enter(ctx, dir); err != nil {
		return parts.PostgresConfig{}, err
	}
	if s, err := read(dir); err == nil && s.Keeper.Alive() {
		return s.Server, nil
	}
	return startKeeper(ctx, dir, cache)
}

// Keep asks the keeper to leave the server running for an hour, for a look at the database of a failed test.
func Keep(root string) error {
	return os.WriteFile(filepath.Join(Folder(root), keepFile), nil, 0o600)
}

// enter takes the lock that says "this process uses the server". It stays until the process ends.
func enter(ctx context.Context, dir string) error {
	for {
		f, ok, err := parts.TryLock(filepath.Join(dir, usersFile), true)
		if err != nil {
			return err
		}
		if ok {
			held = append(held, f)
			return register(dir)
		}
		select { // the keeper is just closing down
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(poll):
		}
	}
}

// held keeps the lock's file reachable: the garbage collector would close it.
var held []*os.File

// register notes the `go test` command that started us. Between two packages no test process may be running; the
// command still is.
func register(dir string) error {
	parent, err := parts.Identify(os.Getppid())
	if err != nil || parent.Name != "go" {
		return nil // started by hand: our own lock is enough
	}
	raw, err := json.Marshal(parent)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, runsDir, strconv.Itoa(parent.Pid)), raw)
}

func read(dir string) (state, error) {
	var s state
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(raw, &s)
}

// writeFile replaces a file in one step, so that a reader never sees half of it.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// private makes the folder and refuses one that another user put there: it lies in a place that all may write to.
func private(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to somebody else: remove it", dir)
	}
	return nil
}
