package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/port"
	"github.com/codex-platform/codex/pkg/testkit/stripetest"
)

// TestMain lets the tests run the program itself: the test binary, told so, is it.
func TestMain(m *testing.M) {
	if os.Getenv("WEBHOOK_TEST_RUNS_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is the real program with real settings, on a database that only its own
// commands have touched, each under the role that is made for it.
type process struct {
	*world
	environ []string
	serving *exec.Cmd
	out     lines
}

func newProcess(t *testing.T) *process {
	t.Helper()
	dsn := testkit.PostgresURL(t)
	w := &world{t: t, storage: newStorage(t), auth: newAuth(t)}
	w.stripe = testkit.Stripe(t, stripetest.Options{WebhookSecret: signing, Pause: func(int) time.Duration { return 20 * time.Millisecond }, Attempts: 1000})
	w.newSigner()
	keys := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"test","x":%q}]}`, base64.RawURLEncoding.EncodeToString(w.key))
	}))
	t.Cleanup(keys.Close)
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(dsn), MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	addr, privateAddr := freeAddr(t), freeAddr(t)
	w.pool, w.url = pool, "http://"+addr
	p := &process{world: w, environ: []string{
		"WEBHOOK_TEST_RUNS_MAIN=1", "APP_ENV=test", "ADDR=" + addr, "PRIVATE_ADDR=" + privateAddr, "PUBLIC_URL=" + origin,
		"DATABASE_URL=" + as(t, dsn, "codex_webhook"), "DATABASE_DIRECT_URL=" + as(t, dsn, "codex_webhook_migrate"),
		"STRIPE_SECRET_KEY=" + w.stripe.SecretKey(), "STRIPE_WEBHOOK_SECRETS=" + signing, "STRIPE_API_URL=" + w.stripe.URL,
		"AUTH_URL=" + w.auth.url, "STORAGE_URL=" + w.storage.url, "JWKS_URL=" + keys.URL, "SERVICE_TOKENS=" + serviceToken,
		"SHUTDOWN_GRACE=0s", "LOG_LEVEL=debug",
	}}
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
func (p *process) run(words ...string) (string, error) {
	cmd := exec.CommandContext(p.t.Context(), os.Args[0], words...)
	cmd.Env = p.environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start starts serving and waits until it is ready.
func (p *process) start() {
	p.t.Helper()
	p.serving = exec.Command(os.Args[0], "serve")
	p.serving.Env = p.environ
	p.serving.Stdout, p.serving.Stderr = &p.out, &p.out
	if err := p.serving.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.eventually(func() bool { _, err := p.run("probe"); return err == nil }, "the process is not ready")
}

// kill ends it as a crash would.
func (p *process) kill() {
	if p.serving != nil {
		_ = p.serving.Process.Kill()
		_ = p.serving.Wait()
		p.serving = nil
	}
}

// The process is killed again and again while events come in: every one that was
// acknowledged takes effect, exactly once (WH-03).
func TestKill9(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	if out, err := p.run("migrate", "up"); err != nil {
		t.Fatal(out)
	}
	rounds := 3
	if os.Getenv("CODEX_SOAK") == "1" {
		rounds = 30
	}
	var acknowledged sync.Map
	total := 0
	for round := range rounds {
		p.start()
		stop := make(chan struct{})
		var senders sync.WaitGroup
		var mu sync.Mutex
		for sender := range 16 {
			senders.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					id := fmt.Sprintf("%d_%d_%d", round, sender, n)
					got, err := p.deliver(p.url, event("evt_"+id, time.Now().Unix(), "cus_"+id))
					if err != nil {
						return // it is dead
					}
					if got.status == http.StatusOK {
						acknowledged.Store(id, true)
						mu.Lock()
						total++
						mu.Unlock()
					}
				}
			})
		}
		p.eventually(func() bool { mu.Lock(); defer mu.Unlock(); return total > 200*(round+1)+rand.IntN(100) }, "nothing is acknowledged")
		p.kill()
		close(stop)
		senders.Wait()
	}
	p.start()
	p.worked()
	lost := 0
	acknowledged.Range(func(id, _ any) bool {
		if p.count(`SELECT count(*) FROM billing.stripe_events e JOIN billing.customers c ON c.id = e.object_id WHERE e.event_id = $1 AND e.status = 1`, fmt.Sprint("evt_", id)) != 1 {
			lost++
		}
		return true
	})
	t.Logf("%d events acknowledged over %d kills, %d lost", total, rounds, lost)
	if lost > 0 {
		t.Errorf("%d acknowledged events have no effect", lost)
	}
}

// Commands and the way to stop, as an operator uses them.
func TestProgram(t *testing.T) {
	t.Parallel()
	p := newProcess(t)
	if out, err := p.run("doctor"); err == nil || !strings.Contains(out, "run `migrate up`") {
		t.Errorf("doctor on an empty database: %v %s", err, out)
	}
	for range 2 {
		if out, err := p.run("migrate", "up"); err != nil {
			t.Fatal(out)
		}
	}
	if out, err := p.run("doctor"); err != nil || strings.Count(out, " ok") != 4 {
		t.Errorf("doctor: %v %s", err, out)
	}
	p.start()
	p.stripe.SetWebhook(p.url + hookPath)
	ada := p.as("ada")
	ada.buy()
	if err := p.stripe.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.worked()
	p.operate(ada)
	if err := p.serving.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.serving.Wait(); err != nil {
		t.Errorf("stop: %v\n%s", err, p.out.String())
	}
	p.serving = nil
	for _, secret := range []string{serviceToken, signing, p.stripe.SecretKey(), ada.token, "@example.com"} {
		if strings.Contains(p.out.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// operate lists, shows and replays events.
func (p *process) operate(ada client) {
	p.t.Helper()
	list, err := p.run("events", "ls", "--type", "customer.subscription.updated", "--status", "done")
	if err != nil || strings.Count(list, "\n") != 1 {
		p.t.Fatalf("ls: %v %s", err, list)
	}
	id := list[strings.Index(list, "evt_"):]
	id = id[:strings.IndexByte(id, ' ')]
	if shown, err := p.run("events", "show", id); err != nil || !strings.Contains(shown, "sha256") || strings.Contains(shown, "eur") {
		p.t.Errorf("show: %v %s", err, shown)
	}
	before := ada.plan()
	if out, err := p.run("events", "replay", "--dry-run", id); err != nil || !strings.Contains(out, id) {
		p.t.Errorf("dry run: %v %s", err, out)
	}
	if out, err := p.run("events", "replay", id); err != nil {
		p.t.Errorf("replay: %v %s", err, out)
	}
	if out, err := p.run("events", "replay", "--status", "done"); err != nil {
		p.t.Errorf("replay of all: %v %s", err, out)
	}
	p.worked()
	if after := ada.plan(); after != before && after.Version != before.Version {
		p.t.Errorf("a replay made %+v of %+v", after, before)
	}
	for _, wrong := range [][]string{{"events", "show", "evt_unknown"}, {"events", "replay"}, {"events", "ls", "--status", "odd"}, {"events", "replay", "evt_unknown"}} {
		if out, err := p.run(wrong...); err == nil {
			p.t.Errorf("%v went well: %s", wrong, out)
		}
	}
}

func TestProgram_namesEveryFault(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	code := program().Run(t.Context(), nil, []string{
		"SERVICE_TOKENS=short", "STRIPE_WEBHOOK_SECRETS=,", "STRIPE_SECRET_KEY=sk_live_0123456789", "MAX_EVENT_BYTES=0", `PLANS=[{"key":"free"}]`,
	}, io.Discard, &out)
	if code != 2 {
		t.Errorf("exit %d", code)
	}
	for _, name := range []string{"PUBLIC_URL", "JWKS_URL", "SERVICE_TOKENS", "DATABASE_URL", "AUTH_URL", "STORAGE_URL", "STRIPE_WEBHOOK_SECRETS",
		"STRIPE_LIVEMODE", "MAX_EVENT_BYTES", "PLANS"} {
		if !strings.Contains(out.String(), name+" ") {
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
	v, err := newService(defaults(t), parts{pool: pool, log: slog.New(slog.DiscardHandler), now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer v.inbox.Close()
	httpapi.CheckOpenAPI(t, v.api, "openapi.yaml")
}
