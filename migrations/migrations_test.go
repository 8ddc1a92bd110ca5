package migrations_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/codex-platform/codex/migrations"
)

var fileName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.(up|down)\.sql$`)

// Two people who each add a step 0007 find out here, not when it is deployed.
func TestSet_numbersItsStepsWithoutGapOrDouble(t *testing.T) {
	t.Parallel()
	for _, set := range []migrations.Set{migrations.Auth, migrations.Webhook, migrations.Storage} {
		ups := map[string]string{}
		for _, name := range names(t, set, "*.up.sql") {
			number := name[:4]
			if other, taken := ups[number]; taken {
				t.Errorf("%s: %s and %s have the same number", set.Schema(), name, other)
			}
			ups[number] = name
			if _, err := fs.Stat(set, strings.TrimSuffix(name, ".up.sql")+".down.sql"); err != nil {
				t.Errorf("%s: %s has no .down.sql", set.Schema(), name)
			}
		}
		if len(ups) == 0 {
			t.Errorf("%s: no steps", set.Schema())
		}
		for i := range len(ups) {
			if number := fmt.Sprintf("%04d", i+1); ups[number] == "" {
				t.Errorf("%s: step %s is missing", set.Schema(), number)
			}
		}
	}
}

func TestSet_holdsNothingButSteps(t *testing.T) {
	t.Parallel()
	for _, set := range []migrations.Set{migrations.Auth, migrations.Webhook, migrations.Storage} {
		for _, name := range names(t, set, "*") {
			if !fileName.MatchString(name) {
				t.Errorf("%s: %s is not named 0001_words.up.sql or .down.sql", set.Schema(), name)
			}
		}
	}
}

// A file runs as one transaction; a BEGIN or COMMIT inside would cut it in two.
func TestSet_leavesTransactionsToTheRunner(t *testing.T) {
	t.Parallel()
	control := regexp.MustCompile(`(?im)^\s*(BEGIN|START TRANSACTION|COMMIT|ROLLBACK)\s*;`)
	for _, set := range []migrations.Set{migrations.Auth, migrations.Webhook, migrations.Storage} {
		for _, name := range names(t, set, "*.sql") {
			text, err := fs.ReadFile(set, name)
			if err != nil {
				t.Fatal(err)
			}
			if control.Match(text) {
				t.Errorf("%s: %s begins or ends a transaction", set.Schema(), name)
			}
		}
	}
}

func names(t *testing.T, set migrations.Set, pattern string) []string {
	t.Helper()
	found, err := fs.Glob(set, pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
