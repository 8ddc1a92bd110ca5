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
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/storage/internal/file"
	"github.com/codex-platform/codex/services/storage/internal/quota"
)

const (
	origin       = "http://localhost:8000"
	serviceToken = "service-token-of-the-tests-0123456789"
	filesPath    = "/api/storage/v1/files"
	quotaPath    = "/api/storage/v1/quota"
)

// world is the whole service on real parts, served over a real connection.
type world struct {
	t       testing.TB
	url     string
	pool    *pgxpool.Pool
	bucket  *objectstore.Bucket
	signer  *security.Signer
	service *service
}

func defaults() settings {
	return settings{
		PublicURL: origin, ServiceTokens: config.Secrets{serviceToken},
		DefaultQuota: 64 << 20, MaxFile: 32 << 20, MaxFiles: 1000, UploadLease: time.Minute,
	}
}

// newWorld starts the service with a database and a bucket of its own.
func newWorld(t testing.TB, change ...func(*settings)) *world {
	t.Helper()
	return newWorldOn(t, testkit.Postgres(t, migrations.Storage), testkit.S3(t), change...)
}

func newWorldOn(t testing.TB, pool *pgxpool.Pool, objects objectstore.Settings, change ...func(*settings)) *world {
	t.Helper()
	s := defaults()
	for _, f := range change {
		f(&s)
	}
	bucket, err := objectstore.Open(objects)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := security.NewSigner("test", private)
	if err != nil {
		t.Fatal(err)
	}
	log := faultsOf(t)
	service, err := newService(s, parts{pool: pool, bucket: bucket, keys: oneKey{public}, foreign: s.Issuers.Trusted.Open(nil, log), log: log})
	if err != nil {
		t.Fatal(err)
	}
	service.jobs.Start(t.Context())
	server := httptest.NewServer(service.api)
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := service.jobs.Stop(ctx); err != nil {
			t.Errorf("stop the jobs: %v", err)
		}
	})
	return &world{t: t, url: server.URL, pool: pool, bucket: bucket, signer: signer, service: service}
}

// faultsOf keeps what the service complains of, for the report of a failed test.
func faultsOf(t testing.TB) *slog.Logger {
	var lines lockedBuffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the service's log:\n%s", lines.String())
		}
	})
	return slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// oneKey is a key set of one.
type oneKey struct{ key crypto.PublicKey }

func (k oneKey) Key(context.Context, string, string) (*security.Key, error) {
	return &security.Key{Public: k.key}, nil
}

// token makes an access token for the user.
func (w *world) token(user string) string {
	w.t.Helper()
	now := time.Now()
	token, err := w.signer.Sign(security.Claims{
		Subject: user, SessionID: "s-" + user, Role: "user", EmailVerified: true, Issuer: origin, Audience: []string{origin},
		IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute), TokenID: "t",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// client asks as one user.
type client struct {
	w     *world
	token string
}

func (w *world) as(user string) client { return client{w, w.token(user)} }
func (w *world) asService() client     { return client{w, serviceToken} }
func (w *world) asNobody() client      { return client{w, ""} }
func contentOf(id string) string       { return filesPath + "/" + id + "/content" }
func named(name string) string         { return filesPath + "?name=" + name }
func putAt(id, name string) string     { return filesPath + "/" + id + "?name=" + name }
func oneByte(r io.Reader) io.Reader    { return struct{ io.Reader }{r} } // hides the length: the body is sent in chunks
func text(s string) *strings.Reader    { return strings.NewReader(s) }
func zeros(n int64) io.Reader          { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request; headers are names and values in turn.
func (c client) do(method, path string, body io.Reader, headers ...string) answer {
	c.w.t.Helper()
	got, err := c.try(method, path, body, headers...)
	if err != nil {
		c.w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

func (c client) try(method, path string, body io.Reader, headers ...string) (answer, error) {
	r, err := http.NewRequest(method, c.w.url+path, body)
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, got}, err
}

// upload uploads a text under the name and gives the file.
func (c client) upload(name, content string) file.File {
	c.w.t.Helper()
	return c.do(http.MethodPost, named(name), text(content)).file(c.w.t, http.StatusCreated)
}

func (c client) quota() quota.Quota {
	c.w.t.Helper()
	var q quota.Quota
	c.do(http.MethodGet, quotaPath, nil).decode(c.w.t, http.StatusOK, &q)
	return q
}

func (a answer) decode(t testing.TB, status int, into any) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("decode %s: %v", a.body, err)
	}
}

func (a answer) file(t testing.TB, status int) (d file.File) {
	t.Helper()
	a.decode(t, status, &d)
	return d
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

// settled waits until the service has nothing left to do, and then compares its
// books: the counters of every owner with the rows, the rows with the objects.
func (w *world) settled() {
	w.t.Helper()
	var last string
	w.eventually(func() bool { last = w.differences(); return last == "" }, func() string { return last })
}

func (w *world) differences() string {
	ctx := w.t.Context()
	var wrong int
	err := w.pool.QueryRow(ctx, `
		SELECT count(*) FROM storage.quotas q
		WHERE used_bytes <> (SELECT coalesce(sum(size), 0) FROM storage.files f WHERE f.owner_id = q.owner_id)
		   OR files <> (SELECT count(*) FROM storage.files f WHERE f.owner_id = q.owner_id)
		   OR reserved_bytes <> (SELECT coalesce(sum(reserved_bytes), 0) FROM storage.uploads u WHERE u.owner_id = q.owner_id)
		   OR reserved_files <> (SELECT coalesce(sum(reserved_files), 0) FROM storage.uploads u WHERE u.owner_id = q.owner_id)`).Scan(&wrong)
	if err != nil || wrong > 0 {
		return fmt.Sprintf("%d accounts are wrong (%v)", wrong, err)
	}
	if n := w.openUploads(); n > 0 {
		return fmt.Sprintf("%d uploads are open", n)
	}
	rows, stored := w.keysOfFiles(), w.keysOfObjects()
	if !maps.Equal(rows, stored) {
		return fmt.Sprintf("files %v, objects %v", rows, stored)
	}
	for range w.bucket.ListMultipart(ctx, "") {
		return "an upload in parts was not ended"
	}
	return ""
}

func (w *world) openUploads() (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), `SELECT count(*) FROM storage.uploads`).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) keysOfFiles() map[string]int64 {
	keys := map[string]int64{}
	rows, err := w.pool.Query(w.t.Context(), `SELECT object_key, size FROM storage.files`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var size int64
		if err := rows.Scan(&key, &size); err != nil {
			w.t.Fatal(err)
		}
		keys[key] = size
	}
	return keys
}

func (w *world) keysOfObjects() map[string]int64 {
	keys := map[string]int64{}
	for o, err := range w.bucket.List(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		keys[o.Key] = o.Size
	}
	return keys
}

// eventually waits for a thing, with an end.
func (w *world) eventually(done func() bool, why func() string) {
	w.t.Helper()
	w.within(20*time.Second, done, why)
}

func (w *world) within(limit time.Duration, done func() bool, why func() string) {
	w.t.Helper()
	end := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-end:
			w.t.Fatalf("waited in vain: %s", why())
		case <-tick.C:
		}
	}
}
