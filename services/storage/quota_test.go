package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Fifty uploads at once into room for ten: ten are kept, to the byte (STO-06).
func TestQuota_parallelUploads(t *testing.T) {
	t.Parallel()
	const size, room = 100_000, 10
	for name, body := range map[string]func() io.Reader{
		"declared": func() io.Reader { return declared(size) },
		"chunked":  func() io.Reader { return oneByte(pattern(size)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(s *settings) { s.DefaultQuota = size*room + size/2 })
			ada := w.as("ada")
			statuses := make(chan int)
			for i := range 50 {
				go func() {
					got, err := ada.try(http.MethodPost, named(fmt.Sprint(i)), body())
					if err != nil {
						got.status = -1
					}
					statuses <- got.status
				}()
			}
			kept := 0
			for range 50 {
				switch status := <-statuses; status {
				case http.StatusCreated:
					kept++
				case http.StatusRequestEntityTooLarge:
				default:
					t.Errorf("status %d", status)
				}
			}
			w.settled()
			q := ada.quota()
			if q.Files != int64(kept) || q.Used != int64(kept)*size || q.Reserved != 0 || kept > room {
				t.Errorf("%d kept, quota %+v", kept, q)
			}
			if name == "declared" && kept != room {
				t.Errorf("%d kept where there is room for %d", kept, room)
			}
			t.Logf("%d of 50 kept in room for %d", kept, room)
		})
	}
}

func TestQuota_files(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.MaxFiles = 2 })
	ada := w.as("ada")
	a := ada.upload("a", "1")
	ada.upload("b", "2")
	ada.do(http.MethodPost, named("c"), text("3")).refused(t, http.StatusRequestEntityTooLarge, "TOO_MANY_FILES")
	ada.do(http.MethodPut, putAt(a.ID, "a"), text("still allowed")).file(t, http.StatusOK)
	ada.do(http.MethodDelete, filesPath+"/"+a.ID, nil)
	ada.upload("c", "3")
	w.settled()
}

// A file that is replaced makes room for the one that comes.
func TestQuota_replacing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.DefaultQuota = 1000 })
	ada := w.as("ada")
	id := uuid.NewString()
	ada.do(http.MethodPut, putAt(id, "a"), declared(900)).file(t, http.StatusCreated)
	ada.do(http.MethodPut, putAt(id, "a"), declared(1000)).file(t, http.StatusOK)
	ada.do(http.MethodPut, putAt(id, "a"), oneByte(pattern(1000))).file(t, http.StatusOK)
	ada.do(http.MethodPut, putAt(id, "a"), declared(1001)).refused(t, http.StatusRequestEntityTooLarge, "QUOTA_EXCEEDED")
	ada.do(http.MethodPut, putAt(id, "a"), oneByte(pattern(1001))).refused(t, http.StatusRequestEntityTooLarge, "QUOTA_EXCEEDED")
	ada.do(http.MethodPost, named("b"), text("x")).refused(t, http.StatusRequestEntityTooLarge, "QUOTA_EXCEEDED")
	if q := ada.quota(); q.Used != 1000 || q.Files != 1 {
		t.Errorf("quota = %+v", q)
	}
	w.settled()
}

func TestPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.DefaultQuota = 10 })
	ada, billing := w.as("ada"), w.asService()
	setPlan := func(plan string, bytes, version int) {
		t.Helper()
		body := fmt.Sprintf(`{"plan":%q,"quota_bytes":%d,"version":%d}`, plan, bytes, version)
		if got := billing.do(http.MethodPut, "/internal/v1/users/ada/plan", text(body), "Content-Type", "application/json"); got.status != http.StatusNoContent {
			t.Fatalf("set plan: %d %s", got.status, got.body)
		}
	}
	setPlan("pro", 100, 2)
	a := ada.upload("a", strings.Repeat("x", 60))
	setPlan("free", 5, 1) // came late
	if q := ada.quota(); q.Plan != "pro" || q.Limit != 100 {
		t.Fatalf("quota = %+v", q)
	}

	setPlan("free", 50, 3)
	over := ada.do(http.MethodPost, named("b"), text(""))
	over.refused(t, http.StatusRequestEntityTooLarge, "QUOTA_EXCEEDED")
	if !strings.Contains(string(over.body), "more than your plan allows") {
		t.Errorf("the reason is not named: %s", over.body)
	}
	if got := ada.do(http.MethodGet, contentOf(a.ID), nil); len(got.body) != 60 {
		t.Errorf("content = %d, %d bytes", got.status, len(got.body))
	}
	if q := ada.quota(); q.Used != 60 || q.Limit != 50 {
		t.Errorf("quota = %+v", q)
	}
	setPlan("pro", 100, 3) // sent again
	ada.upload("b", "x")
	for _, body := range []string{`{}`, `{"plan":"","quota_bytes":1,"version":1}`, `{"plan":"p\u0000","quota_bytes":1,"version":9}`, `{"plan":"p","quota_bytes":-1,"version":1}`} {
		billing.do(http.MethodPut, "/internal/v1/users/ada/plan", text(body), "Content-Type", "application/json").
			refused(t, http.StatusUnprocessableEntity, "VALIDATION_FAILED")
	}
	w.settled()
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, bob := w.as("ada"), w.as("bob")
	for i := range 5 {
		ada.upload(fmt.Sprint(i), "hers")
	}
	his := bob.upload("his", "his")
	for range 2 { // it may come twice
		if got := w.asService().do(http.MethodDelete, "/internal/v1/users/ada", nil); got.status != http.StatusNoContent {
			t.Fatalf("delete user: %d %s", got.status, got.body)
		}
	}
	// Her token is still valid for minutes, and does nothing any more.
	ada.do(http.MethodPost, named("new"), text("x")).refused(t, http.StatusForbidden, "ACCOUNT_CLOSED")
	w.eventually(func() bool { return len(w.keysOfFiles()) == 1 }, func() string { return "files are left" })
	w.settled()
	if got := bob.do(http.MethodGet, contentOf(his.ID), nil); string(got.body) != "his" {
		t.Errorf("his file: %d %q", got.status, got.body)
	}
	// A plan that comes late does not open the account again.
	w.asService().do(http.MethodPut, "/internal/v1/users/ada/plan", text(`{"plan":"pro","quota_bytes":9,"version":9}`), "Content-Type", "application/json")
	ada.do(http.MethodPost, named("new"), text("x")).refused(t, http.StatusForbidden, "ACCOUNT_CLOSED")
	// Somebody who never kept anything can be deleted as well.
	if got := w.asService().do(http.MethodDelete, "/internal/v1/users/eve", nil); got.status != http.StatusNoContent {
		t.Errorf("delete user: %d", got.status)
	}
}

// The files of somebody without an address are those of the account that they become.
func TestDeleteUser_handsFilesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guest, ada := w.as("guest"), w.as("ada")
	kept := guest.upload("notes.txt", "the guest's")
	guest.upload("more.txt", "and more")
	ada.upload("notes.txt", "hers")
	for range 2 { // it may come twice
		if got := w.asService().do(http.MethodDelete, "/internal/v1/users/guest?successor=ada", nil); got.status != http.StatusNoContent {
			t.Fatalf("delete user: %d %s", got.status, got.body)
		}
	}
	if got := ada.do(http.MethodGet, contentOf(kept.ID), nil); string(got.body) != "the guest's" {
		t.Errorf("the guest's file: %d %q", got.status, got.body)
	}
	list := ada.do(http.MethodGet, "/api/storage/v1/files", nil)
	for _, want := range []string{`"notes.txt"`, ` notes.txt"`, `"more.txt"`} {
		if !strings.Contains(string(list.body), want) {
			t.Errorf("%s is not in %s", want, list.body)
		}
	}
	if q := ada.quota(); q.Files != 3 || q.Used != int64(len("the guest's")+len("and more")+len("hers")) {
		t.Errorf("quota %+v", q)
	}
	guest.do(http.MethodPost, named("new"), text("x")).refused(t, http.StatusForbidden, "ACCOUNT_CLOSED")
	guest.do(http.MethodGet, contentOf(kept.ID), nil).refused(t, http.StatusNotFound, "FILE_NOT_FOUND")
	if got := w.asService().do(http.MethodDelete, "/internal/v1/users/guest?successor=a%2Fb", nil); got.status != http.StatusBadRequest {
		t.Errorf("a successor that is no id: %d %s", got.status, got.body)
	}
	w.settled()
}

