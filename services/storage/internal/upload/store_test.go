package upload_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/storage/internal/condition"
	"github.com/codex-platform/codex/services/storage/internal/file"
	"github.com/codex-platform/codex/services/storage/internal/quota"
	"github.com/codex-platform/codex/services/storage/internal/upload"
)

// trash remembers which objects were to be removed.
type trash struct {
	mu   sync.Mutex
	keys []string
}

func (t *trash) Discard(_ context.Context, _ pgx.Tx, key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keys = append(t.keys, key)
	return nil
}

func newStore(t *testing.T) (*upload.Store, *trash, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Postgres(t, migrations.Storage)
	removed := &trash{}
	return &upload.Store{
		DB: pool, Objects: removed,
		Quotas: &quota.Store{DB: pool, Limits: quota.Limits{DefaultBytes: 1000, MaxFiles: 10}},
	}, removed, pool
}

func begin(t *testing.T, s *upload.Store, lease time.Duration) *upload.Open {
	t.Helper()
	open, err := s.Begin(t.Context(), upload.Request{Owner: "ada", ID: uuid.New(), Name: "a.txt", Size: 100}, lease)
	if err != nil {
		t.Fatal(err)
	}
	return open
}

func record(open *upload.Open, id uuid.UUID) file.Record {
	sum := sha256.Sum256(nil)
	return file.Record{ID: id, Owner: open.Owner, Name: open.Name, Size: 60, ContentType: "text/plain", SHA256: sum[:], Key: open.Key}
}

func account(t *testing.T, s *upload.Store) quota.Account {
	t.Helper()
	a, err := s.Quotas.Of(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The connection may break while the commit is under way: what looks like a
// failure may be a success, and its object must stay.
func TestAbandon_leavesWhatWasCommitted(t *testing.T) {
	t.Parallel()
	s, removed, _ := newStore(t)
	open := begin(t, s, time.Minute)
	if _, created, err := s.Commit(t.Context(), open, condition.Write{}, record(open, uuid.New())); err != nil || !created {
		t.Fatal(created, err)
	}
	live, err := s.Abandon(t.Context(), open)
	if err != nil || !live || len(removed.keys) > 0 {
		t.Errorf("Abandon = %v, %v, removed %v", live, err, removed.keys)
	}
	if a := account(t, s); a.Used != 60 || a.Files != 1 || a.Reserved != 0 || a.ReservedFiles != 0 {
		t.Errorf("account = %+v", a)
	}
}

func TestAbandon_isRepeatable(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	open := begin(t, s, time.Minute)
	for range 2 {
		if live, err := s.Abandon(t.Context(), open); err != nil || live {
			t.Fatalf("Abandon = %v, %v", live, err)
		}
	}
	if a := account(t, s); a.Reserved != 0 || a.ReservedFiles != 0 {
		t.Errorf("account = %+v", a)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s, removed, _ := newStore(t)
	dead, err := s.Begin(t.Context(), upload.Request{Owner: "ada", ID: uuid.New(), Name: "dead", Size: 100}, -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := s.Begin(t.Context(), upload.Request{Owner: "ada", ID: uuid.New(), Name: "saved", Size: 10}, -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Renew(t.Context(), saved, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(removed.keys, []string{dead.Key}) {
		t.Errorf("removed %v", removed.keys)
	}
	if a := account(t, s); a.Reserved != 10 || a.ReservedFiles != 1 {
		t.Errorf("account = %+v", a)
	}

	// The process was only slow: it finds out at every step, and nothing comes of its upload.
	lost := problem.Unavailable
	if err := s.Renew(t.Context(), dead, time.Minute); !errors.Is(err, lost) {
		t.Errorf("Renew = %v", err)
	}
	if _, err := s.Extend(t.Context(), dead, 1, 1); !errors.Is(err, lost) {
		t.Errorf("Extend = %v", err)
	}
	if _, _, err := s.Commit(t.Context(), dead, condition.Write{}, record(dead, uuid.New())); !errors.Is(err, lost) {
		t.Errorf("Commit = %v", err)
	}
	// What it may have written since is removed once more.
	if live, err := s.Abandon(t.Context(), dead); err != nil || live || len(removed.keys) != 2 {
		t.Errorf("Abandon = %v, %v, removed %v", live, err, removed.keys)
	}
	if a := account(t, s); a.Used != 0 || a.Reserved != 10 {
		t.Errorf("account = %+v", a)
	}
}

func TestSweep_byManyAtOnce(t *testing.T) {
	t.Parallel()
	s, removed, _ := newStore(t)
	for range 8 {
		if _, err := s.Begin(t.Context(), upload.Request{Owner: "ada", ID: uuid.New(), Name: uuid.NewString(), Size: 10}, -time.Second); err != nil {
			t.Fatal(err)
		}
	}
	failed := make(chan error)
	for range 4 {
		go func() { failed <- s.Sweep(context.WithoutCancel(t.Context())) }()
	}
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if a := account(t, s); a.Reserved != 0 || a.ReservedFiles != 0 || len(removed.keys) != 8 {
		t.Errorf("account %+v, removed %d", a, len(removed.keys))
	}
}
