package e2e_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

type plan struct {
	Plan, Status string
	Quota        int64 `json:"quota_bytes"`
}

func planOf(t *testing.T, p *stack.Person) plan {
	t.Helper()
	var got plan
	p.Want(t, http.StatusOK, http.MethodGet, "/api/billing/v1/plan", nil).JSON(t, &got)
	return got
}

var formAction = regexp.MustCompile(`(?s)<form[^>]*method="post"[^>]*>`)

// From the free plan to the bigger quota: checkout, the pay page, Stripe's
// events, the billing state, storage's quota.
func TestBuyingAPlanRaisesTheQuota(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	p := stack.SignedUp(t, dev)
	if got := planOf(t, p); got.Plan != "free" {
		t.Fatalf("begins with %+v", got)
	}
	before := quotaOf(t, p)

	var checkout struct{ ID, URL string }
	p.Want(t, http.StatusOK, http.MethodPost, "/api/billing/v1/checkout", map[string]string{"plan": "pro"}).JSON(t, &checkout)
	pay(t, p, checkout.URL)

	stack.Eventually(t, 20*time.Second, "the plan to become pro", func() bool { return planOf(t, p).Plan == "pro" })
	stack.Eventually(t, 20*time.Second, "storage's quota to grow", func() bool { return quotaOf(t, p).Limit > before.Limit })
	if got := planOf(t, p); got.Quota != quotaOf(t, p).Limit || got.Status != "active" {
		t.Errorf("plan %+v, quota %+v", got, quotaOf(t, p))
	}
	stack.Eventually(t, 20*time.Second, "the payment to be listed", func() bool {
		var payments struct{ Items []struct{ Status string } }
		p.Want(t, http.StatusOK, http.MethodGet, "/api/billing/v1/payments", nil).JSON(t, &payments)
		return len(payments.Items) == 1
	})
	again := p.Do(t, http.MethodPost, "/api/billing/v1/checkout", map[string]string{"plan": "pro"})
	if again.Status != http.StatusConflict || !strings.Contains(string(again.Body), "ALREADY_SUBSCRIBED") {
		t.Errorf("a second checkout gives %d %s", again.Status, again.Body)
	}
	var portal struct{ URL string }
	p.Want(t, http.StatusOK, http.MethodPost, "/api/billing/v1/portal", map[string]any{}).JSON(t, &portal)
	if portal.URL == "" {
		t.Error("no portal")
	}
}

// pay fills in the stand-in's page as a browser does.
func pay(t *testing.T, p *stack.Person, page string) {
	t.Helper()
	shown := p.Want(t, http.StatusOK, http.MethodGet, page, nil)
	form := formAction.FindString(string(shown.Body))
	if form == "" {
		t.Fatalf("no form on the pay page:\n%s", shown.Body)
	}
	values := url.Values{}
	for _, input := range regexp.MustCompile(`<(?:input|button)[^>]*>`).FindAllString(string(shown.Body), -1) {
		name, value := attribute(input, "name"), attribute(input, "value")
		if name != "" && (attribute(input, "type") != "radio" || strings.Contains(input, "checked")) && !strings.Contains(strings.ToLower(value), "cancel") {
			values.Set(name, value)
		}
	}
	target, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	if action := attribute(form, "action"); action != "" {
		if target, err = target.Parse(action); err != nil {
			t.Fatal(err)
		}
	}
	answer := p.Do(t, http.MethodPost, target.String(), []byte(values.Encode()), "Content-Type", "application/x-www-form-urlencoded")
	if answer.Status != http.StatusSeeOther && answer.Status != http.StatusFound {
		t.Fatalf("paying gives %d %s", answer.Status, answer.Body)
	}
}

func attribute(tag, name string) string {
	found := regexp.MustCompile(`\b` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if found == nil {
		return ""
	}
	return found[1]
}

// signed posts an event as Stripe does, at the front door.
func signed(t *testing.T, dev stack.Dev, secret string, at time.Time, body []byte) int {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	header := fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
	return stack.Visitor(t, dev).Do(t, http.MethodPost, "/webhooks/stripe", body, "Content-Type", "application/json", "Stripe-Signature", header).Status
}

func TestEventsAreBelievedByTheirSignatureAlone(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	now := time.Now()
	body, err := json.Marshal(map[string]any{
		"id": fmt.Sprintf("evt_e2e%d", now.UnixNano()), "object": "event", "api_version": "2023-10-16", "created": now.Unix(), "livemode": false,
		"type": "customer.created", "data": map[string]any{"object": map[string]any{"id": fmt.Sprintf("cus_e2e%d", now.UnixNano()), "object": "customer", "created": now.Unix(), "livemode": false}},
	})
	if err != nil {
		t.Fatal(err)
	}
	secret := dev.Stripe.WebhookSecrets[0]
	for name, tc := range map[string]struct {
		secret string
		at     time.Time
		want   int
	}{
		"another secret":  {"whsec_of_somebody_else_0123456789abcdef", now, http.StatusBadRequest},
		"six minutes old": {secret, now.Add(-6 * time.Minute), http.StatusBadRequest},
		"from the future": {secret, now.Add(6 * time.Minute), http.StatusBadRequest},
		"ours":            {secret, now, http.StatusOK},
		"ours, twice":     {secret, now, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			if got := signed(t, dev, tc.secret, tc.at, body); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}
