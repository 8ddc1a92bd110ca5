//go:build unix

package upstream

import "syscall"

// peeker looks into a socket without taking anything out. Its functions are made
// once: quiet runs for each request.
type peeker struct {
	raw    syscall.RawConn
	look   func(fd uintptr) bool
	waits  func(fd uintptr) bool
	one    [1]byte
	silent bool
}

func newPeeker(raw syscall.RawConn) *peeker {
	p := &peeker{raw: raw}
	p.look = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), p.one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		p.silent = err == syscall.EAGAIN //nolint:errorlint // a system call's own number
		return true
	}
	p.waits = func(fd uintptr) bool { return p.look(fd) && !p.silent }
	return p
}

// quiet holds when neither bytes nor the end have come.
func (p *peeker) quiet() bool {
	p.silent = false
	return p.raw.Read(p.look) == nil && p.silent
}

// wait returns when bytes or the end have come, or the connection is closed here.
func (p *peeker) wait() { _ = p.raw.Read(p.waits) }
