package objectstore

import (
	"context"
	"sync"
	"time"
)

// patience is how long an upload waits for its first buffer.
const patience = 10 * time.Second

// buffers bounds how many parts are in memory at a time, over all uploads.
type buffers struct {
	free chan struct{}
	pool sync.Pool
}

type buffer struct{ bytes []byte }

func newBuffers(n int) *buffers {
	b := &buffers{free: make(chan struct{}, max(n, 1))}
	b.pool.New = func() any { return &buffer{bytes: make([]byte, PartSize)} }
	return b
}

// wait gives a buffer as soon as there is one, or ErrBusy.
func (b *buffers) wait(ctx context.Context) (*buffer, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case b.free <- struct{}{}:
		return b.pool.Get().(*buffer), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, ErrBusy
	}
}

// try gives a buffer if there is one right now. An upload that already has one
// uses try, never wait: uploads that wait for each other's second buffer would
// wait forever.
func (b *buffers) try() (*buffer, bool) {
	select {
	case b.free <- struct{}{}:
		return b.pool.Get().(*buffer), true
	default:
		return nil, false
	}
}

// put gives the buffer back.
func (b *buffers) put(used *buffer) {
	b.pool.Put(used)
	<-b.free
}

// done gives the buffer back after it was sent. When an attempt failed, its
// memory is not used again: that request may still be reading from it.
func (b *buffers) done(used *buffer, failed int) {
	if failed > 0 {
		<-b.free
		return
	}
	b.put(used)
}
