//go:build !unix

package upstream

import (
	"errors"
	"net"
	"syscall"
)

// socket cannot be looked into here: no connection is used twice.
type socket struct{}

func newSocket(net.Conn, syscall.RawConn) *socket { return nil }

func (*socket) quiet() bool { return false }

func (*socket) wait() {}

func (*socket) ask([]byte, []byte, bool) (int, error) { return 0, errors.ErrUnsupported }
