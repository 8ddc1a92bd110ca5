package projection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
	"github.com/codex-platform/codex/services/webhook/internal/plan"
	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// Projection keeps the billing state.
type Projection struct {
	DB    database.Beginner
	Plans *plan.Store
	Jobs  plan.Jobs
	Log   *slog.Logger
}

// change is one event about one object.
type change struct {
	seq     int64
	kind    string
	id      string
	created int64
	rank    stripe.Rank
	event   string
	facts   stripe.Facts // nil: the event does not tell what we need
}

func (c change) state() state {
	return state{facts: c.facts, from: c.created, until: c.created, rank: c.rank, event: c.event, digest: stripe.Digest(c.facts)}
}

// Apply works events off within tx: the state of their objects, the plans that
// follow, and the jobs.
func (p *Projection) Apply(ctx context.Context, tx pgx.Tx, events []inbox.Event) ([]inbox.Result, error) {
	w := &work{projection: p, tx: tx}
	var changes []change
	for _, e := range events {
		c, err := p.read(ctx, e)
		switch {
		case errors.Is(err, stripe.ErrNotKept):
			w.result(e.Seq, unused)
		case err != nil:
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		default:
			changes = append(changes, c)
		}
	}
	if err := w.apply(ctx, changes); err != nil {
		return nil, err
	}
	return w.results, nil
}

// read takes an event apart.
func (p *Projection) read(ctx context.Context, e inbox.Event) (change, error) {
	if !stripe.Kept(e.ObjectKind) || e.ObjectID == "" {
		return change{}, stripe.ErrNotKept
	}
	raw, err := stripe.Payload(e.Payload)
	if err != nil {
		return change{}, err
	}
	c := change{seq: e.Seq, kind: e.ObjectKind, id: e.ObjectID, created: e.Created, rank: stripe.RankOf(e.Type), event: e.ID}
	c.facts, err = stripe.Decode(e.ObjectKind, raw, stripe.Deletes(e.Type))
	if errors.Is(err, stripe.ErrIncomplete) {
		p.Log.InfoContext(ctx, "event does not tell what is needed: the object is fetched", "event_id", e.ID, "api_version", e.APIVersion, "err", err)
		c.facts, err = nil, nil
	}
	return c, err
}

// work is one transaction's.
type work struct {
	projection *Projection
	tx         pgx.Tx
	guards     map[string]*guard
	facts      map[string]stripe.Facts // to be written, by object
	asked      map[string]bool         // objects that Stripe is to be asked for
	results    []inbox.Result
}

func (w *work) result(seq int64, v verdict) {
	w.results = append(w.results, inbox.Result{Seq: seq, Text: string(v)})
}

func (w *work) apply(ctx context.Context, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	// In their own order the events of one batch decide more than in the order in
	// which they came.
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.rank, b.rank), cmp.Compare(a.seq, b.seq))
	})
	kinds := map[string]string{}
	for _, c := range changes {
		kinds[c.id] = c.kind
	}
	if err := w.lock(ctx, kinds); err != nil {
		return err
	}
	for _, c := range changes {
		w.result(c.seq, w.change(c))
	}
	return w.keep(ctx)
}

// lock makes the guards of these objects, or finds them, and locks them.
func (w *work) lock(ctx context.Context, kinds map[string]string) (err error) {
	w.facts, w.asked = map[string]stripe.Facts{}, map[string]bool{}
	w.guards, err = lockGuards(ctx, w.tx, kinds)
	return err
}

// change judges one event.
func (w *work) change(c change) verdict {
	g := w.guards[c.id]
	if c.facts == nil {
		if !g.empty() && c.created < g.from {
			return stale
		}
		return w.ask(g, incomplete)
	}
	return w.take(g, c.state())
}

// take applies a state that comes in, or does with it what it deserves.
func (w *work) take(g *guard, s state) verdict {
	v := g.judge(s)
	switch v {
	case applied:
		g.take(s)
		w.facts[g.id] = s.facts
	case same:
		g.confirm(s)
	case unclear:
		return w.ask(g, v)
	}
	return v
}

// ask makes an object dirty. One that cannot be asked for is left as it is.
func (w *work) ask(g *guard, v verdict) verdict {
	if !stripe.Fetchable(g.kind) {
		return unused
	}
	g.doubt()
	w.asked[g.id] = true
	return v
}

// keep writes what has changed.
func (w *work) keep(ctx context.Context) error {
	p := w.projection
	if err := saveGuards(ctx, w.tx, w.guards, p.Plans.Now()); err != nil {
		return err
	}
	if err := write(ctx, w.tx, p.Plans.Catalogue, inOrder(w.facts)); err != nil {
		return err
	}
	for _, id := range sortedKeys(w.asked) {
		if err := p.Jobs.InsertTx(ctx, w.tx, SyncObject{ObjectKind: w.guards[id].kind, ObjectID: id}, nil); err != nil {
			return err
		}
	}
	return w.updatePlans(ctx)
}

// updatePlans works out the plans of those whose subscriptions have changed.
func (w *work) updatePlans(ctx context.Context) error {
	var customers []string
	for _, f := range w.facts {
		switch f := f.(type) {
		case stripe.Subscription:
			customers = append(customers, f.CustomerID)
		case stripe.Customer:
			customers = append(customers, f.ID)
		}
	}
	if len(customers) == 0 {
		return nil
	}
	users, err := w.projection.Plans.OfCustomers(ctx, w.tx, customers)
	if err != nil {
		return err
	}
	return w.projection.Plans.Update(ctx, w.tx, users)
}

// Answer is a state of an object that Stripe gave when asked.
type Answer struct {
	Kind        string
	Facts       stripe.Facts
	From, Until int64
}

// Learn takes what Stripe answered to a call of ours into the state, as if an
// event had brought it: the page that a person comes back to is right before the
// event comes (U15).
func (p *Projection) Learn(ctx context.Context, answers ...Answer) error {
	return database.InTx(ctx, p.DB, func(tx pgx.Tx) error {
		w := &work{projection: p, tx: tx}
		kinds := map[string]string{}
		for _, a := range answers {
			kinds[a.Facts.Key()] = a.Kind
		}
		if err := w.lock(ctx, kinds); err != nil {
			return err
		}
		for _, a := range answers {
			w.take(w.guards[a.Facts.Key()], a.state())
		}
		return w.keep(ctx)
	})
}

func (a Answer) state() state {
	return state{facts: a.Facts, from: a.From, until: a.Until, rank: stripe.RankChanged, digest: stripe.Digest(a.Facts)}
}

// inOrder gives facts in the order of their objects' ids.
func inOrder(facts map[string]stripe.Facts) []stripe.Facts {
	var out []stripe.Facts
	for _, id := range sortedKeys(facts) {
		out = append(out, facts[id])
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
