//go:build unix

package upstream

import (
	"io"
	"net"
	"os"
	"syscall"
)

// socket is a connection without what net.Conn does beyond system calls. Its
// functions are made once: they run for each request.
type socket struct {
	raw    syscall.RawConn
	looks  func(fd uintptr) bool
	waits  func(fd uintptr) bool
	asks   func(fd uintptr) bool
	one    [1]byte
	silent bool
	used   bool // look before the head is sent

	conn net.Conn
	head []byte // still to be sent
	room []byte // for what comes back
	n    int
	err  error
}

func newSocket(conn net.Conn, raw syscall.RawConn) *socket {
	s := &socket{raw: raw, conn: conn}
	s.looks = func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), s.one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		s.silent = err == syscall.EAGAIN //nolint:errorlint // a system call's own number
		return true
	}
	s.waits = func(fd uintptr) bool { return s.looks(fd) && !s.silent }
	s.asks = s.turn
	return s
}

// quiet holds when neither bytes nor the end have come.
func (s *socket) quiet() bool {
	s.silent = false
	return s.raw.Read(s.looks) == nil && s.silent
}

// wait returns when bytes or the end have come, or the connection is closed here.
func (s *socket) wait() { _ = s.raw.Read(s.waits) }

// ask sends a head and reads once of what comes back; where the socket was used
// before and is not quiet any more, it sends nothing and gives errStale. The socket is
// waited upon from before that look, so that neither an answer nor an end is missed;
// net.Conn would look for the answer first, in vain, with a system call.
func (s *socket) ask(head, room []byte, used bool) (int, error) {
	s.head, s.room, s.used, s.n, s.err = head, room, used, 0, nil
	err := s.raw.Read(s.asks)
	s.head, s.room = nil, nil
	if s.err != nil {
		err = s.err
	}
	return s.n, err
}

// turn sends when it is called first, and reads when it is called again because
// something has come. It holds when there is nothing more to wait for.
func (s *socket) turn(fd uintptr) bool {
	if s.head != nil {
		if s.used && s.looks(fd) && !s.silent {
			s.err = errStale
			return true
		}
		_, s.err = s.conn.Write(s.head)
		s.head = nil
		return s.err != nil
	}
	n, err := syscall.Read(int(fd), s.room)
	for err == syscall.EINTR { //nolint:errorlint // a system call's own number
		n, err = syscall.Read(int(fd), s.room)
	}
	switch {
	case err == syscall.EAGAIN: //nolint:errorlint // the same
		return false
	case err != nil:
		s.err = os.NewSyscallError("read", err)
	case n == 0:
		s.err = io.EOF
	default:
		s.n = n
	}
	return true
}
