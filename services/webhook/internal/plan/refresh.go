package plan

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

const (
	refreshBatch = 100
	refreshPause = 5 * time.Second
)

// Refresh gives everybody what their plan has now, after the catalogue was changed.
// It ends when there is nobody left, or with ctx; while the database is away it
// waits.
func (s *Store) Refresh(ctx context.Context, log *slog.Logger) {
	said := false
	for ctx.Err() == nil {
		n, err := s.refreshSome(ctx)
		switch {
		case err == nil && n < refreshBatch:
			return
		case err == nil:
			continue
		case !said:
			log.InfoContext(ctx, "plans wait to be refreshed", "err", err)
			said = true
		}
		timer := time.NewTimer(refreshPause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *Store) refreshSome(ctx context.Context) (int, error) {
	users, err := s.Stale(ctx, refreshBatch)
	if err != nil || len(users) == 0 {
		return 0, err
	}
	err = database.InTx(ctx, s.DB, func(tx pgx.Tx) error { return s.Update(ctx, tx, users) })
	return len(users), err
}
