package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/inbox"
)

const (
	base         = "/api/auth" // the default of BASE_PATH
	home         = "http://localhost:8000"
	secret       = "acceptance-secret-acceptance-secret-0123456789"
	serviceToken = "service-token-of-the-tests-0123456789"
	goodPassword = "correct-horse-battery-staple-9"
)

// world is the whole service on real parts, served over a real connection.
type world struct {
	t       testing.TB
	url     string
	home    string // PUBLIC_URL
	base    string // BASE_PATH
	pool    *pgxpool.Pool
	redis   redis.UniversalClient
	mails   *inbox.Server
	clock   *testkit.Clock
	service *service
}

// options change what a world stands on.
type options struct {
	env   map[string]string
	pool  *pgxpool.Pool         // default: a database of its own
	redis redis.UniversalClient // default: none
	log   io.Writer
	mails *inbox.Server
}

// newWorld starts the service. Variables are those of the environment.
func newWorld(t testing.TB, o options) *world {
	t.Helper()
	w := &world{t: t, pool: o.pool, redis: o.redis, mails: o.mails, clock: testkit.NewClock(time.Now())}
	if w.pool == nil {
		w.pool = testkit.Postgres(t, migrations.Auth)
	}
	if w.mails == nil {
		w.mails = testkit.Inbox(t)
	}
	if o.log == nil {
		o.log = io.Discard
	}
	s := load(t, w.mails, o.env)
	w.home, w.base = s.PublicURL.String(), s.BasePath.String()
	sender, err := mail.NewSMTP(s.Mail)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.service, err = newService(s, parts{pool: w.pool, reads: w.pool, redis: w.redis, sender: sender, now: w.clock.Now, log: log})
	if err != nil {
		t.Fatal(err)
	}
	w.service.jobs.Start(t.Context()) // without the watch: what another process ended is then over at once, not within milliseconds
	server := httptest.NewServer(w.service.api)
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = w.service.jobs.Stop(ctx) // its database may be the one that the test took away
	})
	w.url = server.URL
	return w
}

func load(t testing.TB, mails *inbox.Server, change map[string]string) settings {
	t.Helper()
	env := map[string]string{
		"APP_ENV": "test", "PUBLIC_URL": home, "AUTH_SECRETS": secret, "SERVICE_TOKENS": serviceToken,
		"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "SMTP_URL": mails.SMTPURL(), "MAIL_FROM": "Codex <no-reply@codex.test>",
		"RATE_LIMIT": "off", "ANSWER_FLOOR": "1ms", "PASSWORD_ANSWER_FLOOR": "1ms",
	}
	maps.Copy(env, change)
	var environ []string
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	s, err := config.Load[settings](environ)
	if err != nil {
		t.Fatal(err)
	}
	if change["HASH_MEMORY_KIB"] == "" {
		s.Hashing.MemoryKiB, s.Hashing.Iterations = 64, 1 // the cost of hashing is not what most tests are about
	}
	return s
}

// browser keeps cookies as a browser does and speaks from our own page.
type browser struct {
	w       *world
	cookies map[string]string
	headers map[string]string
}

func (w *world) browser() *browser {
	return &browser{w: w, cookies: map[string]string{}, headers: map[string]string{"Origin": w.home, "User-Agent": "tests"}}
}

