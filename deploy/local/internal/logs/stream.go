// Package logs brings the output of all parts together: each into a file of its own, and the chosen ones into one
// readable, coloured stream.
package logs

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Stream is the common stream. It is safe for concurrent use.
type Stream struct {
	dir    string
	colour bool
	chosen func(name string) bool

	mu     sync.Mutex
	screen io.Writer
	open   bool
}

// New writes files into dir and, once Open is called, lines to screen. Only names the parts to show; empty shows those
// for which usual is true.
func New(screen io.Writer, colour bool, dir string, only []string, usual func(name string) bool) *Stream {
	chosen := usual
	if len(only) > 0 {
		chosen = func(name string) bool { return slices.Contains(only, name) }
	}
	return &Stream{dir: dir, colour: colour, chosen: chosen, screen: screen}
}

// Open begins to show lines. What came before is in the files: it would tear the progress apart.
func (s *Stream) Open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = true
}

// Say shows a line of the launcher itself.
func (s *Stream) Say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.screen, s.paint(bold, fmt.Sprintf(format, args...)))
}

// File is where the output of a part is kept.
func (s *Stream) File(name string) string { return filepath.Join(s.dir, name+".log") }

// Writer takes the output of one part, until Close. The file begins anew with each start of the launcher.
func (s *Stream) Writer(name string) (*Writer, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.File(name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Writer{stream: s, name: name, file: f}, nil
}

// Writer is the way of one part into the stream.
type Writer struct {
	stream *Stream
	name   string
	file   *os.File

	mu   sync.Mutex
	part []byte
}

const longestLine = 64 << 10 // bytes; a longer one is cut in pieces rather than kept in memory

// Write never fails: a full disk must not stop a service.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.file.Write(p)
	w.part = append(w.part, p...)
	for {
		i := bytes.IndexByte(w.part, '\n')
		if i < 0 && len(w.part) < longestLine {
			return len(p), nil
		}
		line, rest := w.part, w.part[len(w.part):]
		if i >= 0 {
			line, rest = w.part[:i], w.part[i+1:]
		}
		w.stream.show(w.name, line)
		w.part = rest
	}
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

func (s *Stream) show(name string, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open && s.chosen(name) && len(bytes.TrimSpace(line)) > 0 {
		io.WriteString(s.screen, s.format(name, line)+"\n")
	}
}
