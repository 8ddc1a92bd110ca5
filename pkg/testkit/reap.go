package testkit

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// reap drops the databases of test processes of this machine that were killed before they could.
func (s *testServer) reap(ctx context.Context) error {
	rows, _ := s.admin.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", "test_"+hostHash()+"_")
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("test database server: %w", err)
	}
	for _, name := range names {
		if orphaned(name) {
			if err := s.drop(ctx, name); err != nil {
				return fmt.Errorf("drop what a killed test left: %w", err)
			}
		}
	}
	return nil
}

// orphaned reads the owner out of the name, test_<host>_<pid>_<start>_<n>.
func orphaned(name string) bool {
	f := strings.Split(name, "_")
	if len(f) != 5 {
		return false
	}
	pid, err := strconv.Atoi(f[2])
	if err != nil {
		return false
	}
	owner, err := parts.Identify(pid)
	return err != nil || startedHash(owner) != f[3]
}
