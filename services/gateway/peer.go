package main

import (
	"context"
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/codex-platform/codex/pkg/security"
)

// peer is an address that requests come from, and what was made of it once.
type peer struct {
	addr      netip.Addr
	text      string // as logs and services see it
	forwarded string // the Forwarded line (RFC 7239)
	key       string // in limits
}

func (g *gate) newPeer(addr netip.Addr) *peer {
	p := &peer{addr: addr, text: addr.String(), key: security.LimitKey(addr)}
	node := p.text
	switch {
	case !addr.IsValid():
		node = "unknown"
	case addr.Is6():
		node = `"[` + p.text + `]"`
	}
	p.forwarded = "for=" + node + g.forwarded
	return p
}

const peersKept = 4096

// peers remembers addresses. Where two share a place the later one takes it, which
// costs the other a little work and never a limit: buckets are the meter's.
type peers struct {
	seed  maphash.Seed
	slots [peersKept]atomic.Pointer[peer]
}

func (t *peers) slot(addr netip.Addr) *atomic.Pointer[peer] {
	return &t.slots[maphash.Comparable(t.seed, addr)%peersKept]
}

func (g *gate) peerOf(addr netip.Addr) *peer {
	slot := g.peers.slot(addr)
	if p := slot.Load(); p != nil && p.addr == addr {
		return p
	}
	p := g.newPeer(addr)
	slot.Store(p)
	return p
}

type peerKey struct{}

// connected notes once for a connection where it comes from.
func (g *gate) connected(ctx context.Context, c net.Conn) context.Context {
	direct := g.proxies.ClientAddr(&http.Request{RemoteAddr: c.RemoteAddr().String()})
	return context.WithValue(ctx, peerKey{}, g.peerOf(direct))
}

// peer is where a request comes from: the other end of the connection, or whom a
// trusted proxy there speaks for.
func (g *gate) peer(r *http.Request) *peer {
	if p, ok := r.Context().Value(peerKey{}).(*peer); ok && !g.proxies.Trusts(p.addr) {
		return p
	}
	return g.peerOf(g.proxies.ClientAddr(r))
}
