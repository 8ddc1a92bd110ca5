package config_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The types of a program's own package are called main only in the program itself.
func TestLoad_wordsOfAProgramsOwnTypes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program")
	}
	said, err := exec.CommandContext(t.Context(), "go", "run", "./testdata/words").CombinedOutput()
	if err != nil || !strings.Contains(string(said), "SIZE is not valid: not small or whole") {
		t.Errorf("%v: %s", err, said)
	}
}
