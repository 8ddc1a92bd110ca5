package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/access"
)

const serviceToken = "service-token-service-token-service-token"

// part is a service behind the gateway: it records what reaches it.
type part struct {
	*httptest.Server
	name string

	mu     sync.Mutex
	seen   []*seen
	answer http.HandlerFunc // nil: 200 with what it saw
}

// seen is one request as the service got it.
type seen struct {
	Service string      `json:"service"`
	Method  string      `json:"method"`
	URI     string      `json:"uri"`
	Host    string      `json:"host"`
	Header  http.Header `json:"header"`
	Body    []byte      `json:"body"`
	Length  int64       `json:"length"`
	Broken  bool        `json:"broken"` // the body broke off
}

func newPart(t testing.TB, name string, own map[string]http.HandlerFunc) *part {
	t.Helper()
	p := &part{name: name}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := own[r.URL.Path]; h != nil {
			h(w, r)
			return
		}
		p.serve(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *part) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	answer := p.answer
	p.mu.Unlock()
	s := &seen{Service: p.name, Method: r.Method, URI: r.RequestURI, Host: r.Host, Header: r.Header.Clone(), Length: r.ContentLength}
	if answer != nil {
		p.note(s)
		answer(w, r)
		return
	}
	var err error
	s.Body, err = io.ReadAll(r.Body)
	s.Broken = err != nil
	p.note(s)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s)
}

func (p *part) note(s *seen) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, s)
}

// answers makes every further answer of the service.
func (p *part) answers(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = h
}

func (p *part) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}

func (p *part) all() []*seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func (p *part) last(t testing.TB) *seen {
	t.Helper()
	all := p.all()
	if len(all) == 0 {
		t.Fatalf("%s saw no request", p.name)
	}
	return all[len(all)-1]
}

// world is a gateway on a real listener with services of the test's own behind it.
type world struct {
	t                           testing.TB
	url                         string
	settings                    settings
	more                        func(settings) []class // that stand before the table's own
	auth, storage, billing, web *part
	key                         ed25519.PrivateKey
	signer                      *security.Signer
	wired                       *wired
	gate                        *gate
	exchanges                   atomic.Int32

	mu       sync.Mutex
	sessions map[string]string // session cookie → user; "" answers 503
	log      *bytes.Buffer
	keySet   string // what auth shows in the place of its one key
	accepts  string // the service token that auth takes
}

// withRedis is an environment whose Redis is at this address.
func withRedis(address string) map[string]string { return map[string]string{"REDIS_URL": address} }

func start(t testing.TB, environ ...map[string]string) *world {
	t.Helper()
	return startWith(t, nil, environ...)
}

func startWith(t testing.TB, more func(settings) []class, environ ...map[string]string) *world {
	t.Helper()
	w := &world{t: t, more: more, sessions: map[string]string{}, log: &bytes.Buffer{}, accepts: serviceToken}
	w.makeKey()
	w.auth = newPart(t, "auth", map[string]http.HandlerFunc{
		"/api/auth/jwks":                 w.serveKeys,
		"/auth/jwks":                     w.serveKeys,
		"/internal/v1/sessions/exchange": w.serveExchange,
		"/openapi.json":                  describe("auth"),
	})
	w.storage = newPart(t, "storage", map[string]http.HandlerFunc{"/openapi.json": describe("storage")})
	w.billing = newPart(t, "billing", map[string]http.HandlerFunc{"/openapi.json": describe("billing")})
	w.web = newPart(t, "web", nil)
	w.settings = w.load(environ)
	w.listen()
	return w
}

// load reads settings as the binary does, with roomy limits unless told otherwise.
func (w *world) load(environ []map[string]string) settings {
	w.t.Helper()
	all := map[string]string{
		"APP_ENV": "test", "PUBLIC_URL": "http://localhost:8000", "SERVICE_TOKENS": serviceToken,
		"AUTH_URL": w.auth.URL, "STORAGE_URL": w.storage.URL, "WEBHOOK_URL": w.billing.URL, "WEB_URL": w.web.URL,
		"TRUSTED_ORIGINS": "https://good.example,https://*.app.test", "ADDR": "127.0.0.1:0", "PRIVATE_ADDR": "127.0.0.1:0",
		"SHUTDOWN_GRACE": "1ms", "DRAIN_TIMEOUT": "2s",
		"LIMIT_STRICT": "100000/1m", "LIMIT_AUTH": "100000/1m", "LIMIT_API": "100000/1m", "LIMIT_API_ADDRESS": "100000/1m",
		"LIMIT_UPLOAD": "100000/1m", "LIMIT_PUBLIC": "100000/1m", "LIMIT_WEBHOOK": "100000/1m",
	}
	for _, e := range environ {
		maps.Copy(all, e)
	}
	list := make([]string, 0, len(all))
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	s, err := config.Load[settings](list)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) listen() {
	w.t.Helper()
	log := slog.New(slog.NewJSONHandler(&lockedWriter{w: w.log, mu: &w.mu}, nil))
	var err error
	if w.wired, err = wire(w.settings, log); err != nil {
		w.t.Fatal(err)
	}
	w.wired.lines = access.NewLines(&lockedWriter{w: w.log, mu: &w.mu}, "gateway", log)
	classes := routes(w.settings)
	if w.more != nil {
		classes = append(w.more(w.settings), classes...)
	}
	if w.gate, err = gateOf(w.settings, w.wired.parts, classes); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.wired.lines.Start())
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.wired.keys.Run(ctx) })
	running.Go(func() { w.wired.feed.Tail(ctx, w.wired.revoked.Apply) })
	running.Go(func() { w.wired.meter.Run(ctx) })
	addresses := make(chan net.Addr, 1)
	s := w.settings.HTTP.Serve(w.settings.Addr, w.settings.PrivateAddr, false, httpapi.NewHealth(log))
	s.Tune, s.Listening = w.gate.tune, func(public, _ net.Addr) { addresses <- public }
	certificate, err := certificateOf(w.settings, log)
	if err != nil {
		w.t.Fatal(err)
	}
	s.Front = w.gate.front(certificate)
	running.Go(func() {
		if err := httpapi.Serve(ctx, s, w.gate.handler(), http.NotFoundHandler(), log); err != nil {
			w.t.Logf("serve: %v", err)
		}
	})
	w.t.Cleanup(func() { stop(); running.Wait(); w.wired.close() })
	w.url = "http://" + (<-addresses).String()
}

