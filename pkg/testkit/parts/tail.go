package parts

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
)

const tailLines = 20

// tail passes output on and remembers its last lines, for the message when the program ends by itself.
type tail struct {
	next io.Writer

	mu    sync.Mutex
	lines []string
	part  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.remember(p)
	if t.next == nil {
		return len(p), nil
	}
	return t.next.Write(p)
}

func (t *tail) remember(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part = append(t.part, p...)
	for {
		i := bytes.IndexByte(t.part, '\n')
		if i < 0 {
			return
		}
		t.lines = append(t.lines, string(t.part[:i]))
		t.part = t.part[i+1:]
		if len(t.lines) > tailLines {
			t.lines = slices.Delete(t.lines, 0, 1)
		}
	}
}

func (t *tail) snapshot() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := slices.Clone(t.lines)
	if len(t.part) > 0 {
		lines = append(lines, string(t.part))
	}
	return lines
}

func (t *tail) indented() string {
	lines := t.snapshot()
	if len(lines) == 0 {
		return ""
	}
	return ":\n    " + strings.Join(lines, "\n    ")
}
