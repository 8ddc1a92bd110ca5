package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-platform/codex/pkg/observability"
)

const (
	checkEvery   = time.Second
	checkTimeout = time.Second
	// reportTimeout is longer than checkTimeout: a person waits for the cause.
	reportTimeout = 5 * time.Second
)

// Health knows which of a service's dependencies are there. Checks run in the
// background, so asking costs nothing and a slow dependency does not make the
// answer slow.
type Health struct {
	log      *slog.Logger
	now      func() time.Time
	mu       sync.RWMutex
	checks   []*check
	draining atomic.Bool
}

// check is one dependency and what was last seen of it.
type check struct {
	name     string
	required bool
	ask      func(ctx context.Context) error

	mu    sync.RWMutex
	state State
}

// State is what is known of one dependency.
type State struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
	// Status is ok, unavailable, or unknown before the first answer.
	Status string `json:"status"`
	// Since is when the status became what it is.
	Since time.Time `json:"since"`
	// Reason says more, in our own words, where there is more to say.
	Reason string `json:"reason,omitempty"`
}

// The statuses of a dependency and of a service.
const (
	StatusOK          = "ok"
	StatusUnavailable = "unavailable"
	StatusUnknown     = "unknown"
)

// NewHealth makes a Health without dependencies, which is ready.
func NewHealth(log *slog.Logger) *Health { return &Health{log: log, now: time.Now} }

// Add names a dependency and how to ask for it. Without a required one the
// service is not ready; the others are shown only. Add before Run.
func (h *Health) Add(name string, required bool, ask func(ctx context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, &check{name: name, required: required, ask: ask,
		state: State{Name: name, Required: required, Status: StatusUnknown, Since: h.now().UTC()}})
}

// Draining makes the service not ready for good: it is about to stop.
func (h *Health) Draining() { h.draining.Store(true) }

// Run asks for every dependency once a second until ctx ends, then waits for
// the last answers.
func (h *Health) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, c := range h.list() {
		all.Go(func() {
			ticker := time.NewTicker(checkEvery)
			defer ticker.Stop()
			for ctx.Err() == nil {
				h.look(ctx, c)
				select {
				case <-ctx.Done():
				case <-ticker.C:
				}
			}
		})
	}
	all.Wait()
}

// look asks once and logs a change, not every failure.
func (h *Health) look(ctx context.Context, c *check) {
	limited, cancel := context.WithTimeout(ctx, checkTimeout)
	err := safely(limited, c.ask)
	cancel()
	if ctx.Err() != nil {
		return // the service stops: that tells nothing about the dependency
	}
	if before, after, changed := c.note(err, h.now().UTC()); changed {
		switch {
		case err != nil:
			h.log.WarnContext(ctx, "dependency lost", "dependency", c.name, "required", c.required, "err", err)
		case before != StatusUnknown:
			h.log.InfoContext(ctx, "dependency is back", "dependency", c.name, "status", after)
		}
	}
}

func safely(ctx context.Context, ask func(context.Context) error) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("panic: %v", thrown)
		}
	}()
	return ask(ctx)
}

// note stores an answer.
func (c *check) note(err error, at time.Time) (before, after string, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, after = c.state.Status, StatusOK
	if err != nil {
		after = StatusUnavailable
	}
	if before != after {
		c.state.Since = at
	}
	c.state.Status, c.state.Reason = after, reasonOf(err)
	return before, after, before != after
}

// reasonOf gives the words of an error that says it is fit for being shown.
// Others name hosts, users and libraries.
func reasonOf(err error) string {
	var shown interface{ Reason() string }
	if errors.As(err, &shown) {
		return shown.Reason()
	}
	return ""
}

func (c *check) look() State {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state
}

func (h *Health) list() []*check {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.checks
}

// Ready tells whether the service can do its work: it does not stop, and all
// that it requires is there.
func (h *Health) Ready() bool {
	for _, s := range h.States() {
		if s.Required && s.Status != StatusOK {
			return false
		}
	}
	return !h.draining.Load()
}

// States gives what is known of every dependency, in the order of Add.
func (h *Health) States() []State {
	var states []State
	for _, c := range h.list() {
		states = append(states, c.look())
	}
	return states
}

// Report asks for every dependency once, writes a line for each, and gives an
// error when a required one is not there: the `doctor` command of a service.
func (h *Health) Report(ctx context.Context, out io.Writer) error {
	missing := 0
	for _, c := range h.list() {
		limited, cancel := context.WithTimeout(ctx, reportTimeout)
		err := safely(limited, c.ask)
		cancel()
		switch {
		case err == nil:
			fmt.Fprintf(out, "%-16s ok\n", c.name)
			continue
		case c.required:
			missing++
		}
		fmt.Fprintf(out, "%-16s %s\n", c.name, observability.Redact(err.Error()))
	}
	if missing > 0 {
		return fmt.Errorf("%d of the dependencies that are needed cannot be used", missing)
	}
	return nil
}
