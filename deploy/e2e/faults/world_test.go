// Package faults_test takes the product's backing parts away, one at a time,
// and kills its services, while people use it.
package faults_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/e2e/stack"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/inbox"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

// part is a backing part that can be stopped and started again at its address.
type part struct {
	start func(context.Context) (interface{ Stop() error }, error)
	now   interface{ Stop() error }
}

func (p *part) Start(ctx context.Context) (err error) {
	p.now, err = p.start(ctx)
	return err
}

// world is the product on parts that belong to the tests.
type world struct {
	dir                 string
	stack               *stack.Stack
	postgres, redis, s3 *part
	mail                *inbox.Server
	ends                []func() error
}

var w world

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(m.Run())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	err := w.begin(context.Background())
	code := 1
	if err == nil {
		code = m.Run()
	}
	if err = errors.Join(err, w.end()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (w *world) begin(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "codex-faults-")
	if err != nil {
		return err
	}
	w.dir = dir
	w.ends = append(w.ends, func() error { return os.RemoveAll(dir) })
	database, err := w.beginPostgres(ctx)
	if err != nil {
		return err
	}
	redis, err := w.beginRedis(ctx)
	if err != nil {
		return err
	}
	endpoint, secret, err := w.beginS3(ctx)
	if err != nil {
		return err
	}
	w.mail, err = inbox.Start(inbox.Options{Dir: filepath.Join(dir, "mail"), SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	w.ends = append(w.ends, w.mail.Close)
	w.stack, err = stack.Start("DATABASE_URL="+database, "REDIS_URL="+redis, "SMTP_URL="+w.mail.SMTPURL(),
		"S3_ENDPOINT="+endpoint, "S3_ACCESS_KEY=codex", "S3_SECRET_KEY="+secret, "S3_BUCKET=codex")
	if err != nil {
		return err
	}
	w.ends = append(w.ends, w.stack.Stop)
	return nil
}

func (w *world) end() error {
	var all []error
	for i := len(w.ends) - 1; i >= 0; i-- {
		all = append(all, w.ends[i]())
	}
	return errors.Join(all...)
}

// add starts a part and remembers to stop it.
func (w *world) add(ctx context.Context, start func(context.Context) (interface{ Stop() error }, error)) (*part, error) {
	p := &part{start: start}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	w.ends = append(w.ends, func() error { return p.now.Stop() })
	return p, nil
}

func cacheDir() string { return filepath.Join(testkit.Root(), ".bin") }

func (w *world) beginPostgres(ctx context.Context) (string, error) {
	programs, err := parts.FindPostgres(ctx, cacheDir())
	if err != nil {
		return "", err
	}
	free, err := port.Free()
	if err != nil {
		return "", err
	}
	cfg := parts.PostgresConfig{Programs: programs, Dir: filepath.Join(w.dir, "postgres"), Port: free, Durable: true, Output: io.Discard}
	w.postgres, err = w.add(ctx, func(ctx context.Context) (interface{ Stop() error }, error) { return parts.StartPostgres(ctx, cfg) })
	return cfg.URL("postgres"), err
}

func (w *world) beginRedis(ctx context.Context) (string, error) {
	program, err := parts.FindRedis(ctx, cacheDir())
	if err != nil {
		return "", err
	}
	free, err := port.Free()
	if err != nil {
		return "", err
	}
	cfg := parts.RedisConfig{Program: program, Dir: filepath.Join(w.dir, "redis"), Port: free, Output: io.Discard}
	w.redis, err = w.add(ctx, func(ctx context.Context) (interface{ Stop() error }, error) { return parts.StartRedis(ctx, cfg) })
	return "redis://" + port.Addr(free), err
}

func (w *world) beginS3(ctx context.Context) (endpoint, secret string, err error) {
	program, err := parts.BuildS3(ctx, testkit.Root(), cacheDir(), io.Discard)
	if err != nil {
		return "", "", err
	}
	free, err := port.Free()
	if err != nil {
		return "", "", err
	}
	secret = strings.Repeat("fault-", 4) + fmt.Sprint(time.Now().UnixNano())
	cfg := parts.S3Config{Program: program, Dir: filepath.Join(w.dir, "s3"), Port: free, AccessKey: "codex", SecretKey: secret, Output: io.Discard}
	w.s3, err = w.add(ctx, func(ctx context.Context) (interface{ Stop() error }, error) { return parts.StartS3(ctx, cfg) })
	return "http://" + port.Addr(free), secret, err
}

// dev is the running product, with the tests' own inbox.
func dev(t *testing.T) stack.Dev {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the whole product; run without -short")
	}
	d, err := w.stack.Dev()
	if err != nil {
		t.Fatal(err)
	}
	d.Inbox.URL = w.mail.URL()
	return d
}

// without stops a part for the length of the test.
func without(t *testing.T, p *part) (back func()) {
	t.Helper()
	if err := p.now.Stop(); err != nil {
		t.Fatal(err)
	}
	started := false
	back = func() {
		if started {
			return
		}
		started = true
		if err := p.Start(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("start again: %v", err)
		}
	}
	t.Cleanup(back)
	return back
}

// ready asks a service whether it may get requests.
func ready(t *testing.T, service stack.Service) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.PrivateURL+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// allReady waits until every service is ready, so that tests begin alike.
func allReady(t *testing.T, d stack.Dev) {
	t.Helper()
	for name, service := range d.Services {
		stack.Eventually(t, 30*time.Second, name+" to be ready", func() bool { return ready(t, service) })
	}
}

// lines counts the lines of a service's log with this message and value.
func lines(t *testing.T, service stack.Service, message, key, value string) int {
	t.Helper()
	file, err := os.Open(service.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line map[string]any
		if json.Unmarshal(scanner.Bytes(), &line) == nil && line["msg"] == message && line[key] == value {
			n++
		}
	}
	return n
}
