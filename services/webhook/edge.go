package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

// direct is what the gateway would have done, for when none stands in front:
// security headers and a limit. Stripe's deliveries come in bursts and from many
// addresses, so they share one high total; everybody else is counted by address,
// in each process for itself.
func direct(s settings, log *slog.Logger) httpapi.Direct {
	limiter := cache.NewLimiter(nil, "billing", log)
	return httpapi.Direct{
		Headers: security.APIHeaders().Compile(s.PublicURL.HTTPS()),
		Limit: func(r *http.Request, client netip.Addr, answer http.Header) error {
			check := cache.Check{Key: security.LimitKey(client), Limit: s.LimitAddress.Named("api-address")}
			if strings.HasPrefix(r.URL.Path, "/webhooks/") {
				check = cache.Check{Key: "all", Limit: s.LimitWebhook.Named("webhook")}
			}
			d, _ := limiter.Allow(r.Context(), check)
			// draft-ietf-httpapi-ratelimit-headers
			answer.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", d.Limit.Name, d.Limit.Rate, int(d.Limit.Per.Seconds())))
			answer.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", d.Limit.Name, d.Remaining, int(max(d.RetryAfter, d.ResetAfter).Seconds())+1))
			if d.Allowed {
				return nil
			}
			return problem.TooManyRequests.WithRetryAfter(d.RetryAfter)
		},
	}
}
