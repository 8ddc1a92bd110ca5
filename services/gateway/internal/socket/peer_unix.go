//go:build unix && !linux

package socket

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Peer does not see the other end's end behind bytes that nobody has read yet.
func (c *Conn) Peer() Peer {
	peer := Gone
	_ = c.raw.Control(func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch errno := number(err); {
		case errno == 0 && n == 0:
			peer = Full
			is := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}} //nolint:gosec // a descriptor is an int
			if _, err := unix.Poll(is, 0); err == nil && is[0].Revents&unix.POLLOUT != 0 {
				peer = Ended
			}
		case errno == 0, errno == syscall.EAGAIN, errno == syscall.EINTR:
			peer = Here
		}
	})
	return peer
}
