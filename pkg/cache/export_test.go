package cache

// KnownReplicas is by how many processes the meter thinks its limits are shared.
func (m *Meter) KnownReplicas() int { return int(m.replicas.Load()) }
