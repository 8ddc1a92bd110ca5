package limit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"

	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// guessing is limits that count wrong passwords in a database of their own.
func guessing(t *testing.T, r limit.Rules, rdb redis.UniversalClient) (*limit.Limits, *testkit.Clock) {
	t.Helper()
	ring, err := security.NewKeyring([]string{"acceptance-secret-acceptance-secret-0123456789"})
	if err != nil {
		t.Fatal(err)
	}
	clock := testkit.NewClock(time.Now())
	l := limits(r)
	l.Guesses = &limit.Guesses{
		Store: limit.Store{DB: testkit.Postgres(t, migrations.Auth)}, Ring: ring, Backoff: limit.Backoff{Free: 5, Longest: 15 * time.Minute, Cap: 100}, Now: clock.Now,
		Spray: limit.NewSpray(limit.SprayRules{Window: 10 * time.Minute, Addresses: 10, Passwords: 6}, rdb, clock.Now, slog.New(slog.DiscardHandler)),
	}
	return l, clock
}

// wait is how long an account has to wait, 0 when it may be tried.
func wait(t *testing.T, err error) time.Duration {
	t.Helper()
	var p *problem.Problem
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, wire.ErrTooMany) || !errors.As(err, &p):
		t.Fatal(err)
	}
	return p.RetryAfter
}

func TestBegin_waitsTwiceAsLongEachTime(t *testing.T) {
	t.Parallel()
	l, clock := guessing(t, limit.Rules{}, nil)
	g := limit.Guess{From: home, Account: "ada"}
	for i := range 5 {
		if _, err := l.Begin(t.Context(), g); err != nil {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	for i, want := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		g.From = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) // a new address is no new start
		_, err := l.Begin(t.Context(), g)
		if got := wait(t, err); got.Round(time.Second) != time.Duration(want)*time.Second {
			t.Errorf("after %d wrong ones: wait %v, want %d s", 5+i, got, want)
		}
		clock.Advance(time.Duration(want) * time.Second)
		if _, err := l.Begin(t.Context(), g); err != nil {
			t.Errorf("after the wait of %d s: %v", want, err)
		}
	}
	if _, err := l.Begin(t.Context(), limit.Guess{From: home, Account: "eve"}); err != nil {
		t.Errorf("another account: %v", err)
	}
	if err := l.Right(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := l.Begin(t.Context(), g); err != nil {
			t.Errorf("after the right one, guess %d: %v", i+1, err)
		}
	}
}

