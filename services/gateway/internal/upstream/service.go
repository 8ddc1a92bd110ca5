package upstream

import (
	"net"
	"net/http"
	"net/url"
	"time"
)

// Options bound what one service may take of the gateway.
type Options struct {
	MaxInFlight int // requests at once; 0: 1024
}

// Service is one upstream, shared by the classes that go there.
type Service struct {
	name      string
	target    *url.URL
	transport *http.Transport
}

// NewService prepares the way to the service at target, whose scheme and host count.
func NewService(name string, target *url.URL, _ Options) *Service {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &Service{name: name, target: target, transport: &http.Transport{
		DialContext:            dialer.DialContext,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        idleConnection,
		MaxIdleConns:           2 * idleConnections,
		MaxIdleConnsPerHost:    idleConnections,
		MaxResponseHeaderBytes: maxAnswerHeader,
		DisableCompression:     true, // bytes pass as they are
		ReadBufferSize:         copyBuffer,
		WriteBufferSize:        copyBuffer,
	}}
}

// Close ends the connections that are idle.
func (s *Service) Close() { s.transport.CloseIdleConnections() }

// State is a service as seen from here.
type State struct {
	Name           string
	Open           bool // the circuit: requests are refused at once
	InFlight, Idle int
}

// State tells how the service is doing.
func (s *Service) State() State { return State{Name: s.name} }
