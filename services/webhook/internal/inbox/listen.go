package inbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	listenPause    = time.Second
	listenPauseMax = 30 * time.Second
)

// Listen calls wake for what other processes have committed, until ctx ends. connect
// gives a session of its own, which must not lead through a transaction pooler.
// Without it events are found by polling, up to a second later.
func Listen(ctx context.Context, connect func(context.Context) (*pgx.Conn, error), log *slog.Logger, wake func()) {
	pause := listenPause
	for ctx.Err() == nil {
		err := listen(ctx, connect, func() { pause = listenPause }, wake)
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

func listen(ctx context.Context, connect func(context.Context) (*pgx.Conn, error), begun, wake func()) error {
	session, err := connect(ctx)
	if err != nil {
		return err
	}
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
