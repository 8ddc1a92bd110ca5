package security_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

// GW-06
func TestClientAddr(t *testing.T) {
	t.Parallel()
	proxies, err := security.ParseProxies([]string{"10.0.0.0/8", " fd00::/8", "192.0.2.7", ""})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		peer  string
		chain []string
		want  string
	}{
		"no chain":                               {"203.0.113.9:1234", nil, "203.0.113.9"},
		"an untrusted peer's chain is a lie":     {"203.0.113.9:1234", []string{"1.2.3.4"}, "203.0.113.9"},
		"a trusted peer's chain":                 {"10.1.2.3:80", []string{"203.0.113.9"}, "203.0.113.9"},
		"the client's own entries stand left":    {"10.1.2.3:80", []string{"1.1.1.1, 2.2.2.2, 203.0.113.9"}, "203.0.113.9"},
		"trusted hops are skipped":               {"10.1.2.3:80", []string{"1.1.1.1, 203.0.113.9, 10.9.9.9, 192.0.2.7"}, "203.0.113.9"},
		"several lines are one list":             {"10.1.2.3:80", []string{"1.1.1.1", "203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		"only trusted hops":                      {"10.1.2.3:80", []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		"malformed: not skipped to older ones":   {"10.1.2.3:80", []string{"1.1.1.1, garbage, 10.0.0.2"}, "10.0.0.2"},
		"malformed last":                         {"10.1.2.3:80", []string{"1.1.1.1, unknown"}, "10.1.2.3"},
		"an empty entry is malformed":            {"10.1.2.3:80", []string{"1.1.1.1,, 10.0.0.2"}, "10.0.0.2"},
		"empty line":                             {"10.1.2.3:80", []string{""}, "10.1.2.3"},
		"with ports":                             {"10.1.2.3:80", []string{"203.0.113.9:5555, [fd00::2]:80"}, "203.0.113.9"},
		"IPv6":                                   {"[fd00::1]:80", []string{"2001:db8::5"}, "2001:db8::5"},
		"IPv6 with a zone":                       {"[fe80::1%eth0]:80", nil, "fe80::1"},
		"mapped IPv4 is IPv4":                    {"[::ffff:203.0.113.9]:80", nil, "203.0.113.9"},
		"mapped proxies are trusted as IPv4":     {"[::ffff:10.1.2.3]:80", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"leading zeros are malformed, not octal": {"10.1.2.3:80", []string{"010.0.0.1"}, "10.1.2.3"},
		"no port in the peer":                    {"203.0.113.9", nil, "203.0.113.9"},
		"a peer without address":                 {"@", nil, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{"X-Forwarded-For": tc.chain}}
		if got := proxies.ClientAddr(r).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// A network written in IPv6's form of IPv4 is that IPv4 network.
func TestParseProxies_mappedNetworks(t *testing.T) {
	t.Parallel()
	proxies, err := security.ParseProxies([]string{"::ffff:10.0.0.0/104", "::ffff:192.0.2.7/128"})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{"10.1.2.3": true, "192.0.2.7": true, "192.0.2.8": false, "11.0.0.1": false} {
		if got := proxies.Trusts(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	if _, err := security.ParseProxies([]string{"::ffff:0.0.0.0/90"}); err == nil {
		t.Error("a network of more than the mapped addresses is accepted, and never matches")
	}
}

func TestClientAddr_readsABoundedChain(t *testing.T) {
	t.Parallel()
	proxies, err := security.ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{"X-Forwarded-For": {"1.1.1.1" + strings.Repeat(", 10.0.0.2", 5000)}}}
	if got := proxies.ClientAddr(r); got != netip.MustParseAddr("10.0.0.2") {
		t.Errorf("got %s", got)
	}
}

func TestParseProxies_namesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"10.0.0.0/33", "proxy", "10.0.0", "*"} {
		if _, err := security.ParseProxies([]string{entry}); err == nil || !strings.Contains(err.Error(), entry) {
			t.Errorf("%q: %v", entry, err)
		}
	}
}

// GW-07
func TestLimitKey_isOneSpellingPerClient(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{
		"::ffff:203.0.113.9":          "203.0.113.9",
		"2001:db8:1:2:3:4:5:6":        "2001:db8:1:2::1",
		"2001:db8:1:2:ffff:ffff::":    "2001:db8:1:2::",
		"2001:0db8:0001:0002:0:0:0:9": "2001:db8:1:2::9",
		"fe80::1%eth0":                "fe80::1",
	} {
		if x, y := security.LimitKey(netip.MustParseAddr(a)), security.LimitKey(netip.MustParseAddr(b)); x != y {
			t.Errorf("%s and %s have the keys %s and %s", a, b, x, y)
		}
	}
	if x, y := security.LimitKey(netip.MustParseAddr("2001:db8:1:2::1")), security.LimitKey(netip.MustParseAddr("2001:db8:1:3::1")); x == y {
		t.Error("two networks share a key")
	}
	if security.LimitKey(netip.Addr{}) != security.UnknownAddress {
		t.Error("no address, no shared key")
	}
}

// GW-06
func FuzzClientAddr(f *testing.F) {
	f.Add("1.1.1.1, 10.0.0.2", "10.0.0.1:80")
	f.Add("[::1]:80,,x", "[fd00::1]:1")
	proxies, err := security.ParseProxies([]string{"10.0.0.0/8", "fd00::/8"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, chain, peer string) {
		addr := proxies.ClientAddr(&http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {chain}}})
		if addr.Is4In6() || addr.Zone() != "" {
			t.Errorf("%q, %q: %s is not canonical", chain, peer, addr)
		}
		_ = security.LimitKey(addr)
	})
}
