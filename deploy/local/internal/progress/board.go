// Package progress tells a person at the terminal what the launcher does: one line for each step with its time, and on a
// terminal a last line with what is under way.
package progress

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Board writes the lines. It is safe for concurrent use.
type Board struct {
	out  io.Writer
	live bool // out is a terminal: colours, and lines that are rewritten

	mu      sync.Mutex
	running []*step
	stop    chan struct{}
	frame   int
	failed  bool // a step failed; those that end with an error after it were broken off because of it
}

type step struct {
	name  string
	start time.Time
}

// New returns a board; Close ends it.
func New(out io.Writer, live bool) *Board {
	b := &Board{out: out, live: live, stop: make(chan struct{})}
	if live {
		go b.animate()
	}
	return b
}

// Terminal is true when somebody watches f and did not ask for plain output.
func Terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// Step runs f and writes its line: what came out of it, or that it failed. The error itself is the caller's to report.
func (b *Board) Step(name string, f func() (detail string, err error)) error {
	s := &step{name: name, start: time.Now()}
	b.change(func() { b.running = append(b.running, s) })
	detail, err := f()
	b.change(func() {
		b.running = slices.DeleteFunc(b.running, func(other *step) bool { return other == s })
		b.line(err == nil, name, time.Since(s.start), detail)
	})
	return err
}

// Note writes a line of its own.
func (b *Board) Note(text string) {
	b.change(func() { fmt.Fprintln(b.out, "  "+text) })
}

// Close takes the last line away.
func (b *Board) Close() {
	if b.live {
		close(b.stop)
	}
	b.change(func() { b.running = nil })
}

// change wipes the live line, lets f write, and draws the line again.
func (b *Board) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live {
		io.WriteString(b.out, "\r\x1b[K")
	}
	f()
	b.draw()
}

func (b *Board) line(ok bool, name string, took time.Duration, detail string) {
	mark, colour := "ok    ", "\x1b[32m"
	switch {
	case !ok && b.failed:
		mark, colour = "ended ", "\x1b[33m"
	case !ok:
		mark, colour, b.failed = "failed", "\x1b[31m", true
	}
	if b.live {
		mark = colour + mark + "\x1b[0m"
	}
	fmt.Fprintf(b.out, "  %s %6.1f s  %-16s %s\n", mark, took.Seconds(), name, detail)
}

const spinner = `|/-\`

func (b *Board) draw() {
	if !b.live || len(b.running) == 0 {
		return
	}
	names := make([]string, len(b.running))
	for i, s := range b.running {
		names[i] = fmt.Sprintf("%s %.0f s", s.name, time.Since(s.start).Seconds())
	}
	b.frame++
	fmt.Fprintf(b.out, "\r\x1b[K  %c      %s", spinner[b.frame%len(spinner)], strings.Join(names, " · "))
}

func (b *Board) animate() {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			b.change(func() {})
		}
	}
}
