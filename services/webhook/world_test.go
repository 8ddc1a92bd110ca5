package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/stripetest"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
)

const (
	origin       = "http://localhost:8000"
	serviceToken = "service-token-of-the-tests-0123456789"
	signing      = "whsec_of_the_tests"
	freeQuota    = 1 << 30
	proQuota     = 100 << 30
	hookPath     = "/webhooks/stripe"
	billing      = "/api/billing/v1"
)

// world is the whole service on a real database, with a stand-in for Stripe and
// two neighbours that remember what they are asked.
type world struct {
	t       testing.TB
	url     string
	pool    *pgxpool.Pool
	stripe  *testkit.StripeServer
	storage *storage
	auth    *auth
	signer  *security.Signer
	key     ed25519.PublicKey
	log     lines
}

func catalogue(t testing.TB) plan.Catalogue {
	t.Helper()
	var c plan.Catalogue
	err := c.UnmarshalText(fmt.Appendf(nil, `[{"key":"free","name":"Free","quota_bytes":%d},
		{"key":"pro","name":"Pro","lookup_key":"pro_monthly","amount":1200,"currency":"eur","interval":"month","quota_bytes":%d}]`, freeQuota, proQuota))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func defaults(t testing.TB) settings {
	return settings{
		PublicURL: origin, ServiceTokens: config.Secrets{serviceToken}, StripeKey: "sk_test_standin", AuthURL: "http://127.0.0.1:1",
		StorageURL: "http://127.0.0.1:1", StripeURL: "http://127.0.0.1:1", WebhookSecrets: config.Secrets{"whsec_rotated_out", signing},
		MaxEvent: 1 << 20, EventWithin: 10 * time.Second, Plans: catalogue(t), HTTP: httpapi.Settings{Edge: httpapi.EdgeGateway},
	}
}

// newWorld starts the service with a database of its own.
func newWorld(t testing.TB, change ...func(*settings)) *world {
	t.Helper()
	return newWorldOn(t, testkit.Postgres(t, migrations.Webhook), change...)
}

func newWorldOn(t testing.TB, pool *pgxpool.Pool, change ...func(*settings)) *world {
	t.Helper()
	w := &world{t: t, pool: pool, storage: newStorage(t), auth: newAuth(t)}
	w.newSigner()
	w.stripe = testkit.Stripe(t, stripetest.Options{WebhookSecret: signing, Pause: func(int) time.Duration { return 20 * time.Millisecond }, Attempts: 1000})
	w.url = w.replica(change...)
	w.stripe.SetWebhook(w.url + hookPath)
	return w
}

// newSigner makes the key that signs the tokens of this world.
func (w *world) newSigner() {
	w.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err == nil {
		w.key = public
		w.signer, err = security.NewSigner("test", private)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// replica starts one more process's worth of the service on the same database and
// gives its address.
func (w *world) replica(change ...func(*settings)) string {
	w.t.Helper()
	s := defaults(w.t)
	s.AuthURL, s.StorageURL, s.StripeURL = config.URL(w.auth.url), config.URL(w.storage.url), config.URL(w.stripe.URL)
	for _, f := range change {
		f(&s)
	}
	log := slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	v, err := newService(s, parts{pool: w.pool, keys: oneKey{w.key}, log: log, now: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { v.worker.Run(ctx) })
	v.jobs.Start(ctx)
	server := httptest.NewServer(v.api)
	w.t.Cleanup(func() {
		server.Close()
		v.inbox.Close()
		limited, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := v.jobs.Stop(limited); err != nil {
			w.t.Errorf("stop the jobs: %v", err)
		}
		stop()
		background.Wait()
	})
	return server.URL
}

// oneKey is a key set of one.
type oneKey struct{ key crypto.PublicKey }

func (k oneKey) Key(context.Context, string, string) (*security.Key, error) {
	return &security.Key{Public: k.key}, nil
}

// lines is a log that can be searched.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// storage remembers what it is told of plans.
type storage struct {
	url string

	mu   sync.Mutex
	told []told
	down bool
}

// told is one message to storage.
type told struct {
	User    string
	Plan    string `json:"plan"`
	Quota   int64  `json:"quota_bytes"`
	Version int64  `json:"version"`
}

func newStorage(t testing.TB) *storage {
	s := &storage{}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /internal/v1/users/{id}/plan", func(w http.ResponseWriter, r *http.Request) {
		m := told{User: r.PathValue("id")}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.down || r.Header.Get("Authorization") != "Bearer "+serviceToken || json.NewDecoder(r.Body).Decode(&m) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.told = append(s.told, m)
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *storage) messages() []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]told(nil), s.told...)
}

// auth knows everybody, but those who were deleted.
type auth struct {
	url string

	mu      sync.Mutex
	deleted map[string]bool
	down    bool
}

func newAuth(t testing.TB) *auth {
	a := &auth{deleted: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /internal/v1/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		id := r.PathValue("id")
		switch {
		case a.down:
			w.WriteHeader(http.StatusServiceUnavailable)
		case a.deleted[id]:
			w.WriteHeader(http.StatusNotFound)
		default:
			fmt.Fprintf(w, `{"id":%q,"email":"%s@example.com","name":"Some Body","email_verified":true,"role":"user"}`, id, id)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// client asks as one user.
type client struct {
	w     *world
	token string
}

func (w *world) as(user string) client {
	w.t.Helper()
	now := time.Now()
	token, err := w.signer.Sign(security.Claims{
		Subject: user, SessionID: "s-" + user, Role: "user", EmailVerified: true, Issuer: origin, Audience: []string{origin},
		IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute), TokenID: "t",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return client{w, token}
}

func (w *world) asService() client { return client{w, serviceToken} }
func (w *world) asNobody() client  { return client{w, ""} }

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c client) do(method, path, body string) answer {
	c.w.t.Helper()
	r, err := http.NewRequest(method, c.w.url+path, strings.NewReader(body))
	if err != nil {
		c.w.t.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.w.send(r)
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	a, err := try(r)
	if err != nil {
		w.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return a
}

func try(r *http.Request) (answer, error) {
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, body}, err
}

func (a answer) decode(t testing.TB, status int, into any) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("decode %s: %v", a.body, err)
	}
}

// refused checks that the answer is a problem with this status and code.
func (a answer) refused(t testing.TB, status int, code string) {
	t.Helper()
	var p struct {
		Code      string `json:"code"`
		Status    int    `json:"status"`
		RequestID string `json:"request_id"`
	}
	a.decode(t, status, &p)
	if p.Code != code || p.Status != status || p.RequestID == "" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %s %s, want %s", a.header.Get("Content-Type"), a.body, code)
	}
}

type myPlan struct {
	Plan              string     `json:"plan"`
	Name              string     `json:"name"`
	Status            string     `json:"status"`
	QuotaBytes        int64      `json:"quota_bytes"`
	CurrentPeriodEnd  *time.Time `json:"current_period_end"`
	CancelAtPeriodEnd bool       `json:"cancel_at_period_end"`
	Version           int64      `json:"version"`
}

func (c client) plan() (p myPlan) {
	c.w.t.Helper()
	c.do(http.MethodGet, billing+"/plan", "").decode(c.w.t, http.StatusOK, &p)
	return p
}

type page struct {
	URL string `json:"url"`
	ID  string `json:"id"`
}

func (c client) checkout() (p page) {
	c.w.t.Helper()
	c.do(http.MethodPost, billing+"/checkout", `{"plan":"pro"}`).decode(c.w.t, http.StatusOK, &p)
	return p
}

// buy goes the whole way to the plan and gives the subscription's id.
func (c client) buy() string {
	c.w.t.Helper()
	if c.w.stripe.Pay(c.checkout().ID) == "" {
		c.w.t.Fatal("the checkout cannot be paid")
	}
	c.w.eventually(func() bool { return c.plan().Plan == "pro" }, "the plan did not come")
	var list struct{ Items []struct{ ID string } }
	c.do(http.MethodGet, billing+"/subscriptions", "").decode(c.w.t, http.StatusOK, &list)
	return list.Items[0].ID
}

// deliver posts an event as Stripe does, to one address.
func (w *world) deliver(url string, body []byte) (answer, error) {
	r, err := stripetest.NewRequest(url+hookPath, signing, time.Now(), body)
	if err != nil {
		return answer{}, err
	}
	return try(r)
}

// count counts with a query.
func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// worked waits until no event waits and no object is in doubt.
func (w *world) worked() {
	w.t.Helper()
	w.eventually(func() bool {
		return w.count(`SELECT count(*) FROM billing.stripe_events WHERE status IN (0, 2)`) == 0 &&
			w.count(`SELECT count(*) FROM billing.stripe_objects WHERE dirty_seq > synced_seq`) == 0
	}, "events still wait")
}

// eventually waits for a thing, with an end.
func (w *world) eventually(done func() bool, why string) {
	w.t.Helper()
	end := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-end:
			w.t.Fatalf("waited in vain: %s", why)
		case <-tick.C:
		}
	}
}
