package stack

import (
	"slices"
	"testing"
)

func TestLimits_goWhereTheDeveloperWantsNone(t *testing.T) {
	t.Parallel()
	if env := limits([]string{"LOG_LEVEL=debug", "RATE_LIMIT=off"}); !slices.Contains(env, "LIMIT_STRICT=10000000/1m") {
		t.Errorf("%q", env)
	}
	if env := limits([]string{"LOG_LEVEL=debug", "RATE_LIMIT=on"}); env != nil {
		t.Errorf("%q", env)
	}
}