func TestBegin_parallelGuessesDoNotOutrunTheCount(t *testing.T) {
	t.Parallel()
	l, _ := guessing(t, limit.Rules{}, nil)
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := l.Begin(t.Context(), limit.Guess{From: home, Account: "ada"}); err == nil {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if passed.Load() != 5 {
		t.Errorf("%d of 40 were looked at, want 5", passed.Load())
	}
}

func TestUndo_takesAGuessBack(t *testing.T) {
	t.Parallel()
	l, _ := guessing(t, limit.Rules{}, nil)
	g := limit.Guess{From: home, Account: "ada"}
	for range 20 {
		if _, err := l.Begin(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		if err := l.Undo(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
}

// The sweep waits for no guess, and so no guess waits for one that waits for it.
func TestSweep_leavesCountsThatAreInUse(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t, migrations.Auth)
	if _, err := pool.Exec(t.Context(), `
		INSERT INTO better_auth.guesses (account_hash, failures, retry_at, last_at)
		SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 1, '-infinity', now() - interval '2 days' FROM generate_series(1, 9) n`); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM better_auth.guesses WHERE account_hash < decode(lpad('3', 64, '0'), 'hex') FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	store, before := limit.Store{DB: pool}, time.Now().Add(-24*time.Hour)
	for _, want := range []int64{4, 3, 0} {
		if n, err := store.Sweep(ctx, before, 4); err != nil || n != want {
			t.Errorf("%d, %v; want %d", n, err, want)
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := store.Sweep(ctx, before, 4); err != nil || n != 2 {
		t.Errorf("%d afterwards, %v", n, err)
	}
}

// A right password and a wrong one at once lock the two counts in one order.
func TestClearOf_locksInTheOrderOfACharge(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t, migrations.Auth)
	if _, err := pool.Exec(t.Context(), `
		INSERT INTO better_auth.users (id, name, email, email_verified, created_at, updated_at)
		VALUES ('u', 'Ada', 'ada@example.test', true, now(), now())`); err != nil {
		t.Fatal(err)
	}
	inARow, lately := bytes.Repeat([]byte("a"), 32), bytes.Repeat([]byte("b"), 32)
	if _, err := pool.Exec(t.Context(), `
		INSERT INTO better_auth.guesses (account_hash, user_id, failures, retry_at, last_at)
		VALUES ($1, 'u', 1, 'infinity', now()), ($2, 'u', 1, '-infinity', now())`, inARow, lately); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock := func(hash []byte) error {
		_, err := tx.Exec(t.Context(), `SELECT FROM better_auth.guesses WHERE account_hash = $1 FOR UPDATE NOWAIT`, hash)
		return err
	}
	if err := lock(lately); err != nil {
		t.Fatal(err)
	}
	cleared := make(chan error)
	go func() { cleared <- limit.Store{DB: pool}.ClearOf(t.Context(), "u") }()
	for waits := false; !waits; {
		if err := pool.QueryRow(t.Context(), `
			SELECT EXISTS (SELECT FROM pg_stat_activity
			               WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%guesses%')`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if err := lock(inARow); err != nil {
		t.Errorf("the count in a row is locked before the one lately: %v", err)
	}
	if err := errors.Join(tx.Rollback(t.Context()), <-cleared); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM better_auth.guesses`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d are left, %v", left, err)
	}
}

// AUTH-18: after 100 wrong passwords in a row none is right any more.
func TestBegin_isSpentAfterAHundred(t *testing.T) {
	t.Parallel()
	l, clock := guessing(t, limit.Rules{}, nil)
	g := limit.Guess{From: home, Account: "ada"}
	for i := range 101 {
		standing, err := l.Begin(t.Context(), g)
		if err != nil || standing.Spent != (i == 100) || standing.Last != (i == 99) {
			t.Fatalf("guess %d: %+v, %v", i+1, standing, err)
		}
		clock.Advance(16 * time.Minute)
	}
}

func TestSweep_keepsWhatPeopleHave(t *testing.T) {
	t.Parallel()
	l, clock := guessing(t, limit.Rules{}, nil)
	db := l.Guesses.Store.DB
	if _, err := db.Exec(t.Context(), `INSERT INTO better_auth.users (id, name, email, created_at, updated_at) VALUES ('u', 'Ada', 'ada@example.test', now(), now())`); err != nil {
		t.Fatal(err)
	}
	for _, g := range []limit.Guess{{Account: "nobody"}, {Account: "ada@example.test", UserID: "u"}} {
		if _, err := l.Begin(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(time.Hour)
	if n, err := l.Guesses.Store.Sweep(t.Context(), clock.Now(), 10); n != 3 || err != nil { // nobody's two, and what makes Ada wait
		t.Errorf("%d swept, %v", n, err)
	}
	if err := l.Guesses.Store.ClearOf(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	left := -1
	if err := db.QueryRow(t.Context(), `SELECT count(*) FROM better_auth.guesses`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d left, %v", left, err)
	}
}

// AUTH-06: a day later the wait is over for everybody, account or not, and what is
// counted in a row goes on being.
func TestBegin_afterADayTellsNobodyWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	l, clock := guessing(t, limit.Rules{}, nil)
	if _, err := l.Guesses.Store.DB.Exec(t.Context(), `INSERT INTO better_auth.users (id, name, email, created_at, updated_at) VALUES ('u', 'Ada', 'ada@example.test', now(), now())`); err != nil {
		t.Fatal(err)
	}
	known, unknown := limit.Guess{From: home, Account: "ada@example.test", UserID: "u"}, limit.Guess{From: home, Account: "nobody"}
	for day := range 19 {
		for i := range 7 {
			var waits [2]time.Duration
			for who, g := range []limit.Guess{known, unknown} {
				_, err := l.Begin(t.Context(), g)
				waits[who] = wait(t, err)
			}
			if waits[0] != waits[1] || waits[0] == 0 != (i < 5) {
				t.Fatalf("day %d, guess %d: %v", day, i+1, waits)
			}
		}
		clock.Advance(25 * time.Hour)
		if _, err := l.Guesses.Store.Sweep(t.Context(), clock.Now().Add(-24*time.Hour), 100); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 6 {
		standing, err := l.Begin(t.Context(), known)
		if i < 5 && (err != nil || standing.Last != (i == 4)) || i == 5 && wait(t, err) == 0 {
			t.Errorf("guess %d: %+v, %v", 96+i, standing, err)
		}
	}
	clock.Advance(16 * time.Minute)
	if standing, err := l.Begin(t.Context(), known); err != nil || !standing.Spent {
		t.Errorf("after a hundred: %+v, %v", standing, err)
	}
	if err := l.Guesses.Store.ClearOf(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	if standing, err := l.Begin(t.Context(), known); err != nil || standing.Spent {
		t.Errorf("with a new password: %+v, %v", standing, err)
	}
}

// AUTH-17: guessing at many accounts is found by its network and by its password, whether or not
// there is Redis.
func TestSpray_isFoundOnceAndSlowedDown(t *testing.T) {
	t.Parallel()
	for _, with := range []string{"redis", "no redis"} {
		t.Run(with, func(t *testing.T) {
			t.Parallel()
			var rdb redis.UniversalClient
			if with == "redis" {
				rdb = testkit.Redis(t)
			}
			l, clock := guessing(t, limit.Rules{Sprayed: minute(1)}, rdb)
			found := map[string]int{}
			try := func(from, account, password string) error {
				g := limit.Guess{From: netip.MustParseAddr(from), Account: account, Password: password}
				if _, err := l.Begin(t.Context(), g); err != nil {
					return err
				}
				found[l.Wrong(t.Context(), g)]++
				return nil
			}
			for i := range 9 { // one network, many passwords
				if err := try(fmt.Sprintf("192.0.2.%d", i), fmt.Sprintf("a%d", i), fmt.Sprintf("p%d", i)); err != nil {
					t.Fatal(err)
				}
				_ = try("192.0.2.200", "a0", "again") // the same account counts once
			}
			if len(found) != 1 {
				t.Fatalf("found too early: %v", found)
			}
			_ = try("192.0.2.9", "a9", "p9")
			if found["address"] != 1 {
				t.Errorf("the network: %v", found)
			}
			if err := try("192.0.2.10", "b1", "p10"); err != nil {
				t.Errorf("the first slow one: %v", err)
			}
			if err := try("192.0.2.77", "b2", "p11"); wait(t, err) == 0 {
				t.Error("the network is not slowed down")
			}
			if err := try("198.51.100.1", "b3", "p12"); err != nil {
				t.Errorf("another network: %v", err)
			}
			for i := range 6 { // one password, many networks
				if err := try(fmt.Sprintf("203.0.%d.1", i), fmt.Sprintf("c%d", i), "one and the same"); err != nil {
					t.Fatal(err)
				}
			}
			if found["password"] != 1 || found["address"] != 1 {
				t.Errorf("found %v", found)
			}
			_ = try("203.0.100.1", "d1", "one and the same")
			if err := try("203.0.101.1", "d2", "one and the same"); wait(t, err) == 0 {
				t.Error("the password is not slowed down")
			}
			if err := try("203.0.102.1", "d3", "another one"); err != nil {
				t.Errorf("another password: %v", err)
			}
			for i := range 12 { // everybody comes through one proxy
				if err := try("10.0.0.1", fmt.Sprintf("f%d", i), fmt.Sprintf("q%d", i)); err != nil {
					t.Errorf("behind a proxy: %v", err)
				}
			}
			if with == "no redis" {
				clock.Advance(11 * time.Minute)
				for i := range 2 {
					if err := try("192.0.2.77", fmt.Sprintf("e%d", i), "much later"); err != nil {
						t.Errorf("after the window: %v", err)
					}
				}
			}
		})
	}
}
