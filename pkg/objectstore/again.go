package objectstore

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstPause lies between the first attempt and the second; it doubles, with jitter.
const firstPause = 200 * time.Millisecond

// again makes a call that sends a body from memory, up to attempts times while
// the store is unavailable. minio-go would do this as well, but with one reader
// for all attempts: a request that was answered early may still be reading from
// it while the next one does, and each would get a part of the bytes. Here every
// attempt makes its own reader. It gives how many attempts failed.
func again(ctx context.Context, call func() error) (failed int, err error) {
	for pause := firstPause; ; pause *= 2 {
		if err = call(); err == nil {
			return failed, nil
		}
		failed++
		if failed == attempts || !Unavailable(err) || ctx.Err() != nil {
			return failed, err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return failed, err
		case <-timer.C:
		}
	}
}