type lockedWriter struct {
	w  io.Writer
	mu *sync.Mutex
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// lines are the access lines so far, as JSON objects.
func (w *world) lines() []map[string]any {
	w.wired.lines.Flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []map[string]any
	for _, line := range strings.Split(w.log.String(), "\n") {
		var m map[string]any
		if json.Unmarshal([]byte(line), &m) == nil && m["msg"] == "request" {
			out = append(out, m)
		}
	}
	return out
}

func (w *world) makeKey() {
	w.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.signer, err = security.NewSigner("k1", key); err != nil {
		w.t.Fatal(err)
	}
	w.key = key
}

func (w *world) serveKeys(rw http.ResponseWriter, _ *http.Request) {
	w.mu.Lock()
	keySet := w.keySet
	w.mu.Unlock()
	if keySet != "" {
		_, _ = io.WriteString(rw, keySet)
		return
	}
	public, _ := w.key.Public().(ed25519.PublicKey)
	fmt.Fprintf(rw, `{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k1","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
}

func (w *world) serveExchange(rw http.ResponseWriter, r *http.Request) {
	w.exchanges.Add(1)
	var in struct{ Cookie string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.mu.Lock()
	user, known := w.sessions[in.Cookie]
	accepts := w.accepts
	w.mu.Unlock()
	rw.Header().Set("Content-Type", "application/json")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+accepts:
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = rw.Write([]byte(`{"code":"SERVICE_TOKEN_REFUSED","message":"no"}`))
	case known && user == "":
		rw.WriteHeader(http.StatusServiceUnavailable)
	case !known:
		rw.WriteHeader(http.StatusUnauthorized)
		_, _ = rw.Write([]byte(`{"code":"UNAUTHORIZED","message":"no"}`))
	default:
		fmt.Fprintf(rw, `{"jwt":%q,"user_id":%q}`, w.token(user, "session-of-"+user), user)
	}
}

// session makes a live session and gives the cookie header's value.
func (w *world) session(value, user string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[value] = user
	return "better-auth.session_token=" + security.EncodeCookieValue(value)
}

func (w *world) end(value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sessions, value)
}

// token makes a good access token.
func (w *world) token(user, session string) string {
	return w.tokenAt(user, session, time.Now(), 15*time.Minute)
}

func (w *world) tokenAt(user, session string, issued time.Time, life time.Duration) string {
	w.t.Helper()
	token, err := w.signer.Sign(security.Claims{
		Subject: user, SessionID: session, Role: "user", EmailVerified: true, Issuer: w.settings.issuer(),
		Audience: []string{w.settings.audience()}, IssuedAt: issued, ExpiresAt: issued.Add(life), TokenID: "j",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// revoke publishes as auth does.
func (w *world) revoke(r cache.Revocation) {
	w.t.Helper()
	if err := cache.NewFeed(w.wired.redis, slog.New(slog.DiscardHandler)).Publish(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

// request makes one with header lines "Name: value".
func (w *world) request(method, path string, body io.Reader, lines ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

var noRedirects = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
}

// reply is an answer with its body read.
type reply struct {
	*http.Response
	text string
}

func (r reply) code() string {
	var body struct{ Code string }
	_ = json.Unmarshal([]byte(r.text), &body)
	return body.Code
}

func (w *world) send(r *http.Request) reply {
	w.t.Helper()
	res, err := noRedirects.Do(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return reply{res, string(text)}
}

func (w *world) do(method, path string, lines ...string) reply {
	w.t.Helper()
	return w.send(w.request(method, path, nil, lines...))
}

func (w *world) bearer(user string) string {
	return "Authorization: Bearer " + w.token(user, "session-of-"+user)
}

func describe(name string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, `{"openapi":"3.1.0","paths":{"/api/%[1]s/v1/x":{"get":{"operationId":"x"}},"/internal/v1/%[1]s":{"get":{}}},
			"components":{"schemas":{"Problem":{"type":"object"},"X":{"title":%[1]q,"properties":{"p":{"$ref":"#/components/schemas/X"}}}}}}`, name)
	}
}

// eventually waits for something to become true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("not %s within 10 s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// showKeys makes auth show these keys and the gateway look at once.
func (w *world) showKeys(keySet string) {
	w.t.Helper()
	w.mu.Lock()
	w.keySet = keySet
	w.mu.Unlock()
	if err := w.wired.keys.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}
