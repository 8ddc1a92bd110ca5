package faults_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

// Without Redis people sign in and read from PostgreSQL, limits are counted by
// each gateway alone, and the log says so once.
func TestRedisGone(t *testing.T) {
	d := dev(t)
	allReady(t, d)
	p := stack.SignedUp(t, d)
	p.Want(t, http.StatusCreated, http.MethodPost, "/api/storage/v1/files?name=before.txt", []byte("before"))
	const message, key, value = "redis is away", "used_for", "rate limits"
	before := lines(t, d.Services["gateway"], message, key, value)
	back := without(t, w.redis)

	other := p.Another(t)
	for range 20 {
		other.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files", nil)
		other.Want(t, http.StatusOK, http.MethodGet, "/api/auth/get-session", nil)
	}
	if said := lines(t, d.Services["gateway"], message, key, value) - before; said != 1 {
		t.Errorf("the gateway said %d times that Redis is away", said)
	}
	other.Want(t, http.StatusOK, http.MethodPost, "/api/auth/sign-out", map[string]any{})
	other.Want(t, http.StatusUnauthorized, http.MethodGet, "/api/storage/v1/files", nil)

	back()
	stack.Eventually(t, 20*time.Second, "the gateway to use Redis again", func() bool {
		p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files", nil)
		return lines(t, d.Services["gateway"], "redis is back", key, value) > 0
	})
}

// Without PostgreSQL every answer that needs it is 503 with Retry-After within
// two seconds, Stripe is told to come again, readiness falls, and all is well
// afterwards without a restart.
func TestPostgresGone(t *testing.T) {
	d := dev(t)
	allReady(t, d)
	p := stack.SignedUp(t, d)
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files", nil)
	back := without(t, w.postgres)

	for _, ask := range []struct {
		method, target string
		body           any
	}{
		{http.MethodGet, "/api/storage/v1/files", nil},
		{http.MethodGet, "/api/billing/v1/plan", nil},
		{http.MethodPost, "/api/auth/sign-in/email", map[string]string{"email": p.Email, "password": p.Password}},
		{http.MethodPost, "/api/storage/v1/files?name=lost.txt", []byte("lost")},
	} {
		began := time.Now()
		answer := p.Do(t, ask.method, ask.target, ask.body)
		took := time.Since(began)
		if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d %v %s", ask.method, ask.target, answer.Status, answer.Header, answer.Body)
		}
		if took > 5*time.Second {
			t.Errorf("%s %s took %s", ask.method, ask.target, took)
		}
		t.Logf("FIGURE %s %s without PostgreSQL: %d after %d ms", ask.method, ask.target, answer.Status, took.Milliseconds())
	}
	if status := event(t, d, "evt_without_database", time.Now()); status < 500 {
		t.Errorf("an event is acknowledged with %d although nothing was written", status)
	}
	for _, name := range []string{"auth", "storage", "webhook"} {
		stack.Eventually(t, 10*time.Second, name+" to be not ready", func() bool { return !ready(t, d.Services[name]) })
	}

	back()
	allReady(t, d)
	p.Want(t, http.StatusOK, http.MethodGet, "/api/billing/v1/plan", nil)
	p.Want(t, http.StatusCreated, http.MethodPost, "/api/storage/v1/files?name=after.txt", []byte("after"))
	p.Another(t)
	now := dev(t)
	for name, service := range d.Services {
		if now.Services[name].Pid != service.Pid {
			t.Errorf("%s was restarted", name)
		}
	}
}

// Without the object store uploads are refused and leave nothing behind.
func TestObjectStoreGone(t *testing.T) {
	d := dev(t)
	allReady(t, d)
	p := stack.SignedUp(t, d)
	p.Want(t, http.StatusCreated, http.MethodPost, "/api/storage/v1/files?name=kept.txt", []byte("kept"))
	back := without(t, w.s3)
	answer := p.Do(t, http.MethodPost, "/api/storage/v1/files?name=lost.txt", []byte("lost"))
	if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("upload: %d %s", answer.Status, answer.Body)
	}
	var list struct{ Items []struct{ Name string } }
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/files", nil).JSON(t, &list)
	if len(list.Items) != 1 || list.Items[0].Name != "kept.txt" {
		t.Errorf("listed %+v", list.Items)
	}
	var quota struct {
		Used     int64 `json:"used_bytes"`
		Reserved int64 `json:"reserved_bytes"`
	}
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil).JSON(t, &quota)
	if quota.Used != 4 || quota.Reserved != 0 {
		t.Errorf("counted %+v", quota)
	}
	back()
	stack.Eventually(t, 20*time.Second, "uploads to work again", func() bool {
		return p.Do(t, http.MethodPost, "/api/storage/v1/files?name=again.txt", []byte("again")).Status == http.StatusCreated
	})
}

// Without a mail server people sign up all the same, and the mail waits.
func TestMailServerGone(t *testing.T) {
	d := dev(t)
	allReady(t, d)
	if err := w.mail.StopSMTP(); err != nil {
		t.Fatal(err)
	}
	p := stack.Visitor(t, d)
	began := time.Now()
	p.Want(t, http.StatusOK, http.MethodPost, "/api/auth/sign-up/email", map[string]string{"name": "Waiting", "email": p.Email, "password": p.Password})
	t.Logf("FIGURE sign-up without a mail server answered after %d ms", time.Since(began).Milliseconds())
	if err := w.mail.StartSMTP(); err != nil {
		t.Fatal(err)
	}
	link := stack.LinkWithin(t, d, p.Email, "/api/auth/verify-email", 2*time.Minute)
	p.Want(t, http.StatusFound, http.MethodGet, link, nil)
	p.Want(t, http.StatusOK, http.MethodGet, "/api/storage/v1/quota", nil)
}

// event posts a signed event at the front door and gives the status.
func event(t *testing.T, d stack.Dev, id string, at time.Time) int {
	t.Helper()
	body := fmt.Appendf(nil, `{"id":%q,"object":"event","api_version":"2023-10-16","created":%d,"livemode":false,"type":"customer.created","data":{"object":{"id":"cus_%s","object":"customer","created":%d,"livemode":false}}}`, id, at.Unix(), id[4:], at.Unix())
	mac := hmac.New(sha256.New, []byte(d.Stripe.WebhookSecrets[0]))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	header := fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
	request := stack.Visitor(t, d).Request(t, http.MethodPost, "/webhooks/stripe", body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", header)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0 // the service died before it answered: nothing was promised
	}
	answer.Body.Close()
	return answer.StatusCode
}
