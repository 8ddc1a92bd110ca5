package security

// Occupy takes a turn until release is called, for tests of what others get.
func (h *Hasher) Occupy() (release func()) {
	h.turns <- struct{}{}
	return func() { <-h.turns }
}
