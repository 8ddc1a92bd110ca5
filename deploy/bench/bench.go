package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

// bench is one benchmark's room: a folder, the programs it started, how long
// and how often to measure.
type bench struct {
	root, dir  string
	length     time.Duration
	rounds     int
	gatewayCPU string // where gateways run; empty: anywhere
	ends       []func()
}

func newBench(_ context.Context, length time.Duration, rounds int) (*bench, error) {
	root := testkit.Root()
	if root == "" {
		return nil, errors.New("run it inside the repository: go run ./deploy/bench")
	}
	dir, err := os.MkdirTemp("", "codex-bench-")
	if err != nil {
		return nil, err
	}
	return &bench{root: root, dir: dir, length: length, rounds: rounds, ends: []func(){func() { os.RemoveAll(dir) }}}, nil
}

// close ends what the benchmark started, last first.
func (b *bench) close() {
	for _, end := range slices.Backward(b.ends) {
		end()
	}
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// build compiles a service as its image does and returns the program's path.
func (b *bench) build(ctx context.Context, service string) (string, error) {
	out := filepath.Join(b.root, ".bin", "bench", service)
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./services/"+service)
	build.Dir = b.root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", service, err, said)
	}
	return out, nil
}

// program is a running service.
type program struct {
	*parts.Child
	url, private string
}

// start runs a service with the given settings and waits until it is ready.
func (b *bench) start(ctx context.Context, path string, settings map[string]string) (*program, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "APP_ENV=development", "LOG_LEVEL=error", "SHUTDOWN_GRACE=0s",
		"ADDR=" + port.Addr(ports[0]), "PRIVATE_ADDR=" + port.Addr(ports[1]),
	}
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	child, err := parts.Start(b.onGatewayCPU(parts.Spec{Name: filepath.Base(path), Path: path, Env: env, Dir: b.dir}))
	if err != nil {
		return nil, err
	}
	b.ends = append(b.ends, func() { _ = child.Stop() })
	p := &program{Child: child, url: "http://" + port.Addr(ports[0]), private: "http://" + port.Addr(ports[1])}
	return p, p.await(ctx)
}

// address is where it listens, host:port.
func (p *program) address() string { return strings.TrimPrefix(p.url, "http://") }

// await returns once the service says that it is ready, or when it ended.
func (p *program) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	ask := time.NewTicker(20 * time.Millisecond)
	defer ask.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w\n%s", ctx.Err(), p.LastLines())
		case <-p.Done():
			return p.Err()
		case <-ask.C:
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.private+"/readyz", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return nil
		}
	}
}

// migrate runs the service's own migrations.
func (b *bench) migrate(ctx context.Context, path, databaseURL string) error {
	run := exec.CommandContext(ctx, path, "migrate", "up")
	run.Env = []string{"APP_ENV=development", "DATABASE_URL=" + databaseURL, "DATABASE_DIRECT_URL=" + databaseURL}
	if said, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w\n%s", err, said)
	}
	return nil
}

func freePorts(n int) ([]int, error) {
	found := make([]int, n)
	for i := range found {
		free, err := port.Free()
		if err != nil {
			return nil, err
		}
		found[i] = free
	}
	return found, nil
}

// redis starts a server that keeps nothing.
func (b *bench) redis(ctx context.Context) (*parts.Redis, error) {
	found, err := parts.FindRedis(ctx, b.root+"/.bin")
	if err != nil {
		return nil, err
	}
	free, err := port.Free()
	if err != nil {
		return nil, err
	}
	redis, err := parts.StartRedis(ctx, parts.RedisConfig{Program: found, Dir: b.path("redis"), Port: free, Output: io.Discard})
	if err != nil {
		return nil, err
	}
	b.ends = append(b.ends, func() { _ = redis.Stop() })
	return redis, nil
}

// secret makes a synthetic secret for one run.
func secret() string { return rand.Text() + rand.Text() }

// median of at least one value.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// short is a CPU time to read.
func short(d time.Duration) time.Duration { return d.Round(100 * time.Nanosecond) }
