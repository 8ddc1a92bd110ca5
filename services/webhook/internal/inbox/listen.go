package inbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	listenPause    = time.Second
	listenPauseMax = 30 * time.Second
)

// Listen calls wake for what other processes have committed, until ctx ends. It
// needs a session of its own, so the pool must not lead through a transaction
// pooler. Without it events are found by polling, up to a second later.
func Listen(ctx context.Context, direct *pgxpool.Pool, log *slog.Logger, wake func()) {
	pause := listenPause
	for ctx.Err() == nil {
		err := listen(ctx, direct, func() { pause = listenPause }, wake)
		if ctx.Err() != nil {
			return
		}
		log.DebugContext(ctx, "listening for events was cut off", "err", err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, listenPauseMax)
	}
}

func listen(ctx context.Context, direct *pgxpool.Pool, begun, wake func()) error {
	conn, err := direct.Acquire(ctx)
	if err != nil {
		return err
	}
	// A session that listens must not go back to the pool.
	session := conn.Hijack()
	defer func() { _ = session.Close(context.WithoutCancel(ctx)) }()
	if _, err := session.Exec(ctx, "LISTEN "+pgx.Identifier{Channel}.Sanitize()); err != nil {
		return err
	}
	begun()
	wake() // for what came while nobody listened
	for {
		if _, err := session.WaitForNotification(ctx); err != nil {
			return err
		}
		wake()
	}
}
