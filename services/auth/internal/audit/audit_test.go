package audit_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/codex-platform/codex/services/auth/internal/audit"
)

// Programs filter by every kind that there is.
func TestKinds_areAll(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("audit.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`Kind = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	for _, kind := range declared {
		if !audit.Known(audit.Kind(kind[1])) {
			t.Errorf("%s is not one of Kinds", kind[1])
		}
	}
	if len(declared) != len(audit.Kinds) || audit.Known("") {
		t.Errorf("%d kinds are declared, %d listed", len(declared), len(audit.Kinds))
	}
}
