package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/codex-platform/codex/pkg/security"
)

// connections are those of the public listener: how many, from where, and which of
// them wait for a request.
type connections struct {
	most    int // at once
	share   int // of these, from one address
	proxies security.Proxies

	mu    sync.Mutex
	all   map[net.Conn]*connection
	from  map[string]int
	quiet connection // head of the ring of those that wait, the longest waiting first
}

// connection is one of them.
type connection struct {
	net        net.Conn
	from       string
	used       bool
	prev, next *connection // in the ring while it waits
}

// boundConnections makes the server keep to so many connections, half of them from
// one address at most, but for proxies. Where one too many comes, the one that has
// waited longest without a request goes; where all are busy, the new one.
func boundConnections(server *http.Server, most int, proxies security.Proxies) {
	c := &connections{most: most, share: max(1, most/2), proxies: proxies, all: map[net.Conn]*connection{}, from: map[string]int{}}
	c.quiet.prev, c.quiet.next = &c.quiet, &c.quiet
	server.ConnState = c.note
	server.RegisterOnShutdown(c.closeUnused)
}

func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.add(conn)
		return
	}
	one := c.all[conn]
	if one == nil {
		return
	}
	one.leaveRing()
	switch state {
	case http.StateActive:
		one.used = true
	case http.StateIdle:
		c.wait(one)
	default:
		delete(c.all, conn)
		if c.from[one.from]--; c.from[one.from] == 0 {
			delete(c.from, one.from)
		}
	}
}

func (c *connections) add(conn net.Conn) {
	one := &connection{net: conn, from: c.origin(conn)}
	c.all[conn] = one
	c.from[one.from]++
	switch longest := c.quiet.next; {
	case one.from != "" && c.from[one.from] > c.share:
		shut(conn)
	case len(c.all) <= c.most:
	case longest == &c.quiet:
		shut(conn)
	default:
		longest.leaveRing()
		shut(longest.net)
	}
	c.wait(one)
}

// wait puts a connection at the end of the ring.
func (c *connections) wait(one *connection) {
	one.prev, one.next = c.quiet.prev, &c.quiet
	one.prev.next, one.next.prev = one, one
}

func (one *connection) leaveRing() {
	if one.next != nil {
		one.prev.next, one.next.prev = one.next, one.prev
		one.prev, one.next = nil, nil
	}
}

// origin is the address that a connection counts for; empty for a proxy, behind
// which are many.
func (c *connections) origin(conn net.Conn) string {
	addr, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil || c.proxies.Trusts(addr.Addr().Unmap()) {
		return ""
	}
	return security.LimitKey(addr.Addr().Unmap())
}

// shut ends a connection without waiting for anybody; its goroutine sees the end.
func shut(conn net.Conn) {
	if outer, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn says goodbye first
		conn = outer.NetConn()
	}
	conn.Close()
}

// closeUnused ends connections on which no request has come yet. Browsers and
// clients open some ahead of need; net/http's Shutdown waits five seconds for each.
func (c *connections) closeUnused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := c.quiet.next; one != &c.quiet; one = one.next {
		if !one.used {
			shut(one.net)
		}
	}
}
