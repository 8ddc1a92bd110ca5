package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

// kill ends a service without a word and waits until the launcher has started
// another.
func kill(t *testing.T, name string) (wait func()) {
	t.Helper()
	pid := dev(t).Services[name].Pid
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return func() {
		stack.Eventually(t, 60*time.Second, "another "+name, func() bool {
			service := dev(t).Services[name]
			return service.Pid != pid && ready(t, service)
		})
	}
}

// No event that was acknowledged is lost when the webhook service is killed.
func TestKilledWebhookLosesNoEvent(t *testing.T) {
	d := dev(t)
	allReady(t, d)
	var acknowledged sync.Map
	var sent atomic.Int64
	prefix := fmt.Sprintf("evt_kill%d", time.Now().UnixNano())
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if id := fmt.Sprintf("%s_%d", prefix, sent.Add(1)); event(t, d, id, time.Now()) == http.StatusOK {
					acknowledged.Store(id, true)
				}
			}
		})
	}
	stack.Eventually(t, 20*time.Second, "events to flow", func() bool { return sent.Load() > 50 })
	again := kill(t, "webhook")
	again()
	close(stop)
	group.Wait()

	conn, err := pgx.Connect(t.Context(), d.Database.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, _ := conn.Query(t.Context(), `SELECT event_id FROM billing.stripe_events WHERE event_id LIKE $1`, prefix+"%")
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, id := range ids {
		kept[id] = true
	}
	promised := 0
	acknowledged.Range(func(id, _ any) bool {
		promised++
		if !kept[id.(string)] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
		return true
	})
	if promised == 0 {
		t.Error("no event was acknowledged")
	}
	t.Logf("FIGURE %d events acknowledged around a kill -9, %d kept", promised, len(ids))
}

// slow is a body that stops after its first half until it is told to go on.
type slow struct {
	left int // bytes of the first half
	hold chan struct{}
}

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		<-s.hold
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), s.left)
	clear(p[:n])
	s.left -= n
	return n, nil
}

// A service killed in the middle of an upload shows no part of it and does not
// charge for it; what was acknowledged before is there.
func TestKilledStorageShowsNoPart(t *testing.T) {
	d := dev(t)
	allReady(t, d)
	p := stack.SignedUp(t, d)
	p.Want(t, http.StatusCreated, http.MethodPost, "/api/storage/v1/files?name=whole.txt", []byte("whole"))
	body := &slow{left: 1 << 20, hold: make(chan struct{})}
	cut := make(chan struct{})
	request := p.Request(t, http.MethodPost, "/api/storage/v1/files?name=part.bin", body)
	go func() {
		defer close(cut)
		if answer, err := p.Send(request); err == nil && answer.Status == http.StatusCreated {
			t.Error("half an upload was acknowledged")
		}
	}()
	stack.Eventually(t, 20*time.Second, "the upload to reserve its room", func() bool {
		var quota struct {
			Reserved int64 `json:"reserved_bytes"`
		}
		p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil).JSON(t, &quota)
		return quota.Reserved > 0
	})
	again := kill(t, "storage")
	close(body.hold)
	<-cut
	again()
	var list struct{ Items []struct{ Name string } }
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files", nil).JSON(t, &list)
	if len(list.Items) != 1 || list.Items[0].Name != "whole.txt" {
		t.Errorf("listed %+v", list.Items)
	}
	var quota struct {
		Used int64 `json:"used_bytes"`
	}
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil).JSON(t, &quota)
	if quota.Used != 5 {
		t.Errorf("%d bytes are charged", quota.Used)
	}
}

// Whoever was told that the account exists can use it after auth was killed.
func TestKilledAuthLosesNobody(t *testing.T) {
	d := dev(t)
	allReady(t, d)
	p := stack.Visitor(t, d)
	p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/sign-up/email", map[string]string{"name": "Kept", "email": p.Email, "password": p.Password})
	kill(t, "auth")()
	// The mail of the killed process comes too, but its job is taken up only once it counts as lost, two minutes later.
	p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/send-verification-email", map[string]string{"email": p.Email})
	link := stack.Link(t, d, p.Email, "/api/auth/verify-email")
	p.Want(t, http.StatusFound, http.MethodGet, link, nil)
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil)
}
