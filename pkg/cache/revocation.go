package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	revocationStream = "codex:revocations"
	// revocationAge is longer than any access token lives (ours 15 minutes, those of
	// other issuers an hour): what is older can refuse nothing any more.
	revocationAge = 70 * time.Minute
	// revocationOverlap is read again after a lost link: a Redis that took over may
	// have lost the stream and have a clock that is behind the last entry's.
	revocationOverlap = time.Minute
	revocationBlock   = time.Second
	revocationPage    = 1000
	feedRetryMin      = 50 * time.Millisecond
	feedRetryMax      = time.Second
)

// Revocation ends tokens before their time: those of one session, or all of a
// user that were issued up to At. Until is when the last of them would have
// ended by itself.
type Revocation struct {
	SessionID string // empty: every session of the user
	UserID    string
	At        time.Time
	Until     time.Time
}

// Feed carries revocations from auth to every gateway through a Redis stream,
// which, unlike publish/subscribe, is read again after a lost link.
type Feed struct {
	rdb    redis.UniversalClient
	log    *slog.Logger
	synced atomic.Bool
	linked atomic.Bool
	lost   bool // the last change of state in the log; Tail's own
}

// NewFeed takes a client that may be nil: then nothing is published or read.
func NewFeed(rdb redis.UniversalClient, log *slog.Logger) *Feed {
	return &Feed{rdb: rdb, log: log}
}

// Publish appends a revocation; call it after the row is gone and the cached
// session too. The error says that gateways will learn it by the token's end only.
func (f *Feed) Publish(ctx context.Context, r Revocation) error {
	if f.rdb == nil {
		return ErrDown
	}
	_, err := f.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAdd(ctx, &redis.XAddArgs{
			Stream: revocationStream,
			// By age, never by number: a flood of sign-outs must not push out
			// revocations that still matter.
			MinID: strconv.FormatInt(time.Now().Add(-revocationAge).UnixMilli(), 10), Approx: true,
			Values: []any{"sid", r.SessionID, "uid", r.UserID, "at", r.At.UnixMilli(), "until", r.Until.UnixMilli()},
		})
		p.PExpire(ctx, revocationStream, revocationAge)
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish revocation: %w", err)
	}
	return nil
}

// Synced tells whether everything that was in the stream at the start has been
// read; it stays true when the link is lost later.
func (f *Feed) Synced() bool { return f.synced.Load() }

// Linked tells whether the last read succeeded: false means that revocations may
// be late.
func (f *Feed) Linked() bool { return f.linked.Load() }

// Tail hands every revocation of the last 70 minutes, and then each new one, to
// apply, until ctx ends. After a lost link it goes on a minute before the last one
// read: apply sees some again.
func (f *Feed) Tail(ctx context.Context, apply func(Revocation)) {
	if f.rdb == nil {
		<-ctx.Done()
		return
	}
	last, retry := "", feedRetryMin
	for ctx.Err() == nil {
		err := f.follow(ctx, &last, apply)
		if ctx.Err() != nil {
			return
		}
		if f.linked.Swap(false) {
			retry = feedRetryMin
		}
		if !f.lost {
			f.lost = true
			f.log.WarnContext(ctx, "revocation feed is lost: ended sessions may be served until their tokens end", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
			retry = min(2*retry, feedRetryMax)
		}
	}
}

// follow reads until something fails. last is the id to go on behind.
func (f *Feed) follow(ctx context.Context, last *string, apply func(Revocation)) error {
	now, err := f.time(ctx)
	if err != nil {
		return err
	}
	*last = resume(*last, now)
	for {
		block := revocationBlock
		if !f.linked.Load() {
			block = -1 // the first read of a link does not wait: it tells whether there is one
		}
		n, err := f.read(ctx, last, block, apply)
		if err != nil {
			return err
		}
		if n < revocationPage {
			f.arrived(ctx)
		}
	}
}

// resume gives the id to go on behind, after the last one read, "" if none was.
func resume(last string, now time.Time) string {
	from := now.Add(-revocationAge)
	text, _, _ := strings.Cut(last, "-")
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		read := time.UnixMilli(ms)
		if read.After(now) {
			read = now
		}
		if read = read.Add(-revocationOverlap); read.After(from) {
			from = read
		}
	}
	return strconv.FormatInt(from.UnixMilli(), 10)
}

// arrived notes that the end of the stream was reached over a working link.
func (f *Feed) arrived(ctx context.Context) {
	f.linked.Store(true)
	f.synced.Store(true)
	if f.lost {
		f.lost = false
		f.log.InfoContext(ctx, "revocation feed is back")
	}
}

func (f *Feed) time(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	now, err := f.rdb.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("read redis's clock: %w", err)
	}
	return now, nil
}

// read takes one page. Its time limit is the wait asked for and a little more: a
// server that stopped answering must be noticed.
func (f *Feed) read(ctx context.Context, last *string, block time.Duration, apply func(Revocation)) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, max(block, 0)+2*callTimeout)
	defer cancel()
	streams, err := f.rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{revocationStream, *last}, Count: revocationPage, Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read revocations: %w", err)
	}
	n := 0
	for _, s := range streams {
		for _, m := range s.Messages {
			apply(readRevocation(m.Values))
			*last = m.ID
			n++
		}
	}
	return n, nil
}

func readRevocation(values map[string]any) Revocation {
	text := func(name string) string { s, _ := values[name].(string); return s }
	moment := func(name string) time.Time {
		ms, err := strconv.ParseInt(text(name), 10, 64)
		if err != nil {
			return time.Time{}
		}
		return time.UnixMilli(ms)
	}
	return Revocation{SessionID: text("sid"), UserID: text("uid"), At: moment("at"), Until: moment("until")}
}