// Whatever happens in whatever order, the books are right: a model of them is
// kept beside, in Go. CODEX_SOAK=1 takes many more steps.
func TestQuota_books(t *testing.T) {
	t.Parallel()
	steps := 150
	if os.Getenv("CODEX_SOAK") == "1" {
		steps = 5000
	}
	t.Logf("%d steps", steps)
	w := newWorld(t, func(s *settings) { s.DefaultQuota, s.MaxFile, s.MaxFiles = 200_000, 60_000, 8 })
	ada := w.as("ada")
	random := rand.New(rand.NewChaCha8([32]byte{7}))
	m := model{files: map[string]int64{}, limit: 200_000}
	for step := range steps {
		what := m.act(w, ada, random, step)
		q := ada.quota()
		if q.Used != m.used() || q.Files != int64(len(m.files)) || q.Reserved != 0 || q.Limit != m.limit {
			t.Fatalf("step %d (%s): quota %+v, expected %d bytes in %d files of %d", step, what, q, m.used(), len(m.files), m.limit)
		}
	}
	w.settled()
}

// model is what ada should have.
type model struct {
	files map[string]int64 // sizes by id
	limit int64
}

func (m *model) used() (sum int64) {
	for _, size := range m.files {
		sum += size
	}
	return sum
}

// any gives one of the ids, or a new one.
func (m *model) any(random *rand.Rand) string {
	ids := []string{uuid.NewString()}
	for id := range m.files {
		ids = append(ids, id)
	}
	return ids[random.IntN(len(ids))]
}

// act does one thing and notes what must come of it.
func (m *model) act(w *world, ada client, random *rand.Rand, step int) string {
	id, size := m.any(random), random.Int64N(70_000)
	switch n := random.IntN(10); {
	case n < 6:
		var body io.Reader = declared(size)
		if n < 3 {
			body = oneByte(pattern(size))
		}
		old, exists := m.files[id]
		got := ada.do(http.MethodPut, putAt(id, id), body)
		fits := m.used()-old+size <= m.limit && m.used() <= m.limit && size <= 60_000 && (exists || len(m.files) < 8)
		if fits != (got.status < 300) {
			w.t.Fatalf("step %d: put of %d bytes over %d with %d of %d used: %d %s", step, size, old, m.used(), m.limit, got.status, got.body)
		}
		if fits {
			m.files[id] = size
		}
		return fmt.Sprintf("put %d: %d", size, got.status)
	case n == 6:
		status, code := ada.cut(http.MethodPut, putAt(id, id), size+1, size/2, step%2 == 0, true)
		if status < 400 {
			w.t.Fatalf("step %d: an upload that was cut short: %d %s", step, status, code)
		}
		return "cut: " + code
	case n == 7:
		m.limit = 50_000 + random.Int64N(300_000)
		body := fmt.Sprintf(`{"plan":"p","quota_bytes":%d,"version":%d}`, m.limit, step+1)
		w.asService().do(http.MethodPut, "/internal/v1/users/ada/plan", text(body), "Content-Type", "application/json")
		return "plan"
	default:
		ada.do(http.MethodDelete, filesPath+"/"+id, nil)
		delete(m.files, id)
		return "delete"
	}
}
