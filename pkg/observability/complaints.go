package observability

import (
	"log/slog"
	"sync"
	"time"
)

// complaints logs OpenTelemetry's own errors, and after each is silent for a
// while: a collector that is away would otherwise fill the log.
type complaints struct {
	log   *slog.Logger
	every time.Duration

	mu     sync.Mutex
	last   time.Time
	silent int
}

func newComplaints(log *slog.Logger, every time.Duration) *complaints {
	return &complaints{log: log, every: every}
}

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.last.IsZero() && now.Sub(c.last) < c.every {
		c.silent++
		return
	}
	c.log.Warn("telemetry is not delivered", "err", err, "not_logged_before", c.silent)
	c.last, c.silent = now, 0
}
