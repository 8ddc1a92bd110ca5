//go:build unix

package upstream

import "syscall"

// peeker looks into a socket without taking anything out and without waiting. Its
// function is made once: quiet runs for each request.
type peeker struct {
	raw    syscall.RawConn
	look   func(fd uintptr) bool
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
	return p
}

// quiet holds when neither bytes nor the end have come.
func (p *peeker) quiet() bool {
	p.silent = false
	return p.raw.Read(p.look) == nil && p.silent
}
