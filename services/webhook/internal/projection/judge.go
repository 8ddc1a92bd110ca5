package projection

import (
	"bytes"

	"github.com/codex-platform/codex/services/webhook/internal/stripe"
)

// verdict is what to do with a state that comes in. The words are kept with the
// event, for operators.
type verdict string

const (
	applied    verdict = "applied"    // newer: it becomes the state
	stale      verdict = "stale"      // older than the state
	same       verdict = "same"       // says what we know
	unclear    verdict = "unclear"    // Stripe has to be asked
	incomplete verdict = "incomplete" // does not tell what we need: Stripe has to be asked
	unused     verdict = "unused"     // about nothing that we keep
)

// guard remembers of an object which state of it we have.
type guard struct {
	id, kind string
	// The state was true at some moment of these seconds of Stripe's clock.
	from, until int64
	rank        stripe.Rank
	terminal    bool
	progress    int64
	digest      []byte // nil: nothing is known yet
	event       string // that gave the state; empty: Stripe was asked
	dirty       int64
	synced      int64

	changed bool // and is to be saved
}

// empty tells whether nothing is known of the object.
func (g guard) empty() bool { return g.digest == nil }

// state is what an event, or an answer of Stripe's, says of an object.
type state struct {
	facts       stripe.Facts
	from, until int64
	rank        stripe.Rank
	event       string
	digest      []byte
}

// judge compares an incoming state with the one we have.
func (g guard) judge(s state) verdict {
	switch {
	case g.empty(), s.from > g.until:
		return applied
	case s.until < g.from:
		return stale
	case bytes.Equal(s.digest, g.digest):
		return same
	}
	return g.judgeWithinASecond(s)
}

// judgeWithinASecond decides where the clock cannot.
func (g guard) judgeWithinASecond(s state) verdict {
	terminal, progress := s.facts.Terminal(), s.facts.Progress()
	switch {
	case terminal != g.terminal: // an end is never followed by a life
		return pick(terminal)
	case progress != g.progress: // what only grows has grown
		return pick(progress > g.progress)
	case s.rank != g.rank && (s.rank == stripe.RankCreated || g.rank == stripe.RankCreated): // a creation comes first
		return pick(g.rank == stripe.RankCreated)
	case s.rank != g.rank: // a deletion comes last
		return pick(s.rank == stripe.RankDeleted)
	}
	return unclear
}

func pick(incoming bool) verdict {
	if incoming {
		return applied
	}
	return stale
}

// take makes an incoming state the guard's.
func (g *guard) take(s state) {
	g.from, g.until, g.rank, g.event, g.digest = s.from, s.until, s.rank, s.event, s.digest
	g.terminal, g.progress = s.facts.Terminal(), s.facts.Progress()
	g.changed = true
}

// doubt notes that Stripe has to be asked, settle that it was.
func (g *guard) doubt()  { g.dirty, g.changed = g.dirty+1, true }
func (g *guard) settle() { g.synced, g.changed = g.dirty, true }

// confirm notes that Stripe itself, asked in these seconds, said what we know.
func (g *guard) confirm(s state) {
	if s.event == "" && s.from >= g.from {
		g.from, g.until, g.changed = s.from, max(s.until, g.until), true
	}
}
