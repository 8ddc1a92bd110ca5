package upstream

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Options bound what one service may take of the gateway.
type Options struct {
	MaxInFlight int         // requests at once, streams too; 0: 2048
	TLS         *tls.Config // for an https target; nil: the system's certificates
}

const (
	// defaultInFlight is half of the connections that 128 MiB hold: who only admits
	// what a service can do is not here but in package overload.
	defaultInFlight = 2048
	// tick is how late the watch may be with a time limit or a client that left. No
	// exchange has a timer of its own.
	tick = 50 * time.Millisecond
)

// Service is one upstream, shared by the classes that go there.
type Service struct {
	name    string
	host    string // for the Host line
	address string
	tls     *tls.Config
	dialer  net.Dialer
	most    int64

	inFlight atomic.Int64
	circuit  circuit
	budget   budget

	retired atomic.Int64 // when the idle connections were last given up

	mu       sync.Mutex
	idle     []*conn // the last one used is taken first
	all      map[*conn]struct{}
	watching bool
	closed   bool
}

// NewService prepares the way to the service at target, whose scheme and host count.
func NewService(name string, target *url.URL, o Options) *Service {
	s := &Service{
		name: name, host: target.Host, address: target.Host, most: int64(o.MaxInFlight), all: map[*conn]struct{}{},
		dialer: net.Dialer{KeepAlive: 30 * time.Second},
	}
	if s.most == 0 {
		s.most = defaultInFlight
	}
	port := "80"
	if target.Scheme == "https" {
		port = "443"
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if o.TLS != nil {
			s.tls = o.TLS.Clone()
		}
		s.tls.NextProtos = []string{"http/1.1"}
		if s.tls.ServerName == "" {
			s.tls.ServerName = target.Hostname()
		}
	}
	if target.Port() == "" {
		s.address = net.JoinHostPort(target.Hostname(), port)
	}
	return s
}

// Close ends the idle connections; those in use end with their exchange.
func (s *Service) Close() {
	s.mu.Lock()
	idle := s.idle
	s.idle, s.closed = nil, true
	s.mu.Unlock()
	for _, c := range idle {
		s.drop(c)
	}
}

// State is a service as seen from here.
type State struct {
	Name           string
	Open           bool // the circuit: requests are refused at once
	InFlight, Idle int
}

// State tells how the service is doing.
func (s *Service) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{Name: s.name, Open: s.circuit.open(), InFlight: int(s.inFlight.Load()), Idle: len(s.idle)}
}

// take gives a connection that is fit for use; fresh: a new one. Where the request has
// no body the connection may look itself; see conn.asks.
func (s *Service) take(ctx context.Context, fresh, body bool) (*conn, error) {
	for !fresh {
		s.mu.Lock()
		n := len(s.idle) - 1
		if n < 0 {
			s.mu.Unlock()
			break
		}
		c := s.idle[n]
		s.idle[n] = nil
		s.idle = s.idle[:n]
		s.mu.Unlock()
		if !body && c.asks() || c.quiet() {
			return c, nil
		}
		s.drop(c)
	}
	return s.dial(ctx)
}

// put gives a connection back; whole says that its answer was read to its end and
// that the request was sent to its.
func (s *Service) put(c *conn, whole bool) {
	fit := c.release() && whole && c.in.buffered() == 0
	if c.answer.last {
		s.retire(clock(time.Now()))
	}
	if fit {
		c.in.rest()
		c.used, c.since = true, clock(time.Now())
		s.mu.Lock()
		if !s.closed && len(s.idle) < idleConnections {
			s.idle = append(s.idle, c)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
	s.drop(c)
}

// retireEvery keeps a service that ends every connection from costing the others theirs.
const retireEvery = int64(time.Second)

// retire gives up the idle connections once a service has ended one: it is about to
// stop, and a request that cannot be repeated must not meet the end on another.
func (s *Service) retire(now int64) {
	last := s.retired.Load()
	if last != 0 && now-last < retireEvery || !s.retired.CompareAndSwap(last, now) {
		return
	}
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		s.drop(c)
	}
}

func (s *Service) drop(c *conn) {
	_ = c.net.Close()
	c.in.rest()
	s.mu.Lock()
	delete(s.all, c)
	s.mu.Unlock()
}

// watchOver adds a connection to those that are watched. The watch runs while
// there are any.
func (s *Service) watchOver(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[c] = struct{}{}
	if !s.watching {
		s.watching = true
		go s.watch()
	}
}

func (s *Service) watch() {
	beat := time.NewTicker(tick)
	defer beat.Stop()
	var conns []*conn
	for now := range beat.C {
		conns = conns[:0]
		s.mu.Lock()
		for c := range s.all {
			conns = append(conns, c)
		}
		s.watching = len(conns) > 0
		s.mu.Unlock()
		if len(conns) == 0 {
			return
		}
		at := clock(now)
		for _, c := range conns {
			c.check(at)
		}
		clear(conns)
		s.dropOld(at)
	}
}

// dropOld ends connections that have been idle for long: the oldest are in front.
func (s *Service) dropOld(now int64) {
	s.mu.Lock()
	n := 0
	for n < len(s.idle) && now-s.idle[n].since > int64(idleConnection) {
		n++
	}
	old := append([]*conn(nil), s.idle[:n]...)
	s.idle = append(s.idle[:0], s.idle[n:]...)
	s.mu.Unlock()
	for _, c := range old {
		s.drop(c)
	}
}
