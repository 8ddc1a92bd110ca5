package database

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Session opens one connection of its own, outside of any pool and around a
// transaction pooler: for LISTEN, which belongs to a session. The caller closes it.
func Session(ctx context.Context, s Settings) (*pgx.Conn, error) {
	s.PoolerMode, s.StatementTimeout = false, 0
	cfg, err := poolConfig(s, "DATABASE_DIRECT_URL", s.Direct())
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("open a session: %w", err)
	}
	return conn, nil
}
