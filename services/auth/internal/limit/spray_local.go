package limit

import (
	"sync"
	"time"
)

// maxMarks bounds the memory of a process that counts for itself: each mark
// holds as many accounts as make it spray, and no more.
const maxMarks = 10_000

// localSpray counts in the process's own memory.
type localSpray struct {
	rules SprayRules
	now   func() time.Time
	mu    sync.Mutex
	marks map[Mark]*markSeen
}

// markSeen is what is known of a mark in its window.
type markSeen struct {
	until    time.Time
	accounts map[string]struct{}
}

func newLocalSpray(rules SprayRules, now func() time.Time) *localSpray {
	return &localSpray{rules: rules, now: now, marks: map[Mark]*markSeen{}}
}

func (s *localSpray) known(marks []Mark) []Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	var known []Mark
	for _, m := range marks {
		if seen := s.marks[m]; seen != nil && s.now().Before(seen.until) && int64(len(seen.accounts)) >= s.rules.most(m.Kind) {
			known = append(known, m)
		}
	}
	return known
}

func (s *localSpray) note(marks []Mark, account string) (found string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range marks {
		seen := s.of(m)
		if int64(len(seen.accounts)) >= s.rules.most(m.Kind) {
			continue
		}
		seen.accounts[account] = struct{}{}
		if int64(len(seen.accounts)) >= s.rules.most(m.Kind) {
			found = m.Kind
		}
	}
	return found
}

// of gives a mark's window, a new one when the last is over.
func (s *localSpray) of(m Mark) *markSeen {
	now := s.now()
	if seen := s.marks[m]; seen != nil && now.Before(seen.until) {
		return seen
	}
	if len(s.marks) >= maxMarks {
		s.shrink(now)
	}
	s.marks[m] = &markSeen{until: now.Add(s.rules.Window), accounts: map[string]struct{}{}}
	return s.marks[m]
}

// shrink forgets the windows that are over, or, when none is, any half of them.
func (s *localSpray) shrink(now time.Time) {
	for m, seen := range s.marks {
		if !now.Before(seen.until) {
			delete(s.marks, m)
		}
	}
	for m := range s.marks {
		if len(s.marks) <= maxMarks/2 {
			return
		}
		delete(s.marks, m)
	}
}
