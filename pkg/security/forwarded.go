package security

import (
	"net/netip"
	"strings"
)

// walkForwarded follows Forwarded (RFC 7239) from its right end. A line that cannot
// be read ends the walk as a whole: a quote that is never closed could have taken
// the next proxy's words into its own.
func (p Proxies) walkForwarded(client netip.Addr, lines []string) netip.Addr {
	for i, hops := len(lines)-1, 0; i >= 0; i-- {
		nodes, ok := parseForwarded(lines[i])
		if !ok {
			return client
		}
		for j := len(nodes) - 1; j >= 0; j-- {
			if hops++; !p.Trusts(client) || hops > maxHops || !nodes[j].IsValid() {
				return client
			}
			client = nodes[j]
		}
	}
	return client
}

// parseForwarded gives the "for" of each element of a line; the zero Addr where it
// is missing, unknown or hidden.
func parseForwarded(line string) (nodes []netip.Addr, ok bool) {
	for {
		var node netip.Addr
		if node, line, ok = cutElement(line); !ok {
			return nil, false
		}
		nodes = append(nodes, node)
		if line == "" {
			return nodes, true
		}
		line = line[1:] // the comma
	}
}

// cutElement reads pairs up to the next comma or the end. No name may come twice.
func cutElement(s string) (node netip.Addr, rest string, ok bool) {
	var seen [4]string
	names := seen[:0]
	for {
		s = strings.TrimLeft(s, " \t")
		end := strings.IndexByte(s, '=')
		if end <= 0 || !isToken(s[:end]) {
			return netip.Addr{}, "", false
		}
		name := strings.ToLower(s[:end])
		for _, earlier := range names {
			if earlier == name {
				return netip.Addr{}, "", false
			}
		}
		names = append(names, name)
		var value string
		if value, s, ok = cutValue(s[end+1:]); !ok {
			return netip.Addr{}, "", false
		}
		if name == "for" {
			node = parseNode(value)
		}
		s = strings.TrimLeft(s, " \t")
		switch {
		case s == "" || s[0] == ',':
			return node, s, true
		case s[0] != ';':
			return netip.Addr{}, "", false
		}
		s = s[1:]
	}
}

// cutValue reads a token or a quoted string (RFC 9110 §5.6.4).
func cutValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, ";, \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], isToken(s[:end]) || parseNode(s[:end]).IsValid() // "1.2.3.4:80", which many forget to quote
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// parseNode reads "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80",
// with a port that may be hidden ("_p"). Anything else names nobody.
func parseNode(s string) netip.Addr {
	host := s
	if end := strings.LastIndexByte(s, ':'); end > strings.LastIndexByte(s, ']') {
		if host = s[:end]; !isToken(s[end+1:]) {
			return netip.Addr{}
		}
	}
	bracketed := len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']'
	if bracketed {
		host = host[1 : len(host)-1]
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" || addr.Is6() != bracketed {
		return netip.Addr{}
	}
	return addr.Unmap()
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
