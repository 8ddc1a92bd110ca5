package database_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/database"
)

// ledger is a Beginner that writes down what happens to its transactions.
type ledger struct {
	began, committed, rolledBack int
	commitErr                    error
}

type entry struct {
	pgx.Tx
	of   *ledger
	done bool
}

func (l *ledger) Begin(context.Context) (pgx.Tx, error) {
	l.began++
	return &entry{of: l}, nil
}

func (e *entry) Commit(context.Context) error {
	e.done = true
	if e.of.commitErr == nil {
		e.of.committed++
	}
	return e.of.commitErr
}

func (e *entry) Rollback(context.Context) error {
	if e.done {
		return pgx.ErrTxClosed
	}
	e.done = true
	e.of.rolledBack++
	return nil
}

// Begin starts a savepoint.
func (e *entry) Begin(context.Context) (pgx.Tx, error) { return e.of.Begin(context.Background()) }

func TestInTx(t *testing.T) {
	t.Parallel()
	lost := &pgconn.PgError{Code: "40001"}
	for name, tc := range map[string]struct {
		errs  []error // of f, call by call
		calls int
		want  error
		kept  int
	}{
		"all went well":             {[]error{nil}, 1, nil, 1},
		"a refusal is not repeated": {[]error{pgx.ErrNoRows}, 1, pgx.ErrNoRows, 0},
		"a lost race is run again":  {[]error{lost, &pgconn.PgError{Code: "40P01"}, nil}, 3, nil, 1},
		"three times at most":       {[]error{lost, lost, lost, nil}, 3, lost, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, calls := &ledger{}, 0
			err := database.InTx(t.Context(), l, func(pgx.Tx) error {
				calls++
				return tc.errs[calls-1]
			})
			if !errors.Is(err, tc.want) || calls != tc.calls || l.committed != tc.kept || l.rolledBack != tc.calls-tc.kept {
				t.Errorf("err = %v after %d calls, %+v", err, calls, l)
			}
		})
	}
}

func TestInTx_runsAgainWhenTheCommitLosesARace(t *testing.T) {
	t.Parallel()
	l := &ledger{commitErr: &pgconn.PgError{Code: "40001"}}
	err := database.InTx(t.Context(), l, func(pgx.Tx) error { return nil })
	if err == nil || l.began != 3 {
		t.Errorf("err = %v after %d transactions", err, l.began)
	}
}

func TestInTx_neverRunsASavepointAgain(t *testing.T) {
	t.Parallel()
	l, calls := &ledger{}, 0
	_ = database.InTx(t.Context(), &entry{of: l}, func(pgx.Tx) error {
		calls++
		return &pgconn.PgError{Code: "40001"}
	})
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestInTx_rollsBackWhenItsFunctionPanics(t *testing.T) {
	t.Parallel()
	l := &ledger{}
	func() {
		defer func() { _ = recover() }()
		_ = database.InTx(t.Context(), l, func(pgx.Tx) error { panic("oh") })
	}()
	if l.rolledBack != 1 {
		t.Errorf("%+v", l)
	}
}

func TestInTx_stopsRetryingWhenTheCallerIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l, calls := &ledger{}, 0
	err := database.InTx(ctx, l, func(pgx.Tx) error {
		calls++
		cancel()
		return &pgconn.PgError{Code: "40001"}
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("err = %v after %d calls", err, calls)
	}
}
