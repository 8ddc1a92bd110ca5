package testkit

import (
	"testing"

	"github.com/codex-platform/codex/pkg/testkit/inbox"
)

// Inbox gives the test a mail server of its own (SMTPURL, Wait), which ends with the test. It needs nothing but Go, so it
// is also there with -short.
func Inbox(t testing.TB) *inbox.Server {
	t.Helper()
	s, err := inbox.Start(inbox.Options{Dir: t.TempDir(), SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
