package security

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// UnknownAddress is the limit key shared by all whose address cannot be told.
const UnknownAddress = "unknown"

// maxHops bounds the forwarding chain that is read; longer ones are cut at the
// oldest end, which the client could have written itself.
const maxHops = 32

// Proxies are the networks whose X-Forwarded-For and Forwarded are believed, or
// the headers that they are known to write.
type Proxies struct {
	trusted []netip.Prefix
	headers []string // canonical; none: the two
}

// Reading is p with the headers that p's proxies write in the place of
// X-Forwarded-For and Forwarded. The error says which is no name of a header.
func (p Proxies) Reading(headers []string) (Proxies, error) {
	p.headers = nil
	for _, name := range headers {
		if name = strings.TrimSpace(name); !isToken(name) {
			return Proxies{}, fmt.Errorf("%q is no name of a header", name)
		}
		p.headers = append(p.headers, http.CanonicalHeaderKey(name))
	}
	return p, nil
}

// ParseProxies reads addresses and networks ("10.0.0.0/8", "::1"). The error
// names the entry that is neither.
func ParseProxies(list []string) (Proxies, error) {
	var p Proxies
	for _, entry := range list {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(entry)
		if err != nil {
			addr, err := netip.ParseAddr(entry)
			if err != nil {
				return Proxies{}, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", entry)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix, err = unmapped(prefix); err != nil {
			return Proxies{}, fmt.Errorf("%q: %w", entry, err)
		}
		p.trusted = append(p.trusted, prefix)
	}
	return p, nil
}

// unmapped is the network in the form in which addresses are compared: one of
// IPv4-mapped addresses is one of IPv4.
func unmapped(prefix netip.Prefix) (netip.Prefix, error) {
	const mapped = 96 // bits in front of the IPv4 address
	if !prefix.Addr().Is4In6() {
		return prefix.Masked(), nil
	}
	return prefix.Addr().Unmap().Prefix(prefix.Bits() - mapped)
}

// chained are the headers to which a proxy adds a client's address, behind what the
// client itself wrote there.
var chained = []string{"X-Forwarded-For", "Forwarded"}

// TrustEverybody holds where every address is a proxy and a header of theirs is a
// chain: the client is then its oldest end, which anybody can write.
func (p Proxies) TrustEverybody() bool {
	chains := len(p.headers) == 0 || slices.ContainsFunc(p.headers, func(name string) bool { return slices.Contains(chained, name) })
	return chains && slices.ContainsFunc(p.trusted, func(prefix netip.Prefix) bool { return prefix.Bits() == 0 })
}

// Trusts tells whether this address is one of ours.
func (p Proxies) Trusts(addr netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// ClientAddr is the address that a request counts for: the direct peer, or, when
// that is a trusted proxy, the right-most entry of the chain that is none. A
// malformed entry ends the walk: what lies behind it was not written by a proxy
// of ours. The zero Addr when even the peer is unknown.
//
// A proxy writes X-Forwarded-For or Forwarded, and passes on what its client wrote
// under the other name: where both are there and differ, neither is believed.
func (p Proxies) ClientAddr(r *http.Request) netip.Addr {
	peer := parseHop(r.RemoteAddr)
	if len(p.trusted) == 0 || !p.Trusts(peer) {
		return peer
	}
	if len(p.headers) > 0 {
		return p.told(peer, r.Header)
	}
	chain, told := r.Header["X-Forwarded-For"], r.Header["Forwarded"]
	if len(told) == 0 {
		return p.walk(peer, chain)
	}
	client := p.walkForwarded(peer, told)
	if len(chain) > 0 && p.walk(peer, chain) != client {
		return peer
	}
	return client
}

// told gives what the first header with an address in it says; the peer where none
// has one.
func (p Proxies) told(peer netip.Addr, header http.Header) netip.Addr {
	for _, name := range p.headers {
		walk := p.walk
		if name == "Forwarded" {
			walk = p.walkForwarded
		}
		if client := walk(peer, header[name]); client != peer {
			return client
		}
	}
	return peer
}

// walk follows X-Forwarded-For from its right end.
func (p Proxies) walk(client netip.Addr, chain []string) netip.Addr {
	for i, hops := len(chain)-1, 0; i >= 0; i-- {
		for rest, more := chain[i], true; more; hops++ {
			if !client.IsValid() || !p.Trusts(client) || hops == maxHops {
				return client
			}
			var entry string
			entry, rest, more = cutLast(rest)
			next := parseHop(strings.Trim(entry, " \t"))
			if !next.IsValid() {
				return client
			}
			client = next
		}
	}
	return client
}

// cutLast splits off what follows the last comma.
func cutLast(list string) (last, before string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return list, "", false
	}
	return list[i+1:], list[:i], true
}

// parseHop reads "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
func parseHop(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		s = s[1 : len(s)-1]
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// LimitKey is the one spelling under which an address is counted: IPv4 whole,
// IPv6 by its /64 (one customer's network), IPv4-mapped as IPv4.
func LimitKey(addr netip.Addr) string {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid():
		return UnknownAddress
	case addr.Is4():
		return addr.String()
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return UnknownAddress
	}
	return prefix.String()
}
