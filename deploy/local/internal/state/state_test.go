package state_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/local/internal/state"
)

func TestOpen_refusesASecondLauncherAndNamesTheFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	_, err = state.Open(dir)

	if err == nil || !strings.Contains(err.Error(), "pid "+strconv.Itoa(os.Getpid())) {
		t.Fatalf("got %v, want an error that names the holder", err)
	}
	first.Close()
	again, err := state.Open(dir)
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	again.Close()
}

func TestEndLeftovers_endsWhatAKilledLauncherLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killed, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	left := exec.Command("sleep", "600")
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	if err := killed.Remember(left.Process.Pid); err != nil {
		t.Fatal(err)
	}
	killed.Close()

	next, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	ended, err := next.EndLeftovers(t.Context())

	if err != nil || ended != 1 {
		t.Fatalf("ended %d, %v, want 1", ended, err)
	}
	if err := left.Wait(); err == nil {
		t.Error("the leftover ended by itself")
	}
	if ended, err := next.EndLeftovers(t.Context()); err != nil || ended != 0 {
		t.Errorf("a second time: %d, %v", ended, err)
	}
}

func TestSecrets_stayTheSame(t *testing.T) {
	t.Parallel()
	f, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first, err := f.Secrets([]string{"codex_auth"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.Secrets([]string{"codex_auth", "codex_storage"})
	if err != nil {
		t.Fatal(err)
	}

	if first.Auth != second.Auth || first.Roles["codex_auth"] != second.Roles["codex_auth"] || second.Roles["codex_storage"] == "" {
		t.Error("secrets changed, or a new role got none")
	}
	if len(first.Auth) < 32 || first.Auth == first.Service {
		t.Error("a secret is short, or two are the same")
	}
	if info, err := os.Stat(f.Path("secrets.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v, %v", info.Mode(), err)
	}
}
