package cache

// KnownReplicas is by how many processes the meter thinks its limits are shared.
func (m *Meter) KnownReplicas() int { return int(m.replicas.Load()) }

// Listening tells whether the ends of sessions are heard.
func (s *Sessions[T]) Listening() bool { return s.near.listening.Load() }

// Losses grows whenever everything in memory was forgotten.
func (s *Sessions[T]) Losses() uint64 {
	shard := &s.near.shards[5]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.epoch
}
