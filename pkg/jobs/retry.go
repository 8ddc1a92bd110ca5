package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

const (
	// quickTries are the failures that River counts and writes into the job's
	// row; the row would grow without bound if it went on.
	quickTries = 5
	// slowPause lies between the tries after that.
	slowPause = time.Minute
	// giveUpAfter is the age at which a job that still fails is given up.
	giveUpAfter = 7 * 24 * time.Hour
	// maxAttempts bounds what patience does not see: panics and kinds of jobs
	// that this program does not know. With backoff it is about half a day.
	maxAttempts = 20
)

// backoff is the pause after a failure that River counts: 1, 2, 4 … seconds, an
// hour at most, a little more or less so that jobs that failed together do not
// come back together.
type backoff struct {
	now func() time.Time
}

// NextRetry gives the time of the next try.
func (b backoff) NextRetry(job *rivertype.JobRow) time.Time {
	pause := min(time.Second<<min(max(job.Attempt-1, 0), 20), time.Hour)
	return b.now().Add(jitter(pause))
}

// jitter gives a duration of 90 to 110 per cent.
func jitter(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5+1) }

// patience is the middleware that lets a job fail for days: after quickTries it
// puts it off instead of letting it fail, and gives it up after giveUpAfter.
type patience struct {
	river.MiddlewareDefaults
	log *slog.Logger
	now func() time.Time
}

// Work runs the job and decides what its failure means.
func (p *patience) Work(ctx context.Context, job *rivertype.JobRow, run func(context.Context) error) error {
	err := run(ctx)
	var snoozed *rivertype.JobSnoozeError
	var cancelled *rivertype.JobCancelError
	switch {
	case err == nil, errors.As(err, &snoozed):
		return err
	case errors.As(err, &cancelled):
		p.log.ErrorContext(ctx, "job given up", "kind", job.Kind, "job_id", job.ID, "err", err)
		return err
	case p.now().Sub(job.CreatedAt) > giveUpAfter:
		p.log.ErrorContext(ctx, "job given up", "kind", job.Kind, "job_id", job.ID, "age", giveUpAfter.String(), "err", err)
		return river.JobCancel(fmt.Errorf("still failing after %s: %w", giveUpAfter, err))
	case job.Attempt <= quickTries:
		p.complain(ctx, job, job.Attempt, err)
		return err
	}
	p.complain(ctx, job, quickTries+1+snoozes(job), err)
	return river.JobSnooze(jitter(slowPause))
}

// complain logs the first, second, fourth, eighth … failure of a job.
func (p *patience) complain(ctx context.Context, job *rivertype.JobRow, failures int, err error) {
	if bits.OnesCount(uint(failures)) == 1 {
		p.log.WarnContext(ctx, "job failed and is tried again", "kind", job.Kind, "job_id", job.ID, "failures", failures, "err", err)
	}
}

// panics logs jobs that panicked; River has caught it and tries again.
type panics struct {
	log *slog.Logger
}

// HandleError has nothing to do: patience has said it.
func (*panics) HandleError(context.Context, *rivertype.JobRow, error) *river.ErrorHandlerResult {
	return nil
}

// HandlePanic logs what was thrown and where.
func (h *panics) HandlePanic(ctx context.Context, job *rivertype.JobRow, thrown any, stack string) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job_id", job.ID, "panic", fmt.Sprint(thrown), "stack", stack)
	return nil
}
