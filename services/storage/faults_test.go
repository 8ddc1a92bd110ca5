package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/testkit"
)

// unavailable checks that the answer is a 503 that says when to come back.
func (a answer) unavailable(t testing.TB) {
	t.Helper()
	a.refused(t, http.StatusServiceUnavailable, "UNAVAILABLE")
	if a.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", a.header)
	}
}

func TestObjectStoreGone(t *testing.T) {
	t.Parallel()
	s3 := testkit.StartS3(t)
	w := newWorldOn(t, testkit.Postgres(t, migrations.Storage), s3.Bucket(), func(s *settings) { s.DefaultQuota, s.MaxFile = 1<<30, 1<<30 })
	ada := w.as("ada")
	f := ada.upload("a.txt", "hello")
	gone := ada.upload("gone.txt", "bye")

	s3.Stop()
	for name, body := range map[string]io.Reader{
		"small": declared(1000), "large": declared(70 << 20), "chunked": oneByte(pattern(20 << 20)),
	} {
		began := time.Now()
		ada.do(http.MethodPost, named(name), body).unavailable(t)
		t.Logf("%s: 503 after %d ms", name, time.Since(began).Milliseconds())
	}
	ada.do(http.MethodGet, contentOf(f.ID), nil).unavailable(t)
	if q := ada.quota(); q.Files != 2 || q.Used != 8 || q.Reserved != 0 {
		t.Errorf("quota = %+v", q)
	}
	// What does not need the bytes goes on, and is made good later.
	ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"b.txt"}`), "Content-Type", "application/json").file(t, http.StatusOK)
	if got := ada.do(http.MethodDelete, filesPath+"/"+gone.ID, nil); got.status != http.StatusNoContent {
		t.Errorf("delete = %d", got.status)
	}

	s3.Start()
	if got := ada.do(http.MethodGet, contentOf(f.ID), nil); string(got.body) != "hello" {
		t.Errorf("content = %d %q", got.status, got.body)
	}
	ada.upload("c.txt", "again")
	w.settled()
}

// The store dies in the middle of an upload.
func TestObjectStoreLostOnTheWay(t *testing.T) {
	t.Parallel()
	for name, chunked := range map[string]bool{"declared": false, "chunked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s3 := testkit.StartS3(t)
			w := newWorldOn(t, testkit.Postgres(t, migrations.Storage), s3.Bucket(), func(s *settings) { s.DefaultQuota, s.MaxFile = 1<<30, 1<<30 })
			ada := w.as("ada")
			const size = 100 << 20
			body := &pausing{from: pattern(size), after: 50 << 20, reached: make(chan struct{}), goOn: make(chan struct{})}
			var upload io.Reader = body
			if chunked {
				upload = oneByte(body)
			}
			answered := make(chan answer)
			go func() {
				got, err := ada.try(http.MethodPost, named("a.dat"), upload)
				if err != nil {
					got.status = -1
				}
				answered <- got
			}()
			<-body.reached
			s3.Stop()
			close(body.goOn)
			if got := <-answered; got.status >= 0 { // a client that still sends may not get to read the answer
				got.unavailable(t)
			}
			s3.Start()
			w.settled()
			if q := ada.quota(); q.Used != 0 || q.Files != 0 || q.Reserved != 0 {
				t.Errorf("quota = %+v", q)
			}
		})
	}
}

// pausing is a body that stops in the middle until it may go on.
type pausing struct {
	from    io.Reader
	after   int64
	once    sync.Once
	reached chan struct{}
	goOn    chan struct{}
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.after <= 0 {
		p.once.Do(func() { close(p.reached) })
		<-p.goOn
	}
	n, err := p.from.Read(b)
	p.after -= int64(n)
	return n, err
}

func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgres(t, migrations.Storage)
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(server.URL()), MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := newWorldOn(t, pool, testkit.S3(t), func(s *settings) { s.UploadLease = 2 * time.Second })
	ada := w.as("ada")
	f := ada.upload("a.txt", "hello")

	server.Kill()
	for name, ask := range map[string]func() answer{
		"list":     func() answer { return ada.do(http.MethodGet, filesPath, nil) },
		"get":      func() answer { return ada.do(http.MethodGet, filesPath+"/"+f.ID, nil) },
		"download": func() answer { return ada.do(http.MethodGet, contentOf(f.ID), nil) },
		"upload":   func() answer { return ada.do(http.MethodPost, named("b.txt"), text("x")) },
		"rename": func() answer {
			return ada.do(http.MethodPatch, filesPath+"/"+f.ID, text(`{"name":"b"}`), "Content-Type", "application/json")
		},
		"delete": func() answer { return ada.do(http.MethodDelete, filesPath+"/"+f.ID, nil) },
		"quota":  func() answer { return ada.do(http.MethodGet, quotaPath, nil) },
		"plan": func() answer {
			return w.asService().do(http.MethodPut, "/internal/v1/users/ada/plan", text(`{"plan":"p","quota_bytes":1,"version":1}`), "Content-Type", "application/json")
		},
	} {
		began := time.Now()
		ask().unavailable(t)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: 503 after %s", name, took)
		}
	}

	server.Start()
	w.eventually(func() bool { return ada.do(http.MethodGet, filesPath, nil).status == http.StatusOK }, func() string { return "not back" })
	if got := ada.do(http.MethodGet, contentOf(f.ID), nil); string(got.body) != "hello" {
		t.Errorf("content = %d %q", got.status, got.body)
	}
	ada.upload("b.txt", "again")
	w.settled()
}

// The database dies between the reservation and the commit: the upload is
// refused, and the sweeper finds what it left.
func TestDatabaseLostOnTheWay(t *testing.T) {
	t.Parallel()
	server := testkit.StartPostgres(t, migrations.Storage)
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(server.URL()), MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := newWorldOn(t, pool, testkit.S3(t), func(s *settings) { s.UploadLease = 2 * time.Second })
	ada := w.as("ada")
	id := uuid.NewString()
	body := &pausing{from: pattern(1 << 20), after: 1 << 19, reached: make(chan struct{}), goOn: make(chan struct{})}
	answered := make(chan answer)
	go func() {
		got, err := ada.try(http.MethodPut, putAt(id, "a.dat"), body)
		if err != nil {
			got.body = fmt.Append(nil, err)
		}
		answered <- got
	}()
	<-body.reached
	server.Kill()
	close(body.goOn)
	(<-answered).unavailable(t)
	server.Start()
	w.eventually(func() bool { return ada.do(http.MethodGet, filesPath, nil).status == http.StatusOK }, func() string { return "not back" })
	ada.do(http.MethodGet, filesPath+"/"+id, nil).refused(t, http.StatusNotFound, "FILE_NOT_FOUND")
	ada.do(http.MethodPut, putAt(id, "a.dat"), declared(1<<20)).file(t, http.StatusCreated) // sent again, as the client was told
	w.settled()
}
