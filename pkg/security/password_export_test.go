package security

// Occupy takes a turn until release is called, for tests of what others get.
func (h *Hasher) Occupy() (release func()) {
	h.turns <- struct{}{}
	return func() { <-h.turns }
}

// Turns tells how many hashes may run at a time.
func (h *Hasher) Turns() int { return cap(h.turns) }
