// Package keeper shares one PostgreSQL server and one S3 server between all test processes of a `go test` run.
//
// Nobody can be asked to start and stop them, since each package's tests are a process of their own that may be killed.
// So the first one starts a keeper (its own program once more, see keeper.go), which owns the server and stops it when
// no test process and no `go test` command that used it is left. The system ends a file lock with the process that
// holds it, so a killed test process needs no tidying up.
package keeper

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
	startLimit = 10 * time.Minute // the first start on a machine may fetch PostgreSQL or build the S3 server
	poll       = 20 * time.Millisecond
)

// Postgres joins the run's database server and returns its superuser's configuration. It is the caller's until this
// process ends. Root is the repository, cache where fetched programs are kept.
func Postgres(ctx context.Context, root, cache string) (parts.PostgresConfig, error) {
	return join[parts.PostgresConfig](ctx, postgres, root, cache)
}

// S3 joins the run's S3 server in the same way.
func S3(ctx context.Context, root, cache string) (parts.S3Config, error) {
	return join[parts.S3Config](ctx, s3, root, cache)
}

// state is what a keeper tells the test processes.
type state[C any] struct {
	Keeper parts.Process `json:"keeper"`
	Server C             `json:"server"`
}

func join[C any](ctx context.Context, k kind, root, cache string) (C, error) {
	var none C
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	dir := folder(k, root)
	if err := private(dir); err != nil {
		return none, err
	}
	unlock, err := parts.Lock(ctx, filepath.Join(dir, "start.lock"))
	if err != nil {
		return none, err
	}
	defer unlock()
	if err := enter(ctx, dir); err != nil {
		return none, err
	}
	if s, err := read[C](dir); err == nil && s.Keeper.Alive() {
		return s.Server, nil
	}
	ended, err := startKeeper(k, dir, root, cache)
	if err != nil {
		return none, fmt.Errorf("start the keeper of the tests' %s: %w", k, err)
	}
	return await[C](ctx, k, dir, ended)
}

// folder is where the run's server of the repository at root lives.
func folder(k kind, root string) string {
	h := fnv.New32a()
	h.Write([]byte(root))
	return filepath.Join(k.base(), fmt.Sprintf("codex-test-%d-%08x-%s", os.Geteuid(), h.Sum32(), k))
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

// held keeps the locks' files reachable: the garbage collector would close them.
var held []*os.File

// register notes the `go test` command that started us. Between two packages no test process may be running; the
// command still is.
func register(dir string) error {
	parent, err := parts.Identify(os.Getppid())
	if err != nil || parent.Name != "go" {
		return nil //nolint:nilerr // started by hand, or the command is gone already: our own lock is enough
	}
	raw, err := json.Marshal(parent)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, runsDir, strconv.Itoa(parent.Pid)), raw)
}

func read[C any](dir string) (state[C], error) {
	var s state[C]
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
