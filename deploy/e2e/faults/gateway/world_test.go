// Package gateway_test takes away what the gateway depends on, stops it and
// overruns it, while clients use it. The gateways and Redis are real processes; the
// services behind are small servers of the tests' own.
package gateway_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

const (
	publicURL = "https://app.example"
	filesPath = "/api/storage/v1/files"
	small     = `{"items":[],"next_cursor":null}`
)

// size is n under CODEX_SOAK=1, and few where nobody waits for more.
func size(few, n int) int {
	if os.Getenv("CODEX_SOAK") != "" {
		return n
	}
	return few
}

// program builds the gateway once.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(testkit.Root(), ".bin", "gateway-under-test")
	build := exec.Command("go", "build", "-o", path, "./services/gateway")
	build.Dir, build.Env = testkit.Root(), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, said)
	}
	return path, nil
})

// issuer signs as auth does.
type issuer struct {
	mu     sync.Mutex
	signer *security.Signer
	shown  []string // the keys of the set
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.sign(i.add(t, "k1"))
	return i
}

// add shows another key, which does not sign yet.
func (i *issuer) add(t *testing.T, kid string) *security.Signer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := security.NewSigner(kid, private)
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.shown = append(i.shown, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":%q,"x":%q}`, kid, base64.RawURLEncoding.EncodeToString(public)))
	return signer
}

func (i *issuer) sign(by *security.Signer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signer = by
}

func (i *issuer) token(t *testing.T, user string) string {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	return signed(t, i.signer, user)
}

func signed(t *testing.T, by *security.Signer, user string) string {
	t.Helper()
	now := time.Now()
	token, err := by.Sign(security.Claims{Subject: user, SessionID: "session-of-" + user, Role: "user", EmailVerified: true,
		Issuer: publicURL, Audience: []string{publicURL}, IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute), TokenID: "j"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/auth/jwks" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"code":"UNAUTHORIZED","message":"no"}`)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	_, _ = io.WriteString(w, `{"keys":[`+strings.Join(i.shown, ",")+`]}`)
}

// auth is a stand-in that knows the keys and no sessions.
func (i *issuer) auth(t *testing.T) *httptest.Server { return service(t, i.serve) }

func answers(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, small)
}

func service(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// gateway is one running process.
type gateway struct {
	*parts.Child
	t             *testing.T
	env           []string
	addr, private string
}

// run starts a gateway and waits until it is ready.
func run(t *testing.T, auth, storage string, settings ...string) *gateway {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes; run without -short")
	}
	ports := [2]int{}
	for i := range ports {
		free, err := port.Free()
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = free
	}
	g := &gateway{t: t, addr: port.Addr(ports[0]), private: "http://" + port.Addr(ports[1])}
	g.env = append([]string{
		"APP_ENV=production", "LOG_LEVEL=error", "LOG_FORMAT=json", "ADDR=" + g.addr, "PRIVATE_ADDR=" + port.Addr(ports[1]), "PUBLIC_URL=" + publicURL,
		"AUTH_URL=" + auth, "STORAGE_URL=" + storage, "WEBHOOK_URL=" + storage, "WEB_URL=" + storage,
		"SERVICE_TOKENS=" + strings.Repeat("gateway-fault-test-", 2), "LIMIT_API=100000000/1m", "LIMIT_API_ADDRESS=100000000/1m",
		"LIMIT_UPLOAD=100000000/1m", "LIMIT_TOTAL=1000000000/1m", "SHUTDOWN_GRACE=1s",
	}, settings...)
	g.start()
	t.Cleanup(func() { _ = g.Stop() })
	return g
}

func (g *gateway) start() {
	g.t.Helper()
	path, err := program()
	if err != nil {
		g.t.Fatal(err)
	}
	child, err := parts.Start(parts.Spec{Name: "gateway", Path: path, Env: g.env, Grace: 40 * time.Second})
	if err != nil {
		g.t.Fatal(err)
	}
	g.Child = child
	eventually(g.t, "the gateway to be ready", func() bool {
		select {
		case <-child.Done():
			g.t.Fatal(child.Err())
		default:
		}
		return g.ready()
	})
}

