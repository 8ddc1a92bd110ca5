package limit_test

import (
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/services/gateway/internal/limit"
)

func TestFields_areStructuredFields(t *testing.T) {
	t.Parallel()
	a := cache.Rate{Requests: 600, Per: time.Minute}.Named("api")
	b := cache.Rate{Requests: 1200, Per: time.Hour, Burst: 10}.Named("api-address")
	if got := limit.Policies(b, a); got != `"api-address";q=1200;w=3600, "api";q=600;w=60` {
		t.Errorf("Policies = %s", got)
	}
	got := limit.State([]cache.Decision{
		{Limit: b, Remaining: 9, ResetAfter: 1001 * time.Millisecond}, {Limit: a, Remaining: -1, ResetAfter: 0},
	})
	if got != `"api-address";r=9;t=2, "api";r=0;t=0` {
		t.Errorf("State = %s", got)
	}
}
