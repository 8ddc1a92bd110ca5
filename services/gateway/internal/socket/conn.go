//go:build unix

package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is a TCP connection whose deadlines reach the runtime only when a read or a
// write waits; a server sets some for each request, and most are never waited for.
type Conn struct {
	*net.TCPConn
	raw     syscall.RawConn
	in, out half
}

// New makes a Conn of a TCP connection, and gives any other as it is.
func New(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	s := &Conn{TCPConn: tcp, raw: raw}
	s.in.turn, s.out.turn = s.in.read, s.out.write
	s.in.tcp, s.out.tcp, s.out.writes = tcp, tcp, true
	return s
}

// Read is net.Conn's.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.in.run(c.raw, p)
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, c.named("read", err)
}

// Write is net.Conn's.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.run(c.raw, p)
	return n, c.named("write", err)
}

// ReadFrom is io.Copy's, which must not go around Write.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{c}, r) }

// WriteTo is io.Copy's, which must not go around Read.
func (c *Conn) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{c}) }

// SetReadDeadline is net.Conn's.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.in.setDeadline(t) }

// SetWriteDeadline is net.Conn's.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.out.setDeadline(t) }

// SetDeadline is net.Conn's.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// named gives an error the form that those of package net have.
func (c *Conn) named(op string, err error) error {
	if err == nil {
		return nil
	}
	var raw *net.OpError
	if errors.As(err, &raw) {
		err = raw.Err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// half is one direction of a connection.
type half struct {
	tcp    *net.TCPConn
	writes bool
	turn   func(fd uintptr) bool // does what can be done at once; holds when all is done

	one sync.Mutex // one run at a time
	p   []byte
	n   int
	err error

	mu       sync.Mutex
	deadline time.Time // as it was set
	applied  time.Time // as the runtime has it
	waits    bool
}

// run reads into p or writes it, and waits between the turns.
func (h *half) run(raw syscall.RawConn, p []byte) (int, error) {
	h.one.Lock()
	defer h.one.Unlock()
	if err := h.begin(); err != nil {
		return 0, err
	}
	h.p, h.n, h.err = p, 0, nil
	var err error
	if h.writes {
		err = raw.Write(h.turn)
	} else {
		err = raw.Read(h.turn)
	}
	h.p = nil
	h.end()
	if h.err != nil {
		err = h.err
	}
	return h.n, err
}

func (h *half) read(fd uintptr) bool {
	switch n, errno := read(fd, h.p); errno {
	case 0:
		h.n = n
	case syscall.EAGAIN:
		return !h.wait()
	default:
		h.err = os.NewSyscallError("read", errno)
	}
	return true
}

func (h *half) write(fd uintptr) bool {
	for h.n < len(h.p) {
		switch n, errno := write(fd, h.p[h.n:]); errno {
		case 0:
			h.n += n
		case syscall.EAGAIN:
			return !h.wait()
		default:
			h.err = os.NewSyscallError("write", errno)
			return true
		}
	}
	return true
}

// begin makes the runtime refuse what comes after its deadline, and not what comes
// after one that was changed since.
func (h *half) begin() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deadline.Equal(h.applied) {
		return nil
	}
	if now := time.Now(); over(h.deadline, now) || over(h.applied, now) {
		return h.apply()
	}
	return nil
}

func over(deadline, now time.Time) bool { return !deadline.IsZero() && !deadline.After(now) }

// wait holds when there is to be waited, until the deadline.
func (h *half) wait() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits = true
	h.err = h.apply()
	return h.err == nil
}

func (h *half) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits = false
}

func (h *half) setDeadline(t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deadline = t
	if h.waits {
		return h.apply()
	}
	return nil
}

func (h *half) apply() error {
	if h.deadline.Equal(h.applied) {
		return nil
	}
	h.applied = h.deadline
	if h.writes {
		return h.tcp.SetWriteDeadline(h.deadline)
	}
	return h.tcp.SetReadDeadline(h.deadline)
}
