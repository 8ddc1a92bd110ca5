package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

// TestMain lets the tests run the program itself: the test binary, told so, is it.
func TestMain(m *testing.M) {
	if os.Getenv("STORAGE_TEST_RUNS_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program is the real program with real settings, on a database that only its
// own commands have touched, each under the role that is made for it.
type program struct {
	*world
	environ []string
	serving *exec.Cmd
	out     bytes.Buffer
}

func newProgram(t *testing.T) *program {
	t.Helper()
	dsn, objects := testkit.PostgresURL(t), testkit.S3(t)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"test","x":%q}]}`,
			base64.RawURLEncoding.EncodeToString(public))
	}))
	t.Cleanup(keys.Close)
	signer, err := security.NewSigner("test", private)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := objectstore.Open(objects)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(dsn), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	addr, privateAddr := freeAddr(t), freeAddr(t)
	p := &program{
		world: &world{t: t, pool: pool, bucket: bucket, signer: signer, url: "http://" + addr},
		environ: []string{
			"STORAGE_TEST_RUNS_MAIN=1", "APP_ENV=test", "ADDR=" + addr, "PRIVATE_ADDR=" + privateAddr, "PUBLIC_URL=" + origin,
			"DATABASE_URL=" + as(t, dsn, "codex_storage"), "DATABASE_DIRECT_URL=" + as(t, dsn, "codex_storage_migrate"),
			"S3_ENDPOINT=" + objects.Endpoint.String(), "S3_BUCKET=" + objects.Bucket, "S3_ACCESS_KEY=" + objects.AccessKey,
			"S3_SECRET_KEY=" + objects.SecretKey.Reveal(), "JWKS_URL=" + keys.URL, "SERVICE_TOKENS=" + serviceToken,
			"UPLOAD_LEASE=1s", "SHUTDOWN_GRACE=0s", "LOG_LEVEL=debug",
		},
	}
	t.Cleanup(p.kill)
	return p
}

// as gives the address with another role.
func as(t *testing.T, dsn, role string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

func freeAddr(t *testing.T) string {
	t.Helper()
	n, err := port.Free()
	if err != nil {
		t.Fatal(err)
	}
	return port.Addr(n)
}

// run runs a command to its end.
func (p *program) run(words ...string) (string, error) {
	cmd := exec.CommandContext(p.t.Context(), os.Args[0], words...)
	cmd.Env = p.environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start starts serving and waits until it is ready.
func (p *program) start() {
	p.t.Helper()
	p.serving = exec.Command(os.Args[0], "serve")
	p.serving.Env = p.environ
	p.serving.Stdout, p.serving.Stderr = &p.out, &p.out
	if err := p.serving.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.eventually(func() bool { _, err := p.run("probe"); return err == nil }, p.out.String)
}

// kill ends it as a crash would.
func (p *program) kill() {
	if p.serving != nil {
		_ = p.serving.Process.Kill()
		_ = p.serving.Wait()
		p.serving = nil
	}
}

// A process is killed in the middle of uploads. What was acknowledged is there
// afterwards, what was not is nowhere, and the room is free again.
func TestKill9(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	if out, err := p.run("migrate", "up"); err != nil {
		t.Fatal(out)
	}
	p.start()
	ada := p.as("ada")
	acknowledged := ada.upload("kept.txt", "hello")
	for name, size := range map[string]int64{"small.dat": 1 << 20, "large.dat": 100 << 20} {
		conn := p.half(ada, name, size)
		defer conn.Close()
	}
	p.eventually(func() bool { q := ada.quota(); return q.Reserved == 101<<20 }, func() string { return "uploads have not begun" })
	p.eventually(func() bool {
		for range p.bucket.ListMultipart(t.Context(), "") {
			return true
		}
		return false
	}, func() string { return "no part was sent" })

	p.kill()
	killed := time.Now()
	p.start()
	if got := ada.do(http.MethodGet, contentOf(acknowledged.ID), nil); string(got.body) != "hello" {
		t.Fatalf("the acknowledged file: %d %q", got.status, got.body)
	}
	var list struct{ Items []struct{ Name string } }
	ada.do(http.MethodGet, filesPath, nil).decode(t, http.StatusOK, &list)
	if len(list.Items) != 1 {
		t.Errorf("files = %v", list.Items)
	}
	p.within(time.Minute, func() bool { return p.differences() == "" }, p.differences)
	t.Logf("nothing was left %d ms after the kill, with a lease of 1 s", time.Since(killed).Milliseconds())
	if q := ada.quota(); q.Used != 5 || q.Reserved != 0 || q.Files != 1 {
		t.Errorf("quota = %+v", q)
	}
}

// half sends half of an upload and leaves the connection open.
func (p *program) half(c client, name string, size int64) net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", named(name), c.token, size)
	if _, err := io.Copy(conn, pattern(size/2)); err != nil {
		p.t.Fatal(err)
	}
	return conn
}

// Commands, as an operator uses them.
func TestProgram(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	if out, err := p.run("doctor"); err == nil || !strings.Contains(out, "run `migrate up`") {
		t.Errorf("doctor on an empty database: %v %s", err, out)
	}
	for range 2 {
		if out, err := p.run("migrate", "up"); err != nil {
			t.Fatal(out)
		}
	}
	if out, err := p.run("migrate", "status"); err != nil || !strings.Contains(out, "is at version 1") {
		t.Errorf("status: %v %s", err, out)
	}
	if out, err := p.run("doctor"); err != nil || strings.Count(out, " ok") != 3 {
		t.Errorf("doctor: %v %s", err, out)
	}
	p.start()
	ada := p.as("ada")
	f := ada.upload("a.txt", "secret words")
	ada.do(http.MethodDelete, filesPath+"/"+f.ID, nil)
	p.settled()

	// SIGTERM lets an upload that is under way come to its end.
	conn := p.half(ada, "b.dat", 1<<20)
	defer conn.Close()
	p.eventually(func() bool { return ada.quota().Reserved == 1<<20 }, func() string { return "the upload has not begun" })
	if err := p.serving.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(conn, pattern(1<<19)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("upload during the stop: %v %v", res, err)
	}
	res.Body.Close()
	if err := p.serving.Wait(); err != nil {
		t.Errorf("stop: %v\n%s", err, p.out.String())
	}
	p.serving = nil
	for _, secret := range []string{serviceToken, "secret words", ada.token} {
		if strings.Contains(p.out.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestProgram_namesEveryFault(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	code := storageProgram().Run(t.Context(), nil, []string{"SERVICE_TOKENS=short", "MAX_FILE_BYTES=0"}, io.Discard, &out)
	if code != 2 {
		t.Errorf("exit %d", code)
	}
	for _, name := range []string{"PUBLIC_URL", "JWKS_URL", "SERVICE_TOKENS", "DATABASE_URL", "S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY", "MAX_FILE_BYTES"} {
		if !strings.Contains(out.String(), name) {
			t.Errorf("%s is not named:\n%s", name, out.String())
		}
	}
}

// The OpenAPI document is written by this test, with UPDATE=1, and compared without.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	pool, err := database.Open(t.Context(), database.Settings{URL: "postgres://nobody@127.0.0.1:1/none", MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	service, err := newService(defaults(), parts{pool: pool, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	httpapi.CheckOpenAPI(t, service.api, "openapi.yaml")
}
