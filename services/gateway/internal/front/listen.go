package front

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/socket"
)

const (
	handshakeLimit = 5 * time.Second
	// mostHandshakes bounds the connections that are not yet the server's to count;
	// where one more comes, the one that has taken longest goes.
	mostHandshakes = 4096
)

// Listen gives the connections of l to a server that is Attached. With a config
// they have TLS, and the handshake is done when the server gets them: only then it
// is known which of them speak HTTP/1. Those with HTTP/2 are handed on as they are.
func Listen(l net.Listener, config *tls.Config, refuse Refuse) net.Listener {
	if config == nil {
		return &plain{l, refuse}
	}
	s := &secure{
		Listener: l, config: config, refuse: refuse, shaking: list.New(),
		ready: make(chan net.Conn), failed: make(chan error), done: make(chan struct{}),
	}
	go s.run()
	return s
}

type plain struct {
	net.Listener
	refuse Refuse
}

func (p *plain) Accept() (net.Conn, error) {
	c, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: socket.New(c), refuse: p.refuse}, nil
}

type secure struct {
	net.Listener
	config *tls.Config
	refuse Refuse
	ready  chan net.Conn
	failed chan error
	done   chan struct{}
	ended  sync.Once

	mu      sync.Mutex
	shaking *list.List // of net.Conn, the oldest first
}

func (s *secure) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case err := <-s.failed:
		return nil, err
	case <-s.done:
		return nil, net.ErrClosed
	}
}

func (s *secure) Close() error {
	s.ended.Do(func() { close(s.done) })
	err := s.Listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.shaking.Front(); e != nil; e = e.Next() {
		closeOf(e)
	}
	return err
}

func closeOf(e *list.Element) {
	if c, ok := e.Value.(net.Conn); ok {
		_ = c.Close()
	}
}

// run hands errors to the server, which knows which of them to wait out.
func (s *secure) run() {
	for {
		c, err := s.Listener.Accept()
		if err == nil {
			go s.shake(c, s.enter(c))
			continue
		}
		select {
		case s.failed <- err:
		case <-s.done:
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

func (s *secure) enter(c net.Conn) *list.Element {
	s.mu.Lock()
	defer s.mu.Unlock()
	if oldest := s.shaking.Front(); s.shaking.Len() >= mostHandshakes {
		closeOf(oldest)
		s.shaking.Remove(oldest)
	}
	return s.shaking.PushBack(c)
}

func (s *secure) leave(e *list.Element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shaking.Remove(e)
}

func (s *secure) shake(raw net.Conn, at *list.Element) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
	defer cancel()
	c := tls.Server(socket.New(raw), s.config)
	err := c.HandshakeContext(ctx)
	s.leave(at)
	if err != nil {
		s.reject(raw, err)
		return
	}
	var out net.Conn = c
	if state := c.ConnectionState(); state.NegotiatedProtocol != "h2" {
		out = &secured{conn: conn{Conn: c, refuse: s.refuse}, state: state}
	}
	select {
	case s.ready <- out:
	case <-s.done:
		_ = raw.Close()
	}
}

// reject closes a connection without TLS. Whoever spoke HTTP is told so.
func (s *secure) reject(raw net.Conn, err error) {
	var odd tls.RecordHeaderError
	if errors.As(err, &odd) && odd.Conn != nil && speaksHTTP(odd.RecordHeader) {
		c := &conn{Conn: raw, refuse: s.refuse}
		_ = c.answer(http.StatusBadRequest, false)
		_ = c.Close()
		return
	}
	_ = raw.Close()
}

// speaksHTTP reads what came in the place of a record's head, as net/http does.
func speaksHTTP(head [5]byte) bool {
	switch string(head[:]) {
	case http.MethodGet + " /", http.MethodHead + " ", http.MethodPost + " ", http.MethodPut + " /", "OPTIO":
		return true
	}
	return false
}
