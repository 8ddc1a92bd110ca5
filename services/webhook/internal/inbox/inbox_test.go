package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// keeper is a database that does what it is told.
type keeper struct {
	mu      sync.Mutex
	kept    []string
	batches []int
	insert  func(events []inbox.Event) error
}

func (k *keeper) Insert(_ context.Context, events []inbox.Event) (int, error) {
	k.mu.Lock()
	k.batches = append(k.batches, len(events))
	insert := k.insert
	k.mu.Unlock()
	if insert != nil {
		if err := insert(events); err != nil {
			return 0, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range events {
		k.kept = append(k.kept, e.ID)
	}
	return len(events), nil
}

func named(id string) inbox.Event {
	return inbox.Event{Envelope: stripe.Envelope{ID: id, Type: "customer.updated", Created: 1}, Payload: []byte(id)}
}

// fill keeps both committers busy until release is closed, and waits until n more
// deliveries stand behind them.
func fill(t *testing.T, box *inbox.Inbox, busy <-chan struct{}, ids ...string) <-chan error {
	t.Helper()
	results := make(chan error, len(ids)+2)
	for i := range 2 {
		go func() { results <- box.Accept(t.Context(), named(fmt.Sprint("evt_busy", i))) }()
		<-busy
	}
	for _, id := range ids {
		go func() { results <- box.Accept(t.Context(), named(id)) }()
	}
	return results
}

// One bad event does not refuse its neighbours.
func TestAccept_aBadBatchIsTakenApart(t *testing.T) {
	t.Parallel()
	busy, release := make(chan struct{}), make(chan struct{})
	bad := errors.New("this row is not to be had")
	k := &keeper{}
	k.insert = func(events []inbox.Event) error {
		if strings.HasPrefix(events[0].ID, "evt_busy") {
			busy <- struct{}{}
			<-release
		}
		for _, e := range events {
			if e.ID == "evt_bad" {
				return bad
			}
		}
		return nil
	}
	box := inbox.New(k, func() {})
	t.Cleanup(box.Close)
	results := fill(t, box, busy, "evt_1", "evt_bad", "evt_2", "evt_3")
	close(release)
	failed := 0
	for range cap(results) {
		if err := <-results; errors.Is(err, bad) {
			failed++
		} else if err != nil {
			t.Errorf("Accept = %v", err)
		}
	}
	if failed != 1 || len(k.kept) != 5 {
		t.Errorf("%d refused, %v kept: want the bad one refused and five kept", failed, k.kept)
	}
}

func TestAccept_moreThanCanBeHeldIsRefused(t *testing.T) {
	t.Parallel()
	busy, release := make(chan struct{}, 2), make(chan struct{})
	k := &keeper{insert: func([]inbox.Event) error {
		select {
		case busy <- struct{}{}:
		default:
		}
		<-release
		return nil
	}}
	box := inbox.New(k, func() {})
	large := named("evt_large")
	large.Payload = make([]byte, 40<<20)
	accepted := make(chan error, 1)
	go func() { accepted <- box.Accept(t.Context(), large) }()
	<-busy
	if err := box.Accept(t.Context(), large); !errors.Is(err, inbox.ErrOverflow) || problem.From(err).RetryAfter == 0 {
		t.Errorf("80 MiB at once: %v, want 503 with a time to come back", err)
	}
	close(release)
	if err := <-accepted; err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := box.Accept(t.Context(), large); err != nil {
		t.Errorf("after the commit there is room again: %v", err)
	}
	box.Close()
	if err := box.Accept(t.Context(), named("evt_late")); !errors.Is(err, inbox.ErrOverflow) {
		t.Errorf("after Close: %v", err)
	}
}

func TestAccept_aSlowCommitIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	box := inbox.New(&keeper{insert: func([]inbox.Event) error { <-release; return nil }}, func() {})
	begun := time.Now()
	err := box.Accept(t.Context(), named("evt_1"))
	if took := time.Since(begun); !errors.Is(err, problem.Unavailable) || took > 2*time.Second {
		t.Errorf("%v after %v, want 503 within two seconds", err, took)
	}
	close(release)
	box.Close()
}

func TestAccept_waitingEventsShareACommit(t *testing.T) {
	t.Parallel()
	busy, release := make(chan struct{}), make(chan struct{})
	k := &keeper{}
	k.insert = func(events []inbox.Event) error {
		if strings.HasPrefix(events[0].ID, "evt_busy") {
			busy <- struct{}{}
			<-release
		}
		return nil
	}
	woken := make(chan struct{}, 1000)
	box := inbox.New(k, func() { woken <- struct{}{} })
	var ids []string
	for i := range 300 {
		ids = append(ids, fmt.Sprint("evt_", i))
	}
	results := fill(t, box, busy, ids...)
	close(release)
	for range cap(results) {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	box.Close()
	if len(k.kept) != 302 || len(woken) == 0 {
		t.Errorf("%d kept, woken %d times", len(k.kept), len(woken))
	}
	for _, n := range k.batches {
		if n > 256 {
			t.Errorf("a batch of %d, want 256 at most", n)
		}
	}
}
