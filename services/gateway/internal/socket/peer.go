package socket

// Peer is what has become of the other end of a connection.
type Peer int

// What may become of it.
const (
	Here  Peer = iota
	Ended      // it sends nothing more, and may yet receive
	Full       // the same, and what was sent to it fills all room: a write would wait
	Gone
)
