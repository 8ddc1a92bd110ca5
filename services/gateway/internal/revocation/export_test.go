package revocation

// Limit makes a set that keeps fewer entries, for tests. It returns the set.
func (s *Set) Limit(entries int) *Set {
	s.limit = entries
	return s
}

// Watched is how many sessions are watched at most.
const Watched = maxWatches
