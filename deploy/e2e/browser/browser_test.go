package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/codex-platform/codex/deploy/e2e/stack"
	"github.com/codex-platform/codex/pkg/testkit"
)

func TestMain(m *testing.M) { os.Exit(stack.Run(m)) }

// A person signs up, confirms the mail, signs in, uploads, buys a plan and has a
// bigger quota; on the way every page is looked at on a phone and on a desk and
// searched for barriers.
func TestJourney(t *testing.T) { live(t, "journey.test.mjs") }

// A person turns two-step sign-in on, gets in by every kind of code, and turns
// it off.
func TestSecondStep(t *testing.T) { live(t, "second-step.test.mjs") }

// A page runs only its own scripts, and what it was kept from is reported (GW-19).
func TestPolicy(t *testing.T) { live(t, "policy.test.mjs") }

// live runs the steps of a file in a browser, against the whole product.
func live(t *testing.T, file string) {
	t.Helper()
	dev := stack.Get(t)
	node := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", file)
	node.Env = append(os.Environ(), "GATEWAY_URL="+dev.PublicURL, "INBOX_URL="+dev.Inbox.URL,
		"ARTIFACTS="+filepath.Join(testkit.Root(), "artifacts", "browser"))
	said, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Logf("%s", said)
}
