package front

import (
	"net"
	"os"
	"sync"
	"time"
)

// lookAfter is when it is looked for whether the client of a request in work is
// still there. Most requests are answered before.
const lookAfter = 50 * time.Millisecond

// started lies before every deadline that is meant to come, and after the one by
// which net/http calls a read back.
var started = time.Now()

// reads are one connection's, as net/http asks for them. While a handler runs it
// reads one byte, to learn that the client has left, and calls that back at the
// end: this read waits here, and goes to the socket when the request takes long. It
// spares a short request its system calls.
type reads struct {
	mu       sync.Mutex
	deadline time.Time
	waits    bool      // the one-byte read does
	wake     chan bool // true: look; false: called back
	look     *time.Timer
}

// read reads from c, a connection that is watched while its request is in work.
func (s *reads) read(c net.Conn, p []byte, watching bool) (int, error) {
	if watching && len(p) == 1 && !s.wait() {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Read(p)
}

// wait returns when the time for a look has come; it does not hold when the read
// was called back.
func (s *reads) wait() bool {
	s.mu.Lock()
	if past(s.deadline) {
		s.mu.Unlock()
		return false
	}
	if s.look == nil {
		s.wake = make(chan bool, 1)
		s.look = time.AfterFunc(lookAfter, func() { s.release(true) })
	} else {
		s.look.Reset(lookAfter)
	}
	s.waits = true
	s.mu.Unlock()
	return <-s.wake
}

func (s *reads) release(look bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waits {
		s.waits = false
		s.wake <- look
	}
}

func (s *reads) setDeadline(c net.Conn, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	if s.waits && past(t) {
		s.look.Stop()
		s.waits = false
		s.wake <- false
	}
	return c.SetReadDeadline(t)
}

func past(t time.Time) bool { return !t.IsZero() && t.Before(started) }
