package progress_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/local/internal/progress"
)

func TestBoard_writesPlainLinesIntoAPipe(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := progress.New(&out, false)
	broken := errors.New("no such program")

	first := b.Step("redis", func() (string, error) { return "/usr/bin/redis-server", nil })
	second := b.Step("postgres", func() (string, error) { return "", broken })
	b.Close()

	if first != nil || !errors.Is(second, broken) {
		t.Errorf("errors: %v, %v", first, second)
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "ok") || !strings.Contains(lines[0], "redis-server") || !strings.Contains(lines[1], "failed") {
		t.Errorf("written: %q", lines)
	}
	if strings.ContainsAny(out.String(), "\x1b\r") {
		t.Errorf("a pipe got the codes of a terminal: %q", out.String())
	}
}
