package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Settings are the variables of the job queue.
type Settings struct {
	Workers int `env:"JOB_WORKERS" envDefault:"10" help:"how many jobs of one queue run at once in one process"`
}

// Options say what one service's queue is like. Log is needed.
type Options struct {
	Log *slog.Logger
	// Workers is how many jobs of the default queue run at once; default 10.
	Workers int
	// Queues are further queues with their number of workers: for work that must
	// not wait behind other work, or others behind it.
	Queues map[string]int
	// Periodic are jobs that come by themselves.
	Periodic []Periodic
	// PollOnly looks for jobs once a second instead of being told: for a database
	// behind a transaction pooler, which has no LISTEN.
	PollOnly bool
	// JobTimeout bounds one run of a job; default a minute. A worker may have its
	// own (Timeout), which must not be longer.
	JobTimeout time.Duration
	// Ready, when set, is asked before the queue begins: database.CheckSchema,
	// so that old tables are waited for and not complained of.
	Ready func(ctx context.Context) error
	// Now is the time; default time.Now.
	Now func() time.Time
}

// Periodic is a job that is inserted by one of the processes, whichever it is,
// again and again.
type Periodic struct {
	Every time.Duration
	// AtStart also inserts it when a process takes over this duty.
	AtStart bool
	Args    river.JobArgs
	Opts    *river.InsertOpts
}

// Client inserts jobs and works them off. It is safe for concurrent use.
type Client struct {
	river *river.Client[pgx.Tx]
	log   *slog.Logger
	ready func(ctx context.Context) error

	mu      sync.Mutex
	cancel  context.CancelFunc // ends the attempts to begin
	begun   chan struct{}      // closed when they have ended
	started bool
}

// New makes a client for the queue in this schema. Without workers it can only
// insert. The error is a worker or an option that River refuses.
func New(pool *pgxpool.Pool, schema string, workers *river.Workers, o Options) (*Client, error) {
	if o.JobTimeout == 0 {
		o.JobTimeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	log := slog.New(newCalm(o.Log.Handler(), o.Now))
	c := &river.Config{
		Schema:               schema,
		Logger:               log,
		Workers:              workers,
		PollOnly:             o.PollOnly,
		JobTimeout:           o.JobTimeout,
		RescueStuckJobsAfter: o.JobTimeout + time.Minute,
		MaxAttempts:          maxAttempts,
		RetryPolicy:          backoff{o.Now},
		Middleware:           []rivertype.Middleware{&tracing{}, &patience{log: o.Log, now: o.Now}},
		ErrorHandler:         &panics{log: o.Log},
		PeriodicJobs:         periodic(o.Periodic),
		// The role that serves does not own the tables and so may not reindex them.
		ReindexerSchedule:           river.NeverSchedule(),
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: 30 * 24 * time.Hour,
		DiscardedJobRetentionPeriod: 30 * 24 * time.Hour,
	}
	if workers != nil {
		c.Queues = queues(o)
	}
	r, err := river.NewClient(riverpgxv5.New(pool), c)
	if err != nil {
		return nil, fmt.Errorf("set up the job queue: %w", err)
	}
	return &Client{river: r, log: o.Log, ready: o.Ready}, nil
}

func queues(o Options) map[string]river.QueueConfig {
	if o.Workers == 0 {
		o.Workers = 10
	}
	all := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Workers}}
	for name, workers := range o.Queues {
		all[name] = river.QueueConfig{MaxWorkers: workers}
	}
	return all
}

func periodic(jobs []Periodic) []*river.PeriodicJob {
	var out []*river.PeriodicJob
	for _, p := range jobs {
		out = append(out, river.NewPeriodicJob(river.PeriodicInterval(p.Every),
			func() (river.JobArgs, *river.InsertOpts) { return p.Args, p.Opts },
			&river.PeriodicJobOpts{RunOnStart: p.AtStart}))
	}
	return out
}

// InsertTx inserts a job that exists once tx is committed, and not otherwise.
func (c *Client) InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) error {
	if _, err := c.river.InsertTx(ctx, tx, args, opts); err != nil {
		return fmt.Errorf("insert job %s: %w", args.Kind(), err)
	}
	return nil
}

// Insert inserts a job that belongs to no transaction.
func (c *Client) Insert(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) error {
	if _, err := c.river.Insert(ctx, args, opts); err != nil {
		return fmt.Errorf("insert job %s: %w", args.Kind(), err)
	}
	return nil
}

const (
	firstPause = 500 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Start begins to work jobs off, in the background and as soon as that is
// possible. The end of ctx does not stop what runs; Stop does.
func (c *Client) Start(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		return
	}
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.begun = make(chan struct{})
	go c.begin(ctx)
}

// begin tries until it works.
func (c *Client) begin(ctx context.Context) {
	defer close(c.begun)
	said := false
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := c.tryBegin(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.log.InfoContext(ctx, "job queue works")
			return
		case !said:
			c.log.WarnContext(ctx, "job queue waits for its database", "err", err)
			said = true
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (c *Client) tryBegin(ctx context.Context) error {
	if c.ready != nil {
		if err := c.ready(ctx); err != nil {
			return err
		}
	}
	// River's context is the life of its jobs, which Stop ends in order.
	if err := c.river.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	c.mu.Lock()
	c.started = true
	c.mu.Unlock()
	return nil
}

// Stop takes up no more jobs and waits for those that run. When ctx ends first
// they are told to end at once, and are tried again elsewhere or later.
func (c *Client) Stop(ctx context.Context) error {
	c.mu.Lock()
	cancel := c.cancel
	c.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	<-c.begun
	c.mu.Lock()
	started := c.started
	c.mu.Unlock()
	if !started {
		return nil
	}
	err := c.river.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		limited, end := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer end()
		err = c.river.StopAndCancel(limited)
	}
	if err != nil {
		return fmt.Errorf("stop the job queue: %w", err)
	}
	return nil
}
