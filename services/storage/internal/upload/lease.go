package upload

import (
	"context"
	"errors"
	"time"
)

// keep renews the upload's lease until stop is called. The context that it gives
// ends when the upload is no longer ours. While the database is away the upload
// goes on: the sweeper needs it as well.
func (u *Uploader) keep(ctx context.Context, open *Open) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(u.Lease / 4)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := u.Store.Renew(ctx, open, u.Lease); errors.Is(err, errLost) {
				cancel(err)
				return
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
