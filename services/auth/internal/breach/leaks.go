package breach

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// ErrUnknown refuses a new password because it could not be found out whether it
// leaked, where that was asked for.
var ErrUnknown = problem.New(http.StatusServiceUnavailable, "PASSWORD_CHECK_UNAVAILABLE",
	"New passwords cannot be checked at the moment: try again shortly").WithRetryAfter(5 * time.Second)

// Leaks are the leaked passwords that can be asked for. The zero value knows none.
type Leaks struct {
	Filter *Filter // nil: none is mounted
	Online *Range  // nil: none is asked
	// Closed refuses a password when one of the two fails; otherwise it passes.
	Closed bool
	Log    *slog.Logger
}

// Has tells whether a password leaked, or refuses with ErrUnknown.
func (l Leaks) Has(ctx context.Context, password string) (bool, error) {
	if l.Filter != nil {
		if found, err := l.settle(ctx, "filter")(l.Filter.Has(password)); found || err != nil {
			return found, err
		}
	}
	if l.Online == nil {
		return false, nil
	}
	return l.settle(ctx, "range service")(l.Online.Has(ctx, password))
}

// settle decides what a failure means.
func (l Leaks) settle(ctx context.Context, source string) func(bool, error) (bool, error) {
	return func(found bool, err error) (bool, error) {
		switch {
		case err == nil:
			return found, nil
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
		l.Log.WarnContext(ctx, "leaked passwords not asked for", "source", source, "closed", l.Closed, "err", err)
		if l.Closed {
			return false, ErrUnknown
		}
		return false, nil
	}
}
