package socket

import "golang.org/x/sys/unix"

// Peer sees the other end's end also behind bytes that nobody has read yet.
func (c *Conn) Peer() Peer {
	peer := Gone
	_ = c.raw.Control(func(fd uintptr) {
		is := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP | unix.POLLOUT}} //nolint:gosec // a descriptor is an int
		switch _, err := unix.Poll(is, 0); {
		case err != nil:
			peer = Here // interrupted: the next look tells
		case is[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0:
		case is[0].Revents&unix.POLLRDHUP == 0:
			peer = Here
		case is[0].Revents&unix.POLLOUT == 0:
			peer = Full
		default:
			peer = Ended
		}
	})
	return peer
}
