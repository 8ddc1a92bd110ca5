package front

import (
	"context"
	"sync"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/socket"
)

const (
	// lookAfter is when it is first looked whether the client of a request in work is
	// still there. Most requests are answered before.
	lookAfter = 50 * time.Millisecond
	// lookAgain bounds the time between two looks, which is as long as the request
	// has taken so far.
	lookAgain = time.Second
	// grace is for who closes its side behind its request and waits for the answer.
	// Whether it has left altogether is not to be seen before something is sent.
	grace = time.Second
)

// watch looks at times whether the client of a request in work is still there. A
// short request costs it no system call, and a long one neither a goroutine nor a
// buffer, which net/http's own look takes: a read of one byte.
type watch struct {
	mu    sync.Mutex
	on    bool
	timer *time.Timer
	next  time.Duration
	ended bool // the client sends nothing more

	peer interface{ Peer() socket.Peer } // nil: not to be looked at
	left context.CancelFunc              // what hangs on the connection
}

// begin is for a request that is here with its body.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.peer == nil || w.left == nil {
		return
	}
	w.on, w.ended, w.next = true, false, lookAfter
	if w.timer == nil {
		w.timer = time.AfterFunc(lookAfter, w.look)
	} else {
		w.timer.Reset(lookAfter)
	}
}

// end is for a request that is answered, or whose connection is somebody else's.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on {
		w.on = false
		w.timer.Stop()
	}
}

// close ends what hangs on the connection.
func (w *watch) close() {
	w.end()
	if w.left != nil {
		w.left()
	}
}

func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.on {
		return
	}
	switch peer := w.peer.Peer(); {
	case peer == socket.Gone, peer == socket.Ended && w.ended:
		w.left()
	case peer == socket.Ended:
		w.ended = true
		w.timer.Reset(grace)
	default:
		w.timer.Reset(w.next)
		w.next = min(2*w.next, lookAgain)
	}
}