func (g *gateway) ready() bool {
	answer, err := http.Get(g.private + "/readyz")
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// ask sends one request on a connection of its own; the body is not wanted.
func (g *gateway) ask(request string) *http.Response {
	g.t.Helper()
	line, err := dial(g.t.Context(), g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer line.Close()
	_, _ = io.WriteString(line, request)
	answer, err := http.ReadResponse(line.in, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

// memory is a line of /proc/PID/status, in KiB.
func (g *gateway) memory(line string) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.Pid()))
	if err != nil {
		g.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	var kib int
	_, _ = fmt.Sscan(rest, &kib)
	return kib
}

// eventually waits for something to become true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit, look := time.After(time.Duration(size(30, 600))*time.Second), time.NewTicker(10*time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("waited in vain for %s", what)
		case <-look.C:
		}
	}
}

// wire is one keep-alive connection of a client.
type wire struct {
	net.Conn
	in   *bufio.Reader
	said string // the last answer's beginning
}

func dial(ctx context.Context, addr string) (*wire, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &wire{Conn: conn, in: bufio.NewReaderSize(conn, 2048)}, nil
}

// ask sends a whole request and reads the whole answer. again: the connection lives.
func (c *wire) ask(request string) (status int, again bool, err error) {
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err = io.WriteString(c, request); err != nil {
		return 0, false, err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, false, err
	}
	defer answer.Body.Close()
	begin, err := io.ReadAll(io.LimitReader(answer.Body, 512))
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
	}
	c.said = string(begin)
	return answer.StatusCode, !answer.Close, err
}

func get(token string) string {
	return "GET " + filesPath + " HTTP/1.1\r\nHost: app.example\r\nAuthorization: Bearer " + token + "\r\n\r\n"
}

func post(token string) string {
	return "POST " + filesPath + "/1 HTTP/1.1\r\nHost: app.example\r\nAuthorization: Bearer " + token + "\r\nContent-Length: 5\r\n\r\nhello"
}

// tally counts what became of requests.
type tally struct {
	all, good atomic.Int64
	mu        sync.Mutex
	bad       map[string]int
	busy      int64
}

func (c *tally) note(status int, said string, err error) {
	c.all.Add(1)
	if err == nil && status == http.StatusOK {
		c.good.Add(1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Contains(said, `"OVERLOADED"`) && os.Getenv("CODEX_SOAK") == "" {
		c.busy++ // by a machine that has other things to do: it says nothing about the fault
		return
	}
	if c.bad == nil {
		c.bad = map[string]int{}
	}
	_, code, _ := strings.Cut(said, `"code":`)
	code, _, _ = strings.Cut(code, ",")
	what := fmt.Sprint(status, " ", code)
	if err != nil {
		what = err.Error()
	}
	c.bad[what]++
}

func (c *tally) failed() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all.Load() - c.good.Load() - c.busy
}

func (c *tally) String() string {
	failed := c.failed()
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d requests, %d failed, %d sent away by a busy machine", c.all.Load(), failed, c.busy)
}

// clients keep so many connections busy until stop is closed. where gives the address
// of the next connection; a connection that its server ends is opened anew.
func (c *tally) clients(t *testing.T, n int, stop <-chan struct{}, where func(turn int) string, requests ...string) *sync.WaitGroup {
	t.Helper()
	return c.asking(t, n, stop, where, func(turn int) string { return requests[turn%len(requests)] })
}

func (c *tally) asking(t *testing.T, n int, stop <-chan struct{}, where, request func(turn int) string) *sync.WaitGroup {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var line *wire
			defer func() {
				if line != nil {
					line.Close()
				}
			}()
			for turn := i; ; turn++ {
				select {
				case <-stop:
					return
				default:
				}
				if line == nil {
					var err error
					if line, err = dial(t.Context(), where(turn)); err != nil {
						c.note(0, "", err)
						continue
					}
				}
				status, again, err := line.ask(request(turn))
				c.note(status, line.said, err)
				if err != nil || !again {
					line.Close()
					line = nil
				}
			}
		})
	}
	return &all
}
