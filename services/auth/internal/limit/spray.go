package limit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
)

// Mark is something that the guesses of one attacker have in common.
type Mark struct {
	Kind string // "address" or "password"
	Key  string
}

func (m Mark) seen() string  { return "auth:spray:" + m.Kind + ":" + m.Key }
func (m Mark) known() string { return "auth:sprays:" + m.Kind + ":" + m.Key }

// SprayRules say when guessing at many accounts is spraying.
type SprayRules struct {
	Window    time.Duration
	Addresses int // accounts that one network failed at within the window
	Passwords int // accounts that one password failed at within the window
}

func (r SprayRules) most(kind string) int64 {
	if kind == "address" {
		return int64(r.Addresses)
	}
	return int64(r.Passwords)
}

// Spray finds out who tries few passwords at many accounts, which no limit of one
// account sees. It is counted in Redis for all replicas together; with Redis
// away each process counts for itself.
type Spray struct {
	Rules  SprayRules
	redis  redis.UniversalClient
	health *cache.Health
	local  *localSpray
}

// NewSpray takes a client that may be nil.
func NewSpray(rules SprayRules, rdb redis.UniversalClient, now func() time.Time, log *slog.Logger) *Spray {
	return &Spray{Rules: rules, redis: rdb, health: cache.NewHealth("password spraying", log), local: newLocalSpray(rules, now)}
}

// Known gives those of the marks that are known to spray.
func (s *Spray) Known(ctx context.Context, marks []Mark) []Mark {
	flagged := make([]*redis.IntCmd, len(marks))
	err := s.ask(ctx, func(ctx context.Context) error {
		pipe := s.redis.Pipeline()
		for i, m := range marks {
			flagged[i] = pipe.Exists(ctx, m.known())
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return s.local.known(marks)
	}
	var known []Mark
	for i, m := range marks {
		if flagged[i].Val() > 0 {
			known = append(known, m)
		}
	}
	return known
}

// Note counts an account for each of the marks and gives the kind of the mark that is
// known to spray from now on, "" when none is new.
func (s *Spray) Note(ctx context.Context, marks []Mark, account string) (found string) {
	err := s.ask(ctx, func(ctx context.Context) error {
		counts, err := s.count(ctx, marks, account)
		if err != nil {
			return err
		}
		for i, m := range marks {
			if counts[i] < s.Rules.most(m.Kind) {
				continue
			}
			// NX: of all replicas one finds it.
			switch isNew, err := s.redis.SetNX(ctx, m.known(), 1, s.Rules.Window).Result(); {
			case err != nil:
				return fmt.Errorf("note spray: %w", err)
			case isNew:
				found = m.Kind
			}
		}
		return nil
	})
	if err != nil {
		return s.local.note(marks, account)
	}
	return found
}

// count adds an account to each mark's and gives how many there are, roughly: a
// HyperLogLog takes 12 KiB at most, however many there are.
func (s *Spray) count(ctx context.Context, marks []Mark, account string) ([]int64, error) {
	pipe := s.redis.Pipeline()
	replies := make([]*redis.IntCmd, len(marks))
	for i, m := range marks {
		pipe.PFAdd(ctx, m.seen(), account)
		pipe.ExpireNX(ctx, m.seen(), s.Rules.Window)
		replies[i] = pipe.PFCount(ctx, m.seen())
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("count sprays: %w", err)
	}
	counts := make([]int64, len(marks))
	for i, r := range replies {
		counts[i] = r.Val()
	}
	return counts, nil
}

func (s *Spray) ask(ctx context.Context, f func(context.Context) error) error {
	if s.redis == nil {
		return cache.ErrDown
	}
	return s.health.Do(ctx, f)
}
