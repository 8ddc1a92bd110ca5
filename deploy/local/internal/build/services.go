// Package build makes the service binaries and the web app.
package build

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// Repo is the source tree and where its binaries go.
type Repo struct {
	Root string
	Bin  string // the folder of the binaries
}

// Binary is where a service's program lies.
func (r Repo) Binary(service string) string { return filepath.Join(r.Bin, service) }

// alone keeps two launchers, or a launcher and a test, from writing the same files at once.
func (r Repo) alone(ctx context.Context) (unlock func(), err error) {
	return parts.Lock(ctx, filepath.Join(r.Bin, "build.lock"))
}

// Services compiles these services, with the flags of `make build` so that neither builds what the other just did.
// The error of broken code is what the compiler says.
func (r Repo) Services(ctx context.Context, names ...string) error {
	unlock, err := r.alone(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return r.compile(ctx, r.Bin, names)
}

// Rebuild compiles these services aside and returns those whose program became another one, in place. While it compiles,
// and when it fails, the old programs stay as they are.
func (r Repo) Rebuild(ctx context.Context, names ...string) ([]string, error) {
	unlock, err := r.alone(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	aside := filepath.Join(r.Bin, "rebuild")
	defer os.RemoveAll(aside)
	if err := r.compile(ctx, aside, names); err != nil {
		return nil, err
	}
	var changed []string
	for _, name := range names {
		fresh := filepath.Join(aside, name)
		same, err := equal(fresh, r.Binary(name))
		if err != nil {
			return nil, err
		}
		if same {
			continue
		}
		if err := os.Rename(fresh, r.Binary(name)); err != nil {
			return nil, err
		}
		changed = append(changed, name)
	}
	return changed, nil
}

func (r Repo) compile(ctx context.Context, into string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", into + string(filepath.Separator)}
	for _, n := range names {
		args = append(args, "./services/"+n)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %s", firstOf(strings.TrimSpace(string(out)), err.Error()))
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// equal compares content: the compiler gives the same program for the same source.
func equal(a, b string) (bool, error) {
	sa, err := sum(a)
	if err != nil {
		return false, err
	}
	sb, err := sum(b)
	if os.IsNotExist(err) {
		return false, nil
	}
	return sa == sb, err
}

func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return string(h.Sum(nil)), err
}
