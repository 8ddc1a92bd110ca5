package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/stripetest"
)

// event writes a small event about a customer.
func event(id string, created int64, about string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"object":"event","type":"customer.updated","api_version":"2023-10-16","created":%d,"livemode":false,
		"data":{"object":{"id":%q,"object":"customer","currency":"eur","email":"person@example.com"}}}`, id, created, about)
}

func (w *world) post(body []byte, change func(r *http.Request)) answer {
	w.t.Helper()
	r, err := stripetest.NewRequest(w.url+hookPath, signing, time.Now(), body)
	if err != nil {
		w.t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	return w.send(r)
}

func TestDelivery_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := event("evt_1", time.Now().Unix(), "cus_1")
	now := time.Now()
	sign := func(header string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Stripe-Signature", header) }
	}
	for name, header := range map[string]string{
		"unsigned": "", "another secret": stripetest.Sign("whsec_other", now, good), "flipped byte": stripetest.Sign(signing, now, append([]byte(" "), good...)),
		"too old":     stripetest.Sign(signing, now.Add(-302*time.Second), good),
		"too far on":  stripetest.Sign(signing, now.Add(305*time.Second), good),
		"v0 only":     strings.Replace(stripetest.Sign(signing, now, good), "v1=", "v0=", 1),
		"empty name":  "=",
		"no time":     "v1=" + stripetest.Signature(signing, now, good),
		"other times": fmt.Sprintf("t=%d,v1=%s", now.Unix()-1, stripetest.Signature(signing, now, good)),
	} {
		t.Run(name, func(t *testing.T) { w.post(good, sign(header)).refused(t, http.StatusBadRequest, "SIGNATURE_INVALID") })
	}
	w.post([]byte(`{"id":7}`), nil).refused(t, http.StatusBadRequest, "EVENT_INVALID")
	w.post([]byte(`not JSON`), nil).refused(t, http.StatusBadRequest, "EVENT_INVALID")
	w.post(bytes.Replace(event("evt_nul", 1, "cus_1"), []byte("evt_nul"), []byte(`evt\u0000`), 1), nil).refused(t, http.StatusBadRequest, "EVENT_INVALID")
	w.post(bytes.Repeat([]byte(" "), 1<<20+1), nil).refused(t, http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE")
	chunked := func(r *http.Request) { r.ContentLength, r.GetBody = -1, nil }
	w.post(bytes.Repeat([]byte(" "), 1<<20+1), chunked).refused(t, http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE")
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		w.asNobody().do(method, hookPath, "").refused(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	}
	if n := w.count(`SELECT count(*) FROM billing.stripe_events WHERE event_id = 'evt_1'`); n != 0 {
		t.Errorf("%d refused events were kept", n)
	}
	w.post(good, nil).decode(t, http.StatusOK, nil)
	padded := append(event("evt_2", now.Unix(), "cus_1"), bytes.Repeat([]byte(" "), 1<<20)...)[:1<<20]
	w.post(padded, chunked).decode(t, http.StatusOK, nil) // exactly the limit
}

func TestDelivery_slowBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.EventWithin = 200 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nStripe-Signature: t=1\r\n\r\n{", hookPath)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestTimeout {
		t.Fatalf("got %v, %v; want 408", res, err)
	}
	res.Body.Close()
}

// What is not ours, or not known, is kept and acknowledged, and changes nothing.
func TestDelivery_foreignEventsAreAcknowledged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now().Unix()
	live := bytes.Replace(event("evt_live", now, "cus_live"), []byte(`"livemode":false`), []byte(`"livemode":true`), 1)
	connected := bytes.Replace(event("evt_connected", now, "cus_connected"), []byte(`"livemode"`), []byte(`"account":"acct_1","livemode"`), 1)
	unknown := bytes.ReplaceAll(bytes.Replace(event("evt_new", now, "thing_1"), []byte(`customer.updated`), []byte(`thing.made`), 1), []byte(`"customer"`), []byte(`"thing"`))
	for _, body := range [][]byte{live, connected, unknown} {
		w.post(body, nil).decode(t, http.StatusOK, nil)
	}
	w.worked()
	for id, want := range map[string]int{"evt_live": 4, "evt_connected": 4, "evt_new": 1} {
		if got := w.count(`SELECT status FROM billing.stripe_events WHERE event_id = $1`, id); got != want {
			t.Errorf("%s has status %d, want %d", id, got, want)
		}
	}
	if n := w.count(`SELECT count(*) FROM billing.customers`); n != 0 {
		t.Errorf("%d customers came of it", n)
	}
}

func TestDelivery_liveDeploymentIgnoresTestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.Livemode = true })
	w.post(event("evt_test", time.Now().Unix(), "cus_1"), nil).decode(t, http.StatusOK, nil)
	if got := w.count(`SELECT status FROM billing.stripe_events WHERE event_id = 'evt_test'`); got != 4 {
		t.Errorf("status %d, want 4", got)
	}
}

// One hundred copies at once, to two replicas: one row, one effect (WH-03).
func TestDelivery_copiesTakeEffectOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	w.stripe.Hold()
	w.stripe.Pay(ada.checkout().ID)
	urls := []string{w.url, w.replica()}
	events := w.stripe.Events()
	for _, e := range events {
		w.copies(e.Body, urls)
	}
	w.worked()
	w.eventually(func() bool { return len(w.storage.messages()) == 1 }, "storage was not told")
	if n := w.count(`SELECT count(*) FROM billing.stripe_events`); n != len(events) {
		t.Errorf("%d rows, want %d", n, len(events))
	}
	calls := w.count(`SELECT count(*) FROM billing.river_job WHERE kind = 'call'`)
	if p := ada.plan(); p.Plan != "pro" || calls != 1 || len(w.storage.messages()) != 1 {
		t.Errorf("plan %+v after %d calls: want one effect", p, calls)
	}
}

// copies delivers an event a hundred times at once, each again until it is taken.
func (w *world) copies(body []byte, urls []string) {
	w.t.Helper()
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			for range 20 {
				if got, err := w.deliver(urls[i%2], body); err == nil && got.status == http.StatusOK {
					return
				}
			}
			w.t.Error("a copy was never taken")
		})
	}
	all.Wait()
}

// PostgreSQL goes away and comes back, without a restart of ours.
func TestDelivery_withoutDatabase(t *testing.T) {
	t.Parallel()
	postgres := testkit.StartPostgres(t, migrations.Webhook)
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(postgres.URL()), MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := newWorldOn(t, pool)
	now := time.Now().Unix()
	w.post(event("evt_before", now, "cus_1"), nil).decode(t, http.StatusOK, nil)

	postgres.Kill()
	for range 3 {
		begun := time.Now()
		got := w.post(event("evt_meanwhile", now, "cus_2"), nil)
		took := time.Since(begun)
		got.refused(t, http.StatusServiceUnavailable, "UNAVAILABLE")
		if got.header.Get("Retry-After") == "" || took > 2*time.Second {
			t.Errorf("503 after %v with Retry-After %q", took, got.header.Get("Retry-After"))
		}
		t.Logf("503 after %d ms", took.Milliseconds())
	}
	w.as("ada").do(http.MethodGet, billing+"/plan", "").refused(t, http.StatusServiceUnavailable, "UNAVAILABLE")

	postgres.Start()
	w.eventually(func() bool { return w.post(event("evt_meanwhile", now, "cus_2"), nil).status == http.StatusOK }, "no recovery")
	w.worked()
	if n := w.count(`SELECT count(*) FROM billing.customers WHERE id IN ('cus_1', 'cus_2')`); n != 2 {
		t.Errorf("%d of 2 acknowledged events took effect", n)
	}
}

// Without a gateway the service protects itself.
func TestEdgeDirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) {
		s.HTTP.Edge = httpapi.EdgeDirect
		s.LimitAddress, s.LimitWebhook = cache.Rate{Requests: 2, Per: time.Hour}, cache.Rate{Requests: 1000, Per: time.Hour}
	})
	for range 2 {
		w.asNobody().do(http.MethodGet, billing+"/plan", "").refused(t, http.StatusUnauthorized, "UNAUTHORIZED")
	}
	last := w.asNobody().do(http.MethodGet, billing+"/plan", "")
	last.refused(t, http.StatusTooManyRequests, "RATE_LIMITED")
	for name, want := range map[string]string{"RateLimit-Policy": `"api-address";q=2;w=3600`, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got := last.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if last.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.post(event("evt_1", time.Now().Unix(), "cus_1"), nil).decode(t, http.StatusOK, nil) // not of that address
}

// Stripe is away: people hear it, events are still taken in, doubts wait.
func TestStripeGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.StripeURL = "http://127.0.0.1:1" })
	got := w.as("ada").do(http.MethodPost, billing+"/checkout", `{"plan":"pro"}`)
	got.refused(t, http.StatusServiceUnavailable, "PAYMENTS_UNAVAILABLE")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	unclear := bytes.Replace(event("evt_1", time.Now().Unix(), "cus_1"), []byte(`"currency":"eur"`), []byte(`"currency":7`), 1)
	w.post(unclear, nil).decode(t, http.StatusOK, nil)
	w.eventually(func() bool {
		return w.count(`SELECT count(*) FROM billing.stripe_events WHERE status = 1 AND event_id = 'evt_1'`) == 1
	}, "the event waits for Stripe")
	if n := w.count(`SELECT count(*) FROM billing.stripe_objects WHERE dirty_seq > synced_seq`); n != 1 {
		t.Errorf("%d objects in doubt, want 1", n)
	}
}

// An event of a newer API version, in which what we need has moved or is missing,
// leads to a question to Stripe.
func TestDelivery_incompleteEventIsFetched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	sub := ada.buy()
	if err := w.stripe.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.worked()
	if _, err := w.pool.Exec(t.Context(), `UPDATE billing.subscriptions SET current_period_end = NULL`); err != nil {
		t.Fatal(err)
	}
	bare := fmt.Appendf(nil, `{"id":"evt_bare","object":"event","type":"customer.subscription.updated","api_version":"2027-01-01","created":%d,"livemode":false,
		"data":{"object":{"id":%q,"object":"subscription","status":"active"}}}`, time.Now().Unix()+1, sub)
	if _, err := w.pool.Exec(t.Context(), `UPDATE billing.stripe_objects SET digest = '\x00' WHERE object_id = $1`, sub); err != nil {
		t.Fatal(err)
	}
	w.post(bare, nil).decode(t, http.StatusOK, nil)
	w.eventually(func() bool {
		return w.count(`SELECT count(*) FROM billing.subscriptions WHERE current_period_end IS NOT NULL`) == 1
	}, "the subscription was not fetched")
}

// Nothing that people told Stripe, and no secret, stands in the log (LOG-01, LOG-02).
func TestLog_holdsNoSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.as("ada")
	ada.buy()
	w.post(event("evt_1", time.Now().Unix(), "cus_1"), nil)
	w.post([]byte(`{"id":"x\n{\"forged\":\"line\"}"}`), func(r *http.Request) { r.Header.Set("Stripe-Signature", "t=1,v1=\u2028") })
	for _, secret := range []string{serviceToken, signing, w.stripe.SecretKey(), ada.token, "@example.com", "Some Body", `"4242"`, "4242424242424242"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
