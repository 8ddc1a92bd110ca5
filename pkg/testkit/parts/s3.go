package parts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/port"
)

// BuildS3 returns the S3 server program, built from deploy/dev-s3 into cache when its sources changed. The first build
// on a machine takes minutes; progress gets a line before it.
func BuildS3(ctx context.Context, root, cache string, progress io.Writer) (string, error) {
	source, program := filepath.Join(root, "deploy", "dev-s3"), filepath.Join(cache, "dev-s3")
	unlock, err := Lock(ctx, program+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	sum, err := sourceSum(source)
	if err != nil {
		return "", fmt.Errorf("sources of the S3 server: %w", err)
	}
	built, _ := os.ReadFile(program + ".sum")
	if _, err := os.Stat(program); err == nil && string(built) == sum {
		return program, nil
	}
	fmt.Fprintln(progress, "build the S3 server (once; about a minute on a new machine)")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	build.Dir = source
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOOS=", "GOARCH=")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build deploy/dev-s3: %w\n%s", err, out)
	}
	return program, os.WriteFile(program+".sum", []byte(sum), 0o600)
}

func sourceSum(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || (filepath.Ext(f) != ".go" && !strings.HasPrefix(filepath.Base(f), "go.")) {
			continue
		}
		content, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s\x00%d\x00", filepath.Base(f), len(content))
		h.Write(content)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// S3Config describes one server.
type S3Config struct {
	Program              string
	Dir                  string // folder of the objects
	Port                 int
	AccessKey, SecretKey string
	Output               io.Writer `json:"-"`
}

// S3 is a running S3 server.
type S3 struct {
	*Child
	cfg S3Config
}

// StartS3 starts a server on loopback and waits until it answers (0.3 s).
func StartS3(ctx context.Context, cfg S3Config) (*S3, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the S3 server: %w", err)
	}
	child, err := Start(Spec{Name: "s3", Path: cfg.Program, Output: cfg.Output, Env: append(os.Environ(),
		"DEV_S3_ADDR="+port.Addr(cfg.Port), "DEV_S3_DIR="+cfg.Dir,
		"DEV_S3_ACCESS_KEY="+cfg.AccessKey, "DEV_S3_SECRET_KEY="+cfg.SecretKey)})
	if err != nil {
		return nil, err
	}
	s := &S3{Child: child, cfg: cfg}
	if err := s.ready(ctx); err != nil {
		child.Kill()
		return nil, err
	}
	return s, nil
}

// URL is the server's address.
func (s *S3) URL() string { return "http://" + port.Addr(s.cfg.Port) }

func (s *S3) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if healthy(ctx, s.URL()+"/healthz") {
			return nil
		}
		select {
		case <-s.Done():
			return s.Err()
		case <-ctx.Done():
			return fmt.Errorf("the S3 server is not ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := (&http.Client{Timeout: time.Second}).Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}
