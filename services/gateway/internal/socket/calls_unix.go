//go:build unix && (!linux || race)

package socket

import (
	"errors"
	"syscall"
)

// The race detector has to see what goes through a socket: it orders what was done
// before and after. Elsewhere than on Linux programs leave system calls to the C library.

func read(fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, err := syscall.Read(int(fd), p)
		if errno := number(err); errno != syscall.EINTR {
			return n, errno
		}
	}
}

func write(fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, err := syscall.Write(int(fd), p)
		if errno := number(err); errno != syscall.EINTR {
			return n, errno
		}
	}
}

func peek(fd uintptr, p []byte) syscall.Errno {
	_, _, err := syscall.Recvfrom(int(fd), p, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	return number(err)
}

func number(err error) syscall.Errno {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		return syscall.EIO
	}
	return errno
}
