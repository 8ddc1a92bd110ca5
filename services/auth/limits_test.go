package main

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
)

// AUTH-17: the limit of one account holds over addresses and replicas.
func TestLimit_ofOneAccountHoldsOverReplicasAndAddresses(t *testing.T) {
	t.Parallel()
	on := map[string]string{"RATE_LIMIT": "on", "TRUSTED_PROXIES": "127.0.0.0/8", "BACKOFF_AFTER": "20"}
	one := newWorld(t, options{redis: testkit.Redis(t), env: on})
	two := newWorld(t, options{pool: one.pool, redis: one.redis, mails: one.mails, env: on})
	email := address()
	one.signUp(email, goodPassword)
	var tried, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			b := []*world{one, two}[i%2].stranger()
			b.headers["X-Forwarded-For"] = "192.0.2." + strconv.Itoa(i+1)
			r, err := b.try(http.MethodPost, "/sign-in/email", "application/json", `{"email":"`+email+`","password":"wrong-password-1"}`)
			switch {
			case err != nil:
				t.Error(err)
			case r.status == http.StatusUnauthorized:
				tried.Add(1)
			case r.status == http.StatusTooManyRequests:
				refused.Add(1)
				isLimit(t, r)
			default:
				t.Errorf("%d %s", r.status, r.text)
			}
		})
	}
	all.Wait()
	if tried.Load() != 10 || refused.Load() != 10 {
		t.Errorf("%d passwords were tried and %d tries refused, want 10 and 10", tried.Load(), refused.Load())
	}
	refuse := one.stranger().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword})
	isLimit(t, refuse)
	wait, err := strconv.Atoi(refuse.header.Get("Retry-After"))
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Duration(wait) * time.Second) // Redis's clock is not ours to move
	if r := two.stranger().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != http.StatusOK {
		t.Errorf("the right password after the wait of %d s: %d %s", wait, r.status, r.text)
	}
	if r := one.stranger().post("/sign-in/email", map[string]any{"email": address(), "password": "wrong-password-1"}); r.status != http.StatusUnauthorized {
		t.Errorf("another account: %d %s", r.status, r.text)
	}
}

func isLimit(t *testing.T, r reply) {
	t.Helper()
	wait, err := strconv.Atoi(r.header.Get("X-Retry-After"))
	if r.status != http.StatusTooManyRequests || r.text != `{"message":"Too many requests. Please try again later."}`+"\n" || err != nil || wait < 1 || wait > 60 {
		t.Errorf("%d %s, X-Retry-After %q", r.status, r.text, r.header.Get("X-Retry-After"))
	}
	if r.header.Get("Retry-After") != r.header.Get("X-Retry-After") {
		t.Errorf("Retry-After %q, X-Retry-After %q", r.header.Get("Retry-After"), r.header.Get("X-Retry-After"))
	}
}

func TestLimit_ofOneAddressLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on", "TRUSTED_PROXIES": "127.0.0.0/8", "BACKOFF_AFTER": "20"}})
	email := address()
	w.signUp(email, goodPassword)
	from := func(addr, password string) reply {
		b := w.stranger()
		b.headers["X-Forwarded-For"] = addr
		return b.post("/sign-in/email", map[string]any{"email": email, "password": password})
	}
	for range 5 {
		from("192.0.2.1", "wrong-password-1")
	}
	isLimit(t, from("192.0.2.1", goodPassword))
	if r := from("192.0.2.2", goodPassword); r.status != http.StatusOK {
		t.Errorf("the owner, from elsewhere: %d %s", r.status, r.text)
	}
}

func TestLimit_ofLettersTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on"}})
	known := address()
	w.signUp(known, goodPassword)
	for _, email := range []string{known, address()} {
		for i := range 4 {
			r := w.stranger().post("/request-password-reset", map[string]any{"email": email})
			if i < 3 && r.status != http.StatusOK {
				t.Errorf("letter %d: %d %s", i+1, r.status, r.text)
			}
			if i == 3 {
				isLimit(t, r)
			}
		}
		isLimit(t, w.stranger().post("/send-verification-email", map[string]any{"email": email}))
	}
}

func TestLimit_ofGuessingOnesOwnPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on"}})
	b := w.signUp(address(), goodPassword)
	for range 5 {
		b.post("/verify-password", map[string]any{"password": "wrong-password-1"})
	}
	isLimit(t, b.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": "another-passphrase-1"}))
	if !b.signedIn() {
		t.Error("the open session ended") // AUTH-18
	}
}

// EDGE=direct: the service limits addresses and sets the headers that the
// gateway would have.
func TestEdgeDirect_protectsItself(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, map[string]string{"RATE_LIMIT": "on", "EDGE": "direct"})
	var last reply
	for range 6 {
		last = w.stranger().post("/sign-in/email", map[string]any{"email": address(), "password": "wrong-password-1"})
	}
	isLimit(t, last)
	for name, want := range map[string]string{
		"RateLimit-Policy": `"strict";q=5;w=60`, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
	} {
		if got := last.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if last.header.Get("RateLimit") == "" || last.header.Get("Content-Security-Policy") == "" {
		t.Errorf("headers: %v", last.header)
	}
	if r := w.stranger().get("/get-session"); r.status != http.StatusOK {
		t.Errorf("reading is limited with signing in: %d", r.status)
	}
	if r := w.stranger().get("/error"); !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || r.header.Get("Content-Security-Policy") == "" {
		t.Errorf("the error page: %v", r.header)
	}
}

// AUTH-05: a flood of sign-ins is shed, and does not starve the rest.
func TestSignIn_aFloodIsShed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"HASH_MEMORY_KIB": "19456", "HASH_CONCURRENCY": "1", "HASH_QUEUE": "8"}})
	b := w.signUp(address(), goodPassword)
	var shed, tried atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			r, err := w.stranger().try(http.MethodPost, "/sign-in/email", "application/json", `{"email":"`+address()+`","password":"wrong-password-1"}`)
			switch {
			case err != nil:
				t.Error(err)
			case r.status == http.StatusUnauthorized:
				tried.Add(1)
			case r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") != "":
				shed.Add(1)
			default:
				t.Errorf("%d %s", r.status, r.text)
			}
		})
	}
	slowest := time.Duration(0)
	for range 20 {
		began := time.Now()
		if !b.signedIn() {
			t.Error("not signed in")
		}
		slowest = max(slowest, time.Since(began))
	}
	all.Wait()
	t.Logf("%d tried, %d shed; slowest get-session beside it %v", tried.Load(), shed.Load(), slowest)
	if shed.Load() == 0 || tried.Load() == 0 {
		t.Errorf("%d tried, %d shed", tried.Load(), shed.Load())
	}
}

// Letters that one person causes are counted over all addresses: neither strangers
// nor the old mailbox can be flooded by asking for one new address after another.
func TestLimit_ofLettersCountsThePersonToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"RATE_LIMIT": "on", "EMAIL_CODE_CHANGE_EMAIL": "on", "EMAIL_CODE_CHANGE_CONFIRM": "off"}})
	for _, path := range []string{"/change-email", "/email-otp/request-email-change"} {
		email := address()
		b := w.signUp(email, goodPassword)
		for range 3 {
			if r := b.post(path, map[string]any{"newEmail": address()}); r.status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, r.status, r.text)
			}
		}
		isLimit(t, b.post(path, map[string]any{"newEmail": address()}))
		if r := w.stranger().post("/request-password-reset", map[string]any{"email": email}); r.status != http.StatusOK {
			t.Errorf("%s: their own reset: %d %s", path, r.status, r.text)
		}
		if r := w.signUp(address(), goodPassword).post(path, map[string]any{"newEmail": address()}); r.status != http.StatusOK {
			t.Errorf("%s: somebody else: %d %s", path, r.status, r.text)
		}
	}
}
