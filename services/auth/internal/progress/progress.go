// Package progress shows how far a long command has come: a bar on a terminal,
// a line now and then in a log.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

const (
	barWidth  = 24
	onScreen  = 200 * time.Millisecond
	inLog     = 10 * time.Second
	clearLine = "\r\x1b[K"
)

// Bar is one piece of work.
type Bar struct {
	out   io.Writer
	label string
	total int64 // 0: unknown
	unit  func(int64) string
	now   func() time.Time
	every time.Duration
	live  bool // the last line is written over

	began, shown time.Time
	from         int64 // what a run before did
}

// New begins a bar for so much work, counted in bytes or in things.
func New(out io.Writer, label string, total int64, unit func(int64) string, now func() time.Time) *Bar {
	b := &Bar{out: out, label: label, total: total, unit: unit, now: now, every: inLog, began: now()}
	if file, ok := out.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			b.live, b.every = true, onScreen
		}
	}
	b.shown = b.began
	return b
}

// From tells how much a run before did: it says nothing about the rate of this one.
func (b *Bar) From(done int64) { b.from = done }

// Set tells how much is done.
func (b *Bar) Set(done int64) {
	if now := b.now(); now.Sub(b.shown) >= b.every {
		b.shown = now
		b.print(done)
	}
}

// Done writes the last line.
func (b *Bar) Done(done int64) {
	took := b.now().Sub(b.began)
	b.line(fmt.Sprintf("%-14s %s in %s", b.label, b.unit(done), took.Round(time.Millisecond)))
	if b.live {
		fmt.Fprintln(b.out)
	}
}

func (b *Bar) print(done int64) {
	took := b.now().Sub(b.began).Seconds()
	rate := float64(done-b.from) / took
	if b.total <= 0 || done <= b.from {
		b.line(fmt.Sprintf("%-14s %s, %s/s", b.label, b.unit(done), b.unit(int64(rate))))
		return
	}
	share := min(float64(done)/float64(b.total), 1)
	left := time.Duration(float64(b.total-done) / rate * float64(time.Second))
	full := int(share * barWidth)
	b.line(fmt.Sprintf("%-14s [%s%s] %3.0f %%  %s of %s, %s/s, %s left", b.label, strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		100*share, b.unit(done), b.unit(b.total), b.unit(int64(rate)), max(left, 0).Round(time.Second)))
}

func (b *Bar) line(text string) {
	if b.live {
		fmt.Fprint(b.out, clearLine+text)
		return
	}
	fmt.Fprintln(b.out, text)
}

// Things counts rows, lines and the like.
func Things(n int64) string { return fmt.Sprintf("%d", n) }

// Bytes counts bytes.
func Bytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
