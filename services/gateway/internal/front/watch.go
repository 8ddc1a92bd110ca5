package front

import (
	"context"
	"sync"
	"sync/atomic"
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
	// lookMoved bounds it where the client has ended its side and the answer moves.
	lookMoved = lookAgain / 2
)

// watch looks at times whether the client of a request in work is still there. A
// short request costs it no system call, and a long one neither a goroutine nor a
// buffer, which net/http's own look takes: a read of one byte.
//
// A client that ends its sending side may wait for the answer (RFC 9112 §9.6) or have
// left: TCP shows the same of both. But one that has left answers whatever is sent to
// it with a reset, and so it is sent a "100 Continue", which means nothing to who did
// not ask for it (RFC 9110 §15.2.1).
type watch struct {
	mu    sync.Mutex
	on    bool
	timer *time.Timer
	next  time.Duration
	begun bool // the answer has: nothing can be asked any more
	stays bool // the client that sends nothing more

	moves atomic.Int32 // how the answer does

	peer interface{ Peer() socket.Peer } // nil: not to be looked at
	left context.CancelFunc              // what hangs on the connection
	ask  func() error                    // sends what one that has left refuses
}

// How an answer moves.
const (
	still  int32 = iota
	moved        // since the last look
	moving       // a write is under way, perhaps for long
)

// request is for one that comes, of which HTTP/1.0 takes no informational answer.
func (w *watch) request(old bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = old
	w.moves.Store(still)
}

// answer is for one that begins.
func (w *watch) answer() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = true
}

// begin is for a request that is here with its body.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.peer == nil || w.left == nil {
		return
	}
	w.on, w.stays, w.next = true, false, lookAfter
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
	case peer == socket.Gone, peer != socket.Here && !w.stays && !w.waits(peer):
		w.left()
		return
	}
	w.timer.Reset(w.next)
	w.next = min(2*w.next, lookAgain)
}

// waits holds for a client of which a reset will come when it has left. One that ended
// its side with its request wants what is sent to it to tell; whoever does so later,
// when the answer has begun, stops one that does not move: of one that does each piece
// asks. A client that takes nothing now is asked later: nobody could have the lock
// while the question waits.
func (w *watch) waits(peer socket.Peer) bool {
	switch {
	case w.begun && w.next == lookAfter:
		w.stays = true
	case w.begun:
		w.next = min(w.next, lookMoved)
		return w.moves.Load() == moving || w.moves.CompareAndSwap(moved, still)
	case peer == socket.Full:
		return true
	default:
		w.stays = w.ask() == nil
	}
	return w.stays
}
