package e2e_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

// The unmodified better-auth client walks every account flow, through the
// gateway and at auth itself.
func TestOfficialClient(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	node := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "accounts.test.mjs")
	node.Dir = "client"
	node.Env = append(os.Environ(), "GATEWAY_URL="+dev.PublicURL, "AUTH_URL="+dev.Services["auth"].URL, "INBOX_URL="+dev.Inbox.URL, "PUBLIC_URL="+dev.PublicURL)
	said, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Logf("%s", said)
}
