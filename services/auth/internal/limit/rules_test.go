package limit_test

import (
	"testing"

	"github.com/codex-platform/codex/services/auth/internal/limit"
)

func TestPathRules_refuseWhatIsNone(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"": true, "/ok=1/1s": true, "/a/*=10/1m; /a/b=off;": true, "/*=off": true,
		"ok=1/1s": false, "/ok": false, "/ok=": false, "/ok=0/1m": false, "/a*b=1/1m": false, "/ok=false": false, "/ok=off; /ok=1/1m": false, "/a?b=1/1m": false,
	} {
		var p limit.PathRules
		if err := p.UnmarshalText([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
