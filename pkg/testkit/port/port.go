// Package port chooses local TCP ports and names the program that holds one.
package port

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// Ports are taken from below the range that kernels use for outgoing connections, so that a server which is stopped
// for a while in a fault test still finds its port free when it comes back.
const (
	low  = 20000
	high = 32000
)

// Free returns a loopback port on which nobody listens.
func Free() (int, error) {
	var last error
	for range 100 {
		p := low + rand.IntN(high-low)
		if last = Check(p); last == nil {
			return p, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d: %w", low, high, last)
}

// Check returns nil when a server could listen on the loopback port now.
func Check(port int) error {
	l, err := net.Listen("tcp", Addr(port))
	if err != nil {
		return err
	}
	return l.Close()
}

// Addr is the loopback address of a port.
func Addr(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// Wait returns when somebody accepts connections on addr, or the context's error.
func Wait(ctx context.Context, addr string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody answers on %s: %w", addr, ctx.Err())
		case <-tick.C:
		}
	}
}

// Holder describes who listens on the port, such as "redis-server (pid 812)", as far as the system tells.
func Holder(port int) string {
	if h := holder(port); h != "" {
		return h
	}
	return "another program (its owner is not visible to this user)"
}
