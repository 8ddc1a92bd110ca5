package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/pkg/jobs"
)

// Jobs inserts a job in the transaction that makes it necessary.
type Jobs interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) error
}

// Store keeps what each person is on.
type Store struct {
	DB        *pgxpool.Pool
	Catalogue Catalogue
	Jobs      Jobs
	Now       func() time.Time
}

// Of gives what a person is on.
func (s *Store) Of(ctx context.Context, userID string) (State, error) {
	state, err := scanState(s.DB.QueryRow(ctx, `SELECT `+stateColumns+` FROM billing.plan_state WHERE user_id = $1`, userID))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return s.Catalogue.Resolve(nil), nil
	case err != nil:
		return State{}, fmt.Errorf("plan of a person: %w", err)
	}
	return state, nil
}

const stateColumns = `plan_key, status, quota_bytes, current_period_end, cancel_at_period_end, subscription_id, version`

func scanState(row pgx.Row) (st State, err error) {
	err = row.Scan(&st.PlanKey, &st.Status, &st.QuotaBytes, &st.PeriodEnd, &st.CancelAtPeriodEnd, &st.SubscriptionID, &st.Version)
	return st, err
}

// OfCustomers gives the people that these customers of Stripe's are.
func (s *Store) OfCustomers(ctx context.Context, tx pgx.Tx, customers []string) ([]string, error) {
	rows, _ := tx.Query(ctx, `SELECT DISTINCT user_id FROM billing.customers WHERE id = ANY($1) AND user_id IS NOT NULL`, customers)
	users, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("people of customers: %w", err)
	}
	return users, nil
}

// Update works out again what these people are on, from the subscriptions as tx
// sees them, and tells storage of changes by a job in tx.
func (s *Store) Update(ctx context.Context, tx pgx.Tx, users []string) error {
	slices.Sort(users) // everybody locks in the same order
	for _, user := range slices.Compact(users) {
		if err := s.update(ctx, tx, user); err != nil {
			return fmt.Errorf("update a plan: %w", err)
		}
	}
	return nil
}

func (s *Store) update(ctx context.Context, tx pgx.Tx, user string) error {
	before, err := s.lock(ctx, tx, user)
	if err != nil {
		return err
	}
	holdings, err := s.holdings(ctx, tx, user)
	if err != nil {
		return err
	}
	after := s.Catalogue.Resolve(holdings)
	if after.same(before) {
		return nil
	}
	// Time makes the version grow even when the database was set back to a backup.
	after.Version = max(before.Version+1, s.Now().UnixMilli())
	if err := s.save(ctx, tx, user, after); err != nil {
		return err
	}
	if after.PlanKey == before.PlanKey && after.QuotaBytes == before.QuotaBytes {
		return nil
	}
	return s.tell(ctx, tx, user, after)
}

// lock makes the person's row and locks it. Two transactions about two
// subscriptions of one person meet here: the second then sees what the first has
// committed.
func (s *Store) lock(ctx context.Context, tx pgx.Tx, user string) (State, error) {
	free := s.Catalogue.Resolve(nil)
	_, err := tx.Exec(ctx, `
		INSERT INTO billing.plan_state (user_id, plan_key, status, quota_bytes, version, updated_at)
		VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (user_id) DO NOTHING`, user, free.PlanKey, free.Status, free.QuotaBytes, s.Now())
	if err != nil {
		return State{}, err
	}
	return scanState(tx.QueryRow(ctx, `SELECT `+stateColumns+` FROM billing.plan_state WHERE user_id = $1 FOR UPDATE`, user))
}

// holdings lists what a person holds, by the customers that our checkout made.
func (s *Store) holdings(ctx context.Context, tx pgx.Tx, user string) ([]Holding, error) {
	rows, _ := tx.Query(ctx, `
		SELECT s.id, s.status, s.current_period_end, s.cancel_at_period_end, coalesce(p.lookup_key, ''), coalesce(p.plan_key, '')
		FROM billing.customers c
		JOIN billing.subscriptions s ON s.customer_id = c.id
		JOIN billing.subscription_items i ON i.subscription_id = s.id
		LEFT JOIN billing.prices p ON p.id = i.price_id
		WHERE c.user_id = $1 AND NOT c.deleted
		ORDER BY s.created_at, s.id, i.position`, user)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Holding])
}

func (s *Store) save(ctx context.Context, tx pgx.Tx, user string, st State) error {
	_, err := tx.Exec(ctx, `
		UPDATE billing.plan_state
		SET plan_key = @plan, status = @status, quota_bytes = @quota, current_period_end = @end, cancel_at_period_end = @ends,
			subscription_id = @subscription, version = @version, updated_at = @now
		WHERE user_id = @user`,
		pgx.NamedArgs{"plan": st.PlanKey, "status": st.Status, "quota": st.QuotaBytes, "end": st.PeriodEnd, "ends": st.CancelAtPeriodEnd,
			"subscription": st.SubscriptionID, "version": st.Version, "now": s.Now(), "user": user})
	return err
}

// tell puts the message to storage into the outbox.
func (s *Store) tell(ctx context.Context, tx pgx.Tx, user string, st State) error {
	body, err := json.Marshal(struct {
		Plan       string `json:"plan"`
		QuotaBytes int64  `json:"quota_bytes"`
		Version    int64  `json:"version"`
	}{st.PlanKey, st.QuotaBytes, st.Version})
	if err != nil {
		return err
	}
	return s.Jobs.InsertTx(ctx, tx, jobs.Call{
		Target: "storage", Method: http.MethodPut, Path: "/internal/v1/users/" + url.PathEscape(user) + "/plan", Body: body,
	}, nil)
}

// Stale lists people whose quota is not what their plan has now, because the
// catalogue was changed.
func (s *Store) Stale(ctx context.Context, most int) ([]string, error) {
	var keys []string
	var quotas []int64
	for _, p := range s.Catalogue.All() {
		keys, quotas = append(keys, p.Key), append(quotas, p.QuotaBytes)
	}
	rows, _ := s.DB.Query(ctx, `
		SELECT st.user_id FROM billing.plan_state st
		LEFT JOIN unnest($1::text[], $2::bigint[]) AS p (key, quota) ON p.key = st.plan_key
		WHERE p.quota IS DISTINCT FROM st.quota_bytes LIMIT $3`, keys, quotas, most)
	users, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list plans to update: %w", err)
	}
	return users, nil
}

// Forget drops what a deleted person was on.
func (s *Store) Forget(ctx context.Context, tx pgx.Tx, user string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM billing.plan_state WHERE user_id = $1`, user); err != nil {
		return fmt.Errorf("forget a plan: %w", err)
	}
	return nil
}
