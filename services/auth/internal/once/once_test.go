package once_test

import (
	"errors"
	"testing"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"

	"github.com/codex-platform/codex/services/auth/internal/once"
)

// A secret that takes the place of one that is over, while that is swept, stays.
func TestSweep_leavesWhatWasReplaced(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t, migrations.Auth)
	ring, err := security.NewKeyring([]string{"acceptance-secret-acceptance-secret-0123456789"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	secrets := once.Secrets{Ring: ring, Now: func() time.Time { return now }}
	put := once.Entry{Purpose: "code", Key: "ada@example.test", Value: "123456", Life: time.Minute}
	if err := secrets.Put(t.Context(), pool, put); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	if _, err := secrets.Peek(t.Context(), pool, "code", put.Key); !errors.Is(err, once.ErrOver) || !errors.Is(err, once.ErrNone) {
		t.Errorf("one that is over: %v", err)
	}

	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.Put(t.Context(), tx, put); err != nil {
		t.Fatal(err)
	}
	swept := make(chan int64)
	go func() {
		n, _ := once.Sweep(t.Context(), pool, now, 10)
		swept <- n
	}()
	for waits := false; !waits; {
		if err := pool.QueryRow(t.Context(), `
			SELECT EXISTS (SELECT FROM pg_stat_activity
			               WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%one_time%')`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := <-swept; n != 0 {
		t.Errorf("swept %d", n)
	}
	if _, err := secrets.Take(t.Context(), pool, "code", put.Key); err != nil {
		t.Errorf("the new one: %v", err)
	}
}
