// Package stack starts the whole product as `make dev` does, on free ports and
// in a folder of its own, and knows its addresses. The tests that use it see
// the product from outside only: HTTP, mails, signed events.
package stack

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// Dev is what the launcher writes once everything is ready (.codex/dev.json).
type Dev struct {
	PublicURL string             `json:"public_url"`
	Services  map[string]Service `json:"services"`
	Inbox     struct {
		URL string `json:"url"`
	} `json:"inbox"`
	Database struct {
		URL string `json:"url"`
	} `json:"database"`
	RedisURL string `json:"redis_url"`
	Stripe   struct {
		URL            string   `json:"url"`
		SecretKey      string   `json:"secret_key"`
		WebhookSecrets []string `json:"webhook_secrets"`
	} `json:"stripe"`
	ServiceTokens string `json:"service_tokens"`
}

// Service is one running service.
type Service struct {
	URL        string `json:"url"`
	PrivateURL string `json:"private_url"`
	Pid        int    `json:"pid"`
	Log        string `json:"log"`
}

const (
	startLimit = 5 * time.Minute // a cold build on two cores is in it
	stopLimit  = 20 * time.Second
)

// Stack is a running product.
type Stack struct {
	dir   string
	child *parts.Child
}

var (
	running *Stack
	once    sync.Mutex
)

// Run is for TestMain: it starts the product, runs the tests and stops it. With
// -short nothing is started and the tests skip themselves.
func Run(m *testing.M, settings ...string) int {
	flag.Parse()
	if testing.Short() {
		return m.Run()
	}
	s, err := Start(settings...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	once.Lock()
	running = s
	once.Unlock()
	code := m.Run()
	if err := s.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Get gives the running product's addresses as they are now.
func Get(t testing.TB) Dev {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the whole product; run without -short")
	}
	once.Lock()
	defer once.Unlock()
	dev, err := running.Dev()
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

// Start builds the launcher and starts the product. settings are NAME=value
// and win over the defaults here: no demo data, no rebuilding, and limits that
// one address running many tests does not meet.
func Start(settings ...string) (*Stack, error) {
	root := testkit.Root()
	if root == "" {
		return nil, errors.New("the tests must run inside the repository")
	}
	launcher := filepath.Join(root, ".bin", "codex-local")
	build := exec.Command("go", "build", "-o", launcher, "./deploy/local")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the launcher: %w\n%s", err, said)
	}
	dir, err := os.MkdirTemp("", "codex-e2e-")
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(),
		"CODEX_DIR="+dir, "CODEX_PORTS=auto", "CODEX_SEED=false", "CODEX_WATCH=false", "LOG_LEVEL=info", "RATE_LIMIT=off",
		"LIMIT_STRICT=10000/1m", "LIMIT_AUTH=100000/1m", "LIMIT_PUBLIC=100000/1m", "LIMIT_API_ADDRESS=100000/1m", "LIMIT_API=100000/1m", "LIMIT_UPLOAD=10000/1m",
	)
	child, err := parts.Start(parts.Spec{Name: "codex-local", Path: launcher, Dir: root, Env: append(env, settings...), Output: io.Discard, Orphan: syscall.SIGTERM, Grace: stopLimit})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &Stack{dir: dir, child: child}
	if err := s.await(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) await() error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-s.child.Done():
			return fmt.Errorf("the product did not start: %w", s.child.Err())
		case <-limit.C:
			return fmt.Errorf("the product was not ready after %s:\n%s", startLimit, s.child.LastLines())
		case <-look.C:
		}
		if _, err := s.Dev(); err == nil {
			return nil
		}
	}
}

// Dev reads the addresses.
func (s *Stack) Dev() (Dev, error) {
	content, err := os.ReadFile(filepath.Join(s.dir, "dev.json"))
	if err != nil {
		return Dev{}, err
	}
	var dev Dev
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(&dev); err != nil {
		return Dev{}, fmt.Errorf("dev.json: %w", err)
	}
	return dev, nil
}

// Stop ends the product as Ctrl-C does and removes its folder.
func (s *Stack) Stop() error {
	return errors.Join(s.child.Stop(), os.RemoveAll(s.dir))
}
