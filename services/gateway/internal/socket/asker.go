//go:build unix

package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// ErrStale is what a connection gives that was used before and is not quiet any more.
var ErrStale = errors.New("the idle connection has ended")

// Asker is a TCP connection to a service. Its functions are made once: they run for
// each request.
type Asker struct {
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

// NewAsker makes an Asker of a TCP connection; nil of any other.
func NewAsker(conn net.Conn) *Asker {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	s := &Asker{raw: raw, conn: conn}
	s.looks = func(fd uintptr) bool {
		s.silent = peek(fd, s.one[:]) == syscall.EAGAIN
		return true
	}
	s.waits = func(fd uintptr) bool { return s.looks(fd) && !s.silent }
	s.asks = s.turn
	return s
}

// Quiet holds when neither bytes nor the end have come.
func (s *Asker) Quiet() bool {
	s.silent = false
	return s.raw.Read(s.looks) == nil && s.silent
}

// Wait returns when bytes or the end have come, or the connection is closed here.
func (s *Asker) Wait() { _ = s.raw.Read(s.waits) }

// Ask sends a head and reads once of what comes back; where the socket was used
// before and is not quiet any more, it sends nothing and gives ErrStale. The socket is
// waited upon from before that look, so that neither an answer nor an end is missed;
// net.Conn would look for the answer first, in vain, with a system call.
func (s *Asker) Ask(head, room []byte, used bool) (int, error) {
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
func (s *Asker) turn(fd uintptr) bool {
	if s.head != nil {
		if s.used && s.looks(fd) && !s.silent {
			s.err = ErrStale
			return true
		}
		s.err = s.send(fd)
		s.head = nil
		return s.err != nil
	}
	switch n, errno := read(fd, s.room); {
	case errno == syscall.EAGAIN:
		return false
	case errno != 0:
		s.err = os.NewSyscallError("read", errno)
	case n == 0:
		s.err = io.EOF
	default:
		s.n = n
	}
	return true
}

// send leaves to net.Conn what the first call did not take, and what failed.
func (s *Asker) send(fd uintptr) error {
	n, errno := write(fd, s.head)
	if errno != 0 {
		n = 0
	}
	if n == len(s.head) {
		return nil
	}
	_, err := s.conn.Write(s.head[n:])
	return err
}
