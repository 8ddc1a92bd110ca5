package database

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Querier is what a store needs: a pool or a transaction.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Beginner starts transactions: a pool, or a transaction, in which a nested one
// is a savepoint.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

const (
	txAttempts      = 3
	txPause         = 10 * time.Millisecond // before the second attempt; doubles, with jitter
	rollbackTimeout = time.Second
)

// InTx runs f in one transaction: all of it is kept when f returns nil, none
// otherwise. When the database takes the transaction back to settle a race with
// another (a serialization failure or a deadlock), f runs again, three times at
// most: what f does outside the transaction must bear repetition.
func InTx(ctx context.Context, b Beginner, f func(tx pgx.Tx) error) error {
	_, nested := b.(pgx.Tx)
	for attempt := 1; ; attempt++ {
		err := once(ctx, b, f)
		// The outer transaction is lost as well, so a savepoint cannot retry.
		if err == nil || nested || attempt == txAttempts || !lostRace(err) {
			return err
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func once(ctx context.Context, b Beginner, f func(tx pgx.Tx) error) error {
	tx, err := b.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		// After a commit this does nothing. The connection is worth keeping even
		// when the caller has gone away, hence a context of its own.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// lostRace tells whether the same transaction may well succeed the next time.
func lostRace(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == serializationFailure || pg.Code == deadlockDetected)
}

func pause(ctx context.Context, attempt int) error {
	longest := txPause << (attempt - 1)
	return wait(ctx, longest/2+rand.N(longest/2))
}
