package testkit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// asUser makes TestHelperUser a test process for the tests below.
const asUser = "CODEX_TESTKIT_TEST_USER"

// TestHelperUser is no test of its own: it takes a database, prints its address and holds it until its input ends.
func TestHelperUser(t *testing.T) {
	if os.Getenv(asUser) == "" {
		return
	}
	pool := testkit.Postgres(t, migrations())
	if _, err := pool.Exec(t.Context(), "INSERT INTO sample.notes (id, body) VALUES (1, 'x')"); err != nil {
		t.Fatal(err)
	}
	fmt.Println("URL", pool.Config().ConnString())
	io.Copy(io.Discard, os.Stdin)
}

// user is a test process in a repository of its own.
type user struct {
	cmd  *exec.Cmd
	quit io.Closer
	url  string
}

func startUser(t *testing.T, root string) *user {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestHelperUser$", "-test.v")
	cmd.Dir, cmd.Env = root, append(os.Environ(), asUser+"=1", "TEST_DATABASE_URL=")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	u := &user{cmd: cmd, quit: in}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "URL "); ok {
			u.url = url
			go io.Copy(io.Discard, out)
			return u
		}
	}
	t.Fatal("the test process took no database")
	return nil
}

// repository is an empty one, whose tests have a server of their own.
type repository struct {
	root   string
	keeper parts.Process
	folder string // of the server; goes with the test
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{root: t.TempDir()}
	if err := os.WriteFile(filepath.Join(r.root, "go.work"), []byte("go 1.26.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.folder != "" {
			waitGone(t, r.keeper)
			os.RemoveAll(r.folder)
		}
	})
	return r
}

// keeperOf finds the keeper whose server listens at this address.
func (r *repository) keeperOf(t *testing.T, url string) parts.Process {
	t.Helper()
	files, _ := filepath.Glob("/dev/shm/codex-test-*/state.json")
	more, _ := filepath.Glob(filepath.Join(os.TempDir(), "codex-test-*/state.json"))
	for _, f := range append(files, more...) {
		var s struct {
			Keeper parts.Process
			Server struct{ Port int }
		}
		raw, err := os.ReadFile(f)
		if err == nil && json.Unmarshal(raw, &s) == nil && strings.Contains(url, fmt.Sprintf(":%d/", s.Server.Port)) {
			r.keeper, r.folder = s.Keeper, filepath.Dir(f)
			return s.Keeper
		}
	}
	t.Fatal("no keeper owns the server")
	return parts.Process{}
}

func waitGone(t *testing.T, p parts.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for p.Alive() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s (pid %d) still runs", p.Name, p.Pid)
		case <-tick.C:
		}
	}
}

func TestPostgres_oneServerForAllProcessesThatEndsAfterTheLast(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs PostgreSQL; run without -short")
	}
	repo := newRepository(t)
	a, b := startUser(t, repo.root), startUser(t, repo.root)
	keeper := repo.keeperOf(t, a.url)
	if repo.keeperOf(t, b.url) != keeper {
		t.Fatal("two test processes have two servers")
	}

	a.quit.Close()
	a.cmd.Wait()
	if !keeper.Alive() {
		t.Fatal("the server ended while a test process used it")
	}
	b.cmd.Process.Kill()
	b.cmd.Wait()

	waitGone(t, keeper)
}

func TestPostgres_dropsTheDatabaseOfAKilledTest(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs PostgreSQL; run without -short")
	}
	repo := newRepository(t)
	killed, other := startUser(t, repo.root), startUser(t, repo.root)
	killed.cmd.Process.Kill()
	killed.cmd.Wait()

	next := startUser(t, repo.root)

	if repo.keeperOf(t, next.url) != repo.keeperOf(t, other.url) {
		t.Fatal("the server was not shared")
	}
	execSQL(t.Context(), t, other.url, fmt.Sprintf("DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_database WHERE datname = '%s'); END $$", databaseOf(killed.url)))
}

func databaseOf(url string) string {
	path, _, _ := strings.Cut(url[strings.LastIndexByte(url, '/')+1:], "?")
	return path
}
