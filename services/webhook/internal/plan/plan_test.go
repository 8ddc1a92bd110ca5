package plan_test

import (
	"errors"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/webhook/internal/plan"
)

const list = `[{"key":"free","name":"Free","quota_bytes":1},
	{"key":"pro","name":"Pro","lookup_key":"pro_monthly","amount":1200,"currency":"eur","interval":"month","quota_bytes":100},
	{"key":"team","name":"Team","lookup_key":"team_monthly","amount":4800,"currency":"eur","interval":"month","quota_bytes":500}]`

func catalogue(t *testing.T) plan.Catalogue {
	t.Helper()
	var c plan.Catalogue
	if err := c.UnmarshalText([]byte(list)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestResolve(t *testing.T) {
	t.Parallel()
	soon, later := time.Unix(100, 0), time.Unix(200, 0)
	pro := func(status string, end time.Time) plan.Holding {
		return plan.Holding{SubscriptionID: "sub_" + status + end.String(), Status: status, PeriodEnd: &end, LookupKey: "pro_monthly"}
	}
	team := plan.Holding{SubscriptionID: "sub_team", Status: "active", PeriodEnd: &soon, LookupKey: "team_monthly"}
	moved := plan.Holding{SubscriptionID: "sub_moved", Status: "active", LookupKey: "", PlanKey: "pro"}
	foreign := plan.Holding{SubscriptionID: "sub_foreign", Status: "active", LookupKey: "a_mug_a_month"}
	for name, tc := range map[string]struct {
		holds        []plan.Holding
		plan, status string
		end          *time.Time
	}{
		"nothing":                      {nil, "free", "none", nil},
		"active":                       {[]plan.Holding{pro("active", soon)}, "pro", "active", &soon},
		"on trial":                     {[]plan.Holding{pro("trialing", soon)}, "pro", "trialing", &soon},
		"past due":                     {[]plan.Holding{pro("past_due", soon)}, "pro", "past_due", &soon},
		"begun, not paid":              {[]plan.Holding{pro("incomplete", soon)}, "free", "none", nil},
		"given up":                     {[]plan.Holding{pro("unpaid", soon)}, "free", "canceled", nil},
		"paused":                       {[]plan.Holding{pro("paused", soon)}, "free", "canceled", nil},
		"ended":                        {[]plan.Holding{pro("canceled", soon)}, "free", "canceled", nil},
		"ended, then bought again":     {[]plan.Holding{pro("canceled", soon), pro("active", later)}, "pro", "active", &later},
		"bought again, the old ended":  {[]plan.Holding{pro("active", later), pro("canceled", soon)}, "pro", "active", &later},
		"two plans: the larger one":    {[]plan.Holding{pro("active", later), team}, "team", "active", &soon},
		"one plan twice: the longer":   {[]plan.Holding{pro("active", soon), pro("active", later)}, "pro", "active", &later},
		"a price whose key moved on":   {[]plan.Holding{moved}, "pro", "active", nil},
		"something that is no plan":    {[]plan.Holding{foreign}, "free", "none", nil},
		"no plan beside an ended plan": {[]plan.Holding{foreign, pro("canceled", soon)}, "free", "canceled", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := catalogue(t).Resolve(tc.holds)
			if got.PlanKey != tc.plan || got.Status != tc.status || (got.PeriodEnd == nil) != (tc.end == nil) || tc.end != nil && !got.PeriodEnd.Equal(*tc.end) {
				t.Errorf("got %+v, want %s, %s until %v", got, tc.plan, tc.status, tc.end)
			}
		})
	}
}

func TestCatalogue_refusesWhatCannotBeSold(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":        `free,pro`,
		"nothing":        `[]`,
		"no free plan":   `[{"key":"pro","name":"Pro","lookup_key":"pro_monthly","quota_bytes":1}]`,
		"two free plans": `[{"key":"free","name":"Free","quota_bytes":1},{"key":"more","name":"More","quota_bytes":2}]`,
		"no name":        `[{"key":"free","quota_bytes":1}]`,
		"no quota":       `[{"key":"free","name":"Free"}]`,
		"one key twice":  `[{"key":"free","name":"Free","quota_bytes":1},{"key":"free","name":"Pro","lookup_key":"a","quota_bytes":2}]`,
		"one lookup key twice": `[{"key":"free","name":"Free","quota_bytes":1},{"key":"a","name":"A","lookup_key":"k","quota_bytes":2},
			{"key":"b","name":"B","lookup_key":"k","quota_bytes":3}]`,
	} {
		var c plan.Catalogue
		if err := c.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestCatalogue_sells(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	if p, err := c.Sold("pro"); err != nil || p.LookupKey != "pro_monthly" {
		t.Errorf("pro: %+v, %v", p, err)
	}
	for _, key := range []string{"free", "gold", ""} {
		if _, err := c.Sold(key); !errors.Is(err, plan.ErrNotFound) {
			t.Errorf("%q is sold: %v", key, err)
		}
	}
	if c.KeyOf("") != "" || c.KeyOf("team_monthly") != "team" {
		t.Error("lookup keys name the wrong plans")
	}
}
