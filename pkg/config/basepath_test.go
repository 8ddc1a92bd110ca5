package config_test

import (
	"testing"

	"github.com/codex-platform/codex/pkg/config"
)

func TestBasePath_isCleanAndNobodyElses(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"/auth": true, "/api/auth": true, "/v1.2/my-auth_": true, "/internals": true,
		"": false, "/": false, "auth": false, "/auth/": false, "//auth": false, "/a//b": false, "/a/../b": false, "/.": false, "/..": false,
		"/internal": false, "/internal/auth": false, "/:id": false, "/*": false, "/a{b}": false, "/a%2fb": false, "/a?b": false, "/a b": false, "/ä": false,
	} {
		var p config.BasePath
		if err := p.UnmarshalText([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
