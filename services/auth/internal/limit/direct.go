package limit

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Switch is on or off.
type Switch bool

// UnmarshalText reads a switch.
func (s *Switch) UnmarshalText(text []byte) error {
	switch string(text) {
	case "on":
		*s = true
	case "off":
		*s = false
	default:
		return errors.New("not on or off")
	}
	return nil
}

// strictPaths are where passwords and codes can be guessed and letters be caused.
var strictPaths = []string{"/sign-in/", "/sign-up/", "/request-password-reset", "/reset-password", "/forget-password", "/send-verification-email", "/change-password", "/verify-password", "/two-factor/", "/passkey/verify-",
	"/email-otp/", "/magic-link/", "/change-email", "/delete-user", "/is-username-available"}

// Address charges a call to its client's address, for a service that has no
// gateway in front. Rules of single paths come before the presets. It is
// httpapi's Direct.Limit.
func (l *Limits) Address(base string, rules PathRules) func(r *http.Request, client netip.Addr, answer http.Header) error {
	if l == nil {
		return nil
	}
	return func(r *http.Request, client netip.Addr, answer http.Header) error {
		path := strings.TrimPrefix(r.URL.Path, base)
		limit, ruled := rules.of(path)
		if !ruled {
			limit = l.of(r.Method, path)
		}
		if limit.Rate <= 0 {
			return nil
		}
		d, _ := l.Limiter.Allow(r.Context(), cache.Check{Key: security.LimitKey(client), Limit: limit})
		tell(answer, d)
		if d.Allowed {
			return nil
		}
		return wire.ErrTooMany.WithRetryAfter(d.RetryAfter)
	}
}

// of gives the preset of a call.
func (l *Limits) of(method, path string) cache.Limit {
	for _, strict := range strictPaths {
		if strings.HasPrefix(path, strict) {
			return l.Rules.StrictPaths.Named("strict")
		}
	}
	if method == http.MethodGet {
		return l.Rules.Reads.Named("api-address")
	}
	return l.Rules.AuthPaths.Named("auth")
}

// tell writes the limit into the answer (draft-ietf-httpapi-ratelimit-headers).
func tell(answer http.Header, d cache.Decision) {
	answer.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", d.Limit.Name, d.Limit.Rate, int(d.Limit.Per.Seconds())))
	answer.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", d.Limit.Name, d.Remaining, int(max(d.RetryAfter, d.ResetAfter).Seconds())+1))
}
