package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// calmFor is how long a message of River's is not repeated.
const calmFor = time.Minute

// calm stands before our logger and takes River's excitement out: its news
// become details, and a complaint that it repeats each second while PostgreSQL
// is away is written once a minute.
type calm struct {
	slog.Handler
	now  func() time.Time
	seen *seen
}

type seen struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func newCalm(h slog.Handler, now func() time.Time) calm {
	return calm{Handler: h, now: now, seen: &seen{last: map[string]time.Time{}}}
}

func lower(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}

// Enabled tells whether a line of this level would be written.
func (c calm) Enabled(ctx context.Context, level slog.Level) bool {
	return c.Handler.Enabled(ctx, lower(level))
}

// Handle writes a line unless it was written a moment ago.
func (c calm) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	if r.Level >= slog.LevelWarn && c.seen.lately(r.Message, c.now()) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

// lately tells whether a message was noted within calmFor, and notes it if not.
// River's messages are constants, so the map stays small.
func (s *seen) lately(message string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.last[message]; ok && now.Sub(last) < calmFor {
		return true
	}
	s.last[message] = now
	return false
}

// WithAttrs keeps the calm.
func (c calm) WithAttrs(attrs []slog.Attr) slog.Handler {
	c.Handler = c.Handler.WithAttrs(attrs)
	return c
}

// WithGroup keeps the calm.
func (c calm) WithGroup(name string) slog.Handler {
	c.Handler = c.Handler.WithGroup(name)
	return c
}
