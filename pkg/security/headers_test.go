package security_test

import (
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

func TestHeaders_compileWhatEveryAnswerNeeds(t *testing.T) {
	t.Parallel()
	for name, preset := range map[string]security.Headers{"api": security.APIHeaders(), "web": security.WebHeaders()} {
		for _, https := range []bool{true, false} {
			h := preset.Compile(https)
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || h.Get("X-Frame-Options") != "DENY" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
				!strings.Contains(h.Get("Content-Security-Policy"), "base-uri 'none'") ||
				!strings.Contains(h.Get("Content-Security-Policy"), "require-trusted-types-for 'script'") {
				t.Errorf("%s: %v", name, h)
			}
			hsts := h.Get("Strict-Transport-Security")
			if https && hsts != "max-age=63072000; includeSubDomains" || !https && hsts != "" {
				t.Errorf("%s, https %v: HSTS %q", name, https, hsts)
			}
			for line, values := range h {
				if len(values) != 1 {
					t.Errorf("%s: %s stands %d times", name, line, len(values))
				}
			}
		}
	}
	if security.APIHeaders().Compile(true).Get("Cache-Control") != "no-store" {
		t.Error("answers of the API may be cached")
	}
}
