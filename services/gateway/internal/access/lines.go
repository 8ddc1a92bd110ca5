package access

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	fullLines  = 1 << 20                // bytes that may wait to be written
	soonLines  = 64 << 10               // so many are written at once, without waiting for more
	flushLines = 100 * time.Millisecond // no line waits longer
	waitLines  = 50 * time.Millisecond  // a request waits so long for room before its line is lost
)

// Lines collects access lines and writes many at once, on a goroutine of its own:
// a request pays for a copy in memory and not for a system call.
type Lines struct {
	out     io.Writer
	service string

	mu      sync.Mutex
	waiting []byte
	room    chan struct{} // closed, and made anew, when waiting was taken
	soon    chan struct{}
	lost    uint64 // lines since the last report

	writing sync.Mutex
	spare   []byte // guarded by writing
	log     *slog.Logger
}

// NewLines writes to out, in lines that name the service. log hears of lines that
// had to be dropped.
func NewLines(out io.Writer, service string, log *slog.Logger) *Lines {
	return &Lines{out: out, service: service, log: log, room: make(chan struct{}), soon: make(chan struct{}, 1)}
}

// Start begins to write. The function that it returns writes the rest and ends.
func (l *Lines) Start() (stop func()) {
	end := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { l.run(end) })
	return func() { close(end); running.Wait() }
}

func (l *Lines) run(end <-chan struct{}) {
	tick := time.NewTicker(flushLines)
	defer tick.Stop()
	for {
		select {
		case <-end:
			l.Flush()
			return
		case <-tick.C:
		case <-l.soon:
		}
		l.Flush()
	}
}

var lineBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func (l *Lines) write(level slog.Level, rec *Record) {
	buffer, _ := lineBuffers.Get().(*[]byte)
	line := appendLine((*buffer)[:0], l.service, level, rec.Began.Add(rec.Duration), rec)
	l.add(line)
	*buffer = line
	lineBuffers.Put(buffer)
}

func (l *Lines) add(line []byte) {
	l.mu.Lock()
	if len(l.waiting)+len(line) > fullLines && !l.waitForRoom(len(line)) {
		l.lost++
		l.mu.Unlock()
		return
	}
	l.waiting = append(l.waiting, line...)
	many := len(l.waiting) >= soonLines
	l.mu.Unlock()
	if many {
		l.hurry()
	}
}

func (l *Lines) hurry() {
	select {
	case l.soon <- struct{}{}:
	default:
	}
}

// waitForRoom is called, and returns, with mu locked.
func (l *Lines) waitForRoom(size int) bool {
	timeout := time.NewTimer(waitLines)
	defer timeout.Stop()
	for len(l.waiting)+size > fullLines {
		room := l.room
		l.mu.Unlock()
		l.hurry()
		select {
		case <-room:
		case <-timeout.C:
			l.mu.Lock()
			return len(l.waiting)+size <= fullLines
		}
		l.mu.Lock()
	}
	return true
}

// Flush writes what waits.
func (l *Lines) Flush() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	taken, lost := l.waiting, l.lost
	l.waiting, l.lost = l.spare[:0], 0
	close(l.room)
	l.room = make(chan struct{})
	l.mu.Unlock()
	l.spare = taken
	if len(taken) > 0 {
		_, _ = l.out.Write(taken) // nobody is left to tell
	}
	if lost > 0 {
		l.log.WarnContext(context.Background(), "access lines were dropped: the log takes them too slowly", "lines", lost)
	}
}