// stranger is a plain API client: it sends no cookies, no Origin.
func (w *world) stranger() *browser {
	return &browser{w: w, cookies: map[string]string{}, headers: map[string]string{}}
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (r reply) code() string { s, _ := r.body["code"].(string); return s }

func (r reply) message() string { s, _ := r.body["message"].(string); return s }

func (r reply) str(path ...string) string {
	var v any = r.body
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// cookie gives the whole Set-Cookie line of one cookie, "" when it was not set.
func (r reply) cookie(name string) string {
	for _, line := range r.header.Values("Set-Cookie") {
		if strings.HasPrefix(line, name+"=") {
			return line
		}
	}
	return ""
}

func (b *browser) post(path string, body any) reply {
	b.w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.send(http.MethodPost, path, "application/json", string(text))
}

func (b *browser) get(path string) reply {
	b.w.t.Helper()
	return b.send(http.MethodGet, path, "", "")
}

func (b *browser) send(method, path, kind, body string) reply {
	b.w.t.Helper()
	r, err := b.try(method, path, kind, body)
	if err != nil {
		b.w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (b *browser) try(method, path, kind, body string) (reply, error) {
	if !strings.HasPrefix(path, "/internal") && !strings.HasPrefix(path, "http") {
		path = b.w.base + path
	}
	req, err := http.NewRequest(method, b.w.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, value := range b.headers {
		req.Header.Set(name, value)
	}
	if host := b.headers["Host"]; host != "" {
		req.Host = host
	}
	for name, value := range b.cookies {
		req.Header.Add("Cookie", name+"="+value)
	}
	if lines := req.Header.Values("Cookie"); len(lines) > 1 {
		req.Header.Set("Cookie", strings.Join(lines, "; "))
	}
	res, err := plain.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	b.keep(res)
	out := reply{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &out.body)
	return out, nil
}

// plain follows no redirect.
var plain = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 100},
}

// keep stores cookies as they came, percent-encoded.
func (b *browser) keep(res *http.Response) {
	for _, line := range res.Header.Values("Set-Cookie") {
		pair, attrs, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(pair, "=")
		if strings.Contains(attrs, "Max-Age=0") {
			delete(b.cookies, name)
		} else {
			b.cookies[name] = value
		}
	}
}

var addresses atomic.Int64

// address gives a mail address that no other test uses, each as long as the others.
func address() string { return fmt.Sprintf("ada-%05d@example.test", addresses.Add(1)) }

// signUp makes an account, proves its address by the mailed link, and gives the
// browser that is signed in by it.
func (w *world) signUp(email, password string) *browser {
	w.t.Helper()
	b := w.browser()
	if r := b.post("/sign-up/email", map[string]any{"name": "Ada Lovelace", "email": email, "password": password}); r.status != http.StatusOK {
		w.t.Fatalf("sign-up: %d %s", r.status, r.text)
	}
	if r := b.follow(w.link(email)); r.status != http.StatusFound {
		w.t.Fatalf("verify: %d %s", r.status, r.text)
	}
	return b
}

// signIn begins a session in a new browser.
func (w *world) signIn(email, password string) *browser {
	w.t.Helper()
	b := w.browser()
	if r := b.post("/sign-in/email", map[string]any{"email": email, "password": password}); r.status != http.StatusOK {
		w.t.Fatalf("sign-in: %d %s", r.status, r.text)
	}
	return b
}

// signedIn tells whether the browser has a session.
func (b *browser) signedIn() bool {
	b.w.t.Helper()
	return b.get("/get-session").body["user"] != nil
}

// letter waits for the next letter to an address.
func (w *world) letter(to string) inbox.Message {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 15*time.Second)
	defer cancel()
	m, err := w.mails.Wait(ctx, to)
	if err != nil {
		w.t.Fatalf("no letter to %s: %v", to, err)
	}
	return m
}

// link waits for the next letter to an address and gives its link, which must
// lead to our own address.
func (w *world) link(to string) string {
	w.t.Helper()
	m := w.letter(to)
	for _, link := range m.Links() {
		if strings.HasPrefix(link, w.home+w.base) {
			return link
		}
	}
	w.t.Fatalf("the letter %q has no link to us: %v", m.Subject, m.Links())
	return ""
}

// follow opens a mailed link as a browser does.
func (b *browser) follow(link string) reply {
	b.w.t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.get(strings.TrimPrefix(u.RequestURI(), b.w.base))
}

// sessionToken gives the bare session token that a browser holds.
func (b *browser) sessionToken() string {
	value, _ := security.DecodeCookieValue(b.cookies["better-auth.session_token"])
	token, _, _ := strings.Cut(value, ".")
	return token
}

func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	var n int
	if err := w.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(context.Background(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}

var discard = slog.New(slog.DiscardHandler)

// open gives a pool on a server of the test's own.
func open(t testing.TB, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(address), MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// safeBuffer is written to by many.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
