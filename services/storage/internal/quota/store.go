package quota

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

// Store keeps the accounts.
type Store struct {
	DB     database.Querier
	Limits Limits
}

// columns are those of scan, in its order.
const columns = `owner_id, plan, coalesce(limit_bytes, $2), used_bytes, reserved_bytes, files, reserved_files, closed_at IS NOT NULL`

// Of gives the owner's account as it is; one that has no row yet is as if new.
func (s *Store) Of(ctx context.Context, owner string) (Account, error) {
	a, err := s.scan(s.DB.QueryRow(ctx, `SELECT `+columns+` FROM storage.quotas WHERE owner_id = $1`, owner, s.Limits.DefaultBytes))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Account{Owner: owner, Plan: "free", Limit: s.Limits.DefaultBytes, MaxFiles: s.Limits.MaxFiles}, nil
	case err != nil:
		return Account{}, fmt.Errorf("account of an owner: %w", err)
	}
	return a, nil
}

// Lock gives the owner's account, which is made when there is none, and keeps
// others from changing it until the transaction ends. It is the owner's lock:
// whoever changes an owner's uploads or files takes it first, which is also what
// keeps such transactions from deadlocking.
func (s *Store) Lock(ctx context.Context, tx pgx.Tx, owner string) (Account, error) {
	const query = `SELECT ` + columns + ` FROM storage.quotas WHERE owner_id = $1 FOR UPDATE`
	a, err := s.scan(tx.QueryRow(ctx, query, owner, s.Limits.DefaultBytes))
	if errors.Is(err, pgx.ErrNoRows) {
		// ON CONFLICT: the first two uploads of an owner may come together; the
		// loser waits here and then locks the winner's row.
		_, err = tx.Exec(ctx, `INSERT INTO storage.quotas (owner_id) VALUES ($1) ON CONFLICT (owner_id) DO NOTHING`, owner)
		if err == nil {
			a, err = s.scan(tx.QueryRow(ctx, query, owner, s.Limits.DefaultBytes))
		}
	}
	if err != nil {
		return Account{}, fmt.Errorf("lock the account of an owner: %w", err)
	}
	return a, nil
}

func (s *Store) scan(row pgx.Row) (Account, error) {
	a := Account{MaxFiles: s.Limits.MaxFiles}
	err := row.Scan(&a.Owner, &a.Plan, &a.Limit, &a.Used, &a.Reserved, &a.Files, &a.ReservedFiles, &a.Closed)
	return a, err
}

// Save writes the counters of an account that Lock gave.
func (s *Store) Save(ctx context.Context, tx pgx.Tx, a Account) error {
	_, err := tx.Exec(ctx, `
		UPDATE storage.quotas
		SET used_bytes = @used, reserved_bytes = @reserved, files = @files, reserved_files = @reserved_files, updated_at = now()
		WHERE owner_id = @owner`, pgx.NamedArgs{
		"owner": a.Owner, "used": a.Used, "reserved": a.Reserved, "files": a.Files, "reserved_files": a.ReservedFiles,
	})
	if err != nil {
		return fmt.Errorf("save the account of an owner: %w", err)
	}
	return nil
}

// Plan is what billing says an owner may keep.
type Plan struct {
	Key     string
	Bytes   int64
	Version int64 // grows with each change; an older one never wins
}

// SetPlan takes over a plan, unless a newer one is known or the account is closed.
func (s *Store) SetPlan(ctx context.Context, owner string, p Plan) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO storage.quotas AS q (owner_id, plan, limit_bytes, plan_version)
		VALUES (@owner, @plan, @bytes, @version)
		-- Messages are delivered at least once and in any order: the version settles which one stays.
		ON CONFLICT (owner_id) DO UPDATE
		SET plan = excluded.plan, limit_bytes = excluded.limit_bytes, plan_version = excluded.plan_version, updated_at = now()
		WHERE q.plan_version <= excluded.plan_version AND q.closed_at IS NULL`, pgx.NamedArgs{
		"owner": owner, "plan": p.Key, "bytes": p.Bytes, "version": p.Version,
	})
	if err != nil {
		return fmt.Errorf("set the plan of an owner: %w", err)
	}
	return nil
}

// Close ends an account for good: nothing can be added to it any more.
func (s *Store) Close(ctx context.Context, tx pgx.Tx, owner string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO storage.quotas AS q (owner_id, limit_bytes, closed_at)
		VALUES ($1, 0, now())
		ON CONFLICT (owner_id) DO UPDATE SET limit_bytes = 0, closed_at = coalesce(q.closed_at, now()), updated_at = now()`, owner)
	if err != nil {
		return fmt.Errorf("close the account of an owner: %w", err)
	}
	return nil
}

// ForgetClosed removes accounts that were closed a day ago and are empty: by then
// no token of their owners is valid any more.
func (s *Store) ForgetClosed(ctx context.Context) error {
	_, err := s.DB.Exec(ctx, `
		DELETE FROM storage.quotas
		WHERE closed_at < now() - interval '1 day' AND files = 0 AND reserved_files = 0`)
	if err != nil {
		return fmt.Errorf("forget closed accounts: %w", err)
	}
	return nil
}
