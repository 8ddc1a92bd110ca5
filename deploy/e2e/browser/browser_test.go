// Package browser_test walks a person's journey in a real Chromium against the
// whole product; screenshots are kept in artifacts/.
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

func TestJourney(t *testing.T) {
	dev := stack.Get(t)
	shots := filepath.Join(testkit.Root(), "artifacts")
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "journey.test.mjs")
	node.Env = append(os.Environ(), "GATEWAY_URL="+dev.PublicURL, "INBOX_URL="+dev.Inbox.URL, "STRIPE_URL="+dev.Stripe.URL, "ARTIFACTS="+shots)
	said, err := node.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Fatal(err)
	}
}
