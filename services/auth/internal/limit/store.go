package limit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
)

// Store keeps the counts of wrong passwords. DB is a pool, or the transaction
// that a step is part of.
type Store struct {
	DB database.Querier
}

// waitError says that an account has to wait.
type waitError struct{ left time.Duration }

func (e *waitError) Error() string { return "too many wrong passwords in a row" }

// keys are what an account is counted under: wrong passwords lately, which make it
// wait, and all in a row, of which only so many are looked at. Those that make it wait
// are forgotten with time whoever it is, or the wait would tell who has an account;
// those in a row are not, and show in no answer.
type keys struct{ lately, inARow []byte }

func (k keys) all() [][]byte { return [][]byte{k.lately, k.inARow} }

// Charge counts a guess and gives the count in a row that includes it, or a waitError.
// Of parallel guesses only one gets past a moment at which the account may be tried
// again. A count in a row has 'infinity' in retry_at.
func (s Store) Charge(ctx context.Context, k keys, userID string, now time.Time, b Backoff) (int, error) {
	var n int
	err := s.DB.QueryRow(ctx, `
		WITH lately AS (
			INSERT INTO better_auth.guesses AS g (account_hash, user_id, failures, retry_at, last_at)
			VALUES (@lately, nullif(@user_id, ''), 1, '-infinity', @now)
			ON CONFLICT (account_hash) DO UPDATE
			SET failures = g.failures + 1, user_id = EXCLUDED.user_id, last_at = EXCLUDED.last_at,
			    retry_at = CASE WHEN g.failures + 1 < @free THEN '-infinity'
			        ELSE EXCLUDED.last_at + make_interval(secs => least(@longest::float8, power(2, least(g.failures + 1 - @free, 30)))) END
			WHERE g.retry_at <= EXCLUDED.last_at
			RETURNING user_id, last_at)
		INSERT INTO better_auth.guesses AS g (account_hash, user_id, failures, retry_at, last_at)
		SELECT @in_a_row::bytea, user_id, 1, 'infinity', last_at FROM lately
		ON CONFLICT (account_hash) DO UPDATE
		SET failures = g.failures + 1, user_id = EXCLUDED.user_id, last_at = EXCLUDED.last_at
		RETURNING failures`, pgx.NamedArgs{
		"lately": k.lately, "in_a_row": k.inARow, "user_id": userID, "now": now, "free": b.Free, "longest": b.Longest.Seconds(),
	}).Scan(&n)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, s.wait(ctx, k.lately, now)
	case err != nil:
		return 0, fmt.Errorf("count guess: %w", err)
	}
	return n, nil
}

func (s Store) wait(ctx context.Context, key []byte, now time.Time) error {
	var until time.Time
	err := s.DB.QueryRow(ctx, `
		SELECT greatest(retry_at, $2) FROM better_auth.guesses
		WHERE account_hash = $1`, key, now).Scan(&until)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) { // none: cleared a moment ago, the next try will do
		return fmt.Errorf("wait of account: %w", err)
	}
	return &waitError{left: max(until.Sub(now), time.Second)}
}

// inOrder locks counts as Charge does, lately before in a row: whoever changes both
// at once would else wait for a guess that waits for it.
const inOrder = ` ORDER BY retry_at FOR UPDATE)`

// Clear forgets an account's counts.
func (s Store) Clear(ctx context.Context, k keys) error {
	if _, err := s.DB.Exec(ctx, `DELETE FROM better_auth.guesses WHERE account_hash IN (
		SELECT account_hash FROM better_auth.guesses WHERE account_hash = ANY($1)`+inOrder, k.all()); err != nil {
		return fmt.Errorf("clear guesses: %w", err)
	}
	return nil
}

// Undo takes one guess back, and the wait that it caused.
func (s Store) Undo(ctx context.Context, k keys) error {
	_, err := s.DB.Exec(ctx, `
		UPDATE better_auth.guesses
		SET failures = greatest(failures - 1, 0), retry_at = CASE WHEN retry_at = 'infinity' THEN retry_at ELSE '-infinity' END
		WHERE account_hash IN (SELECT account_hash FROM better_auth.guesses WHERE account_hash = ANY($1)`+inOrder, k.all())
	if err != nil {
		return fmt.Errorf("undo guess: %w", err)
	}
	return nil
}

// ClearOf forgets all counts of a person, who got a new password by mail.
func (s Store) ClearOf(ctx context.Context, userID string) error {
	if _, err := s.DB.Exec(ctx, `DELETE FROM better_auth.guesses WHERE account_hash IN (
		SELECT account_hash FROM better_auth.guesses WHERE user_id = $1`+inOrder, userID); err != nil {
		return fmt.Errorf("clear guesses of user: %w", err)
	}
	return nil
}

// Sweep deletes up to limit counts that are older than a moment. Those in a row of
// people stay: "in a row" has no end. It passes over what a guess has locked: it would
// else wait for one that waits for it, since it knows no pairs.
func (s Store) Sweep(ctx context.Context, before time.Time, limit int) (int64, error) {
	tag, err := s.DB.Exec(ctx, `
		WITH old AS (
			SELECT account_hash FROM better_auth.guesses
			WHERE last_at < $1 AND (user_id IS NULL OR retry_at < 'infinity') LIMIT $2
			FOR UPDATE SKIP LOCKED)
		DELETE FROM better_auth.guesses WHERE account_hash IN (SELECT account_hash FROM old)`, before, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep guesses: %w", err)
	}
	return tag.RowsAffected(), nil
}
