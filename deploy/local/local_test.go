package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// devFile is what the test needs of .codex/dev.json.
type devFile struct {
	Launcher parts.Process `json:"launcher"`
	Services map[string]struct {
		PrivateURL string `json:"private_url"`
		Pid        int    `json:"pid"`
	} `json:"services"`
	Demo struct{ Email, Password string } `json:"demo"`
}

// launcher is one run of the program.
type launcher struct {
	cmd    *exec.Cmd
	out    *strings.Builder
	folder string
	done   chan struct{}
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "local")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

func start(t *testing.T, program, folder string) *launcher {
	t.Helper()
	l := &launcher{cmd: exec.Command(program), out: &strings.Builder{}, folder: folder, done: make(chan struct{})}
	l.cmd.Env = append(os.Environ(), "CODEX_PORTS=auto", "CODEX_WATCH=false", "CODEX_DIR="+folder)
	l.cmd.Stdout, l.cmd.Stderr = l.out, l.out
	l.cmd.WaitDelay = 10 * time.Second
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { l.cmd.Wait(); close(l.done) }()
	t.Cleanup(func() { l.cmd.Process.Signal(syscall.SIGTERM); <-l.done })
	return l
}

// ready waits for the dev.json of this run; a killed one leaves its own behind.
func (l *launcher) ready(t *testing.T) devFile {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // the first build on a machine takes its time
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var f devFile
		raw, err := os.ReadFile(filepath.Join(l.folder, "dev.json"))
		if err == nil && json.Unmarshal(raw, &f) == nil && f.Launcher.Pid == l.cmd.Process.Pid {
			return f
		}
		select {
		case <-l.done:
			t.Fatalf("the launcher ended:\n%s", l.out)
		case <-ctx.Done():
			t.Fatal("the launcher is not ready")
		case <-tick.C:
		}
	}
}

// children are the processes that the launcher started.
func (l *launcher) children(t *testing.T) []parts.Process {
	t.Helper()
	var list []parts.Process
	raw, err := os.ReadFile(filepath.Join(l.folder, "children.json"))
	if err != nil || json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		t.Fatalf("children: %v, %v", list, err)
	}
	return list
}

func TestLauncher_fromStartOverKillToStop(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole system; run without -short")
	}
	if testkit.Root() == "" {
		t.Fatal("not inside the repository")
	}
	program, folder := build(t), t.TempDir()

	first := start(t, program, folder)
	f := first.ready(t)
	for name, svc := range f.Services {
		if res, err := http.Get(svc.PrivateURL + "/readyz"); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s is not ready: %v, %v", name, res, err)
		}
	}
	if len(f.Services) != 5 {
		t.Errorf("%d services, want 5", len(f.Services))
	}
	onlyOwnSecrets(t, f)
	refuseSecond(t, program, folder)
	left := first.children(t)
	first.cmd.Process.Kill()
	<-first.done

	began := time.Now()
	second := start(t, program, folder)
	again := second.ready(t)
	t.Logf("warm start: %s", time.Since(began).Round(100*time.Millisecond))
	noneAlive(t, left)
	if again.Demo != f.Demo {
		t.Errorf("the demo user changed from %v to %v", f.Demo, again.Demo)
	}

	left = second.children(t)
	began = time.Now()
	second.cmd.Process.Signal(syscall.SIGINT)
	<-second.done
	took := time.Since(began)
	t.Logf("stop: %s", took.Round(10*time.Millisecond))
	if code := second.cmd.ProcessState.ExitCode(); code != 0 || took > 5*time.Second {
		t.Errorf("exit code %d after %s, want 0 within 5 s:\n%s", code, took, second.out)
	}
	noneAlive(t, left)
	if _, err := os.Stat(filepath.Join(folder, "dev.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dev.json is still there: %v", err)
	}
}

// holders says which services may know a secret.
var holders = map[string][]string{
	"AUTH_SECRETS":      {"auth"},
	"SMTP_URL":          {"auth"},
	"STRIPE_SECRET_KEY": {"webhook"},
	"S3_SECRET_KEY":     {"storage"},
	"DATABASE_URL":      {"auth", "webhook", "storage"},
	"SERVICE_TOKENS":    {"auth", "webhook", "storage", "gateway"},
	"CODEX_DIR":         {},
	"POSTGRES_PORT":     {},
}

// onlyOwnSecrets reads what each service was told, where the system shows it.
func onlyOwnSecrets(t *testing.T, f devFile) {
	t.Helper()
	for name, svc := range f.Services {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", svc.Pid))
		if err != nil {
			t.Logf("environment of %s: %v", name, err)
			continue
		}
		for variable, allowed := range holders {
			if knows := strings.Contains("\x00"+string(raw), "\x00"+variable+"="); knows != slices.Contains(allowed, name) {
				t.Errorf("%s knows %s: %t", name, variable, knows)
			}
		}
	}
}

func refuseSecond(t *testing.T, program, folder string) {
	t.Helper()
	other := start(t, program, folder)
	<-other.done
	if code := other.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(other.out.String(), "already up") {
		t.Errorf("a second launcher: exit code %d, %s", code, other.out)
	}
}

func noneAlive(t *testing.T, list []parts.Process) {
	t.Helper()
	for _, p := range list {
		if p.Alive() {
			t.Errorf("%s (pid %d) still runs", p.Name, p.Pid)
		}
	}
}
