//go:build unix

package upstream

import "syscall"

// silent looks into a socket without taking anything out and without waiting.
func silent(raw syscall.RawConn) (quiet bool) {
	var one [1]byte
	err := raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN //nolint:errorlint // a system call's own number
		return true
	})
	return quiet && err == nil
}
