package security_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

func trusting(t testing.TB) security.Proxies {
	t.Helper()
	proxies, err := security.ParseProxies([]string{"10.0.0.0/8", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	return proxies
}

// GW-06: Forwarded (RFC 7239) is read as X-Forwarded-For is: from the right, as far
// as our own proxies wrote it.
func TestClientAddr_readsForwarded(t *testing.T) {
	t.Parallel()
	proxies := trusting(t)
	for name, tc := range map[string]struct {
		peer  string
		lines []string
		chain []string
		want  string
	}{
		"an untrusted peer's word":            {"203.0.113.9:1", []string{"for=1.2.3.4"}, nil, "203.0.113.9"},
		"a trusted peer's":                    {"10.0.0.1:1", []string{"for=203.0.113.9"}, nil, "203.0.113.9"},
		"all pairs":                           {"10.0.0.1:1", []string{`by=10.0.0.1; for=203.0.113.9;host="a,b;c=\"d";proto=https`}, nil, "203.0.113.9"},
		"the name in capitals":                {"10.0.0.1:1", []string{"FOR=203.0.113.9"}, nil, "203.0.113.9"},
		"quoted IPv6 with a port":             {"10.0.0.1:1", []string{`for="[2001:db8::5]:4711"`}, nil, "2001:db8::5"},
		"quoted IPv6":                         {"[fd00::1]:1", []string{`for="[2001:db8:0::5]"`}, nil, "2001:db8::5"},
		"IPv4 with a port":                    {"10.0.0.1:1", []string{`for="203.0.113.9:80"`}, nil, "203.0.113.9"},
		"a port without quotes":               {"10.0.0.1:1", []string{`for=203.0.113.9:80`}, nil, "203.0.113.9"},
		"a hidden port":                       {"10.0.0.1:1", []string{`for="203.0.113.9:_p"`}, nil, "203.0.113.9"},
		"mapped IPv4":                         {"10.0.0.1:1", []string{`for="[::ffff:203.0.113.9]"`}, nil, "203.0.113.9"},
		"a quoted pair":                       {"10.0.0.1:1", []string{`for="203.0.113\.9"`}, nil, "203.0.113.9"},
		"the client's own stand left":         {"10.0.0.1:1", []string{"for=1.1.1.1, for=203.0.113.9, for=10.0.0.2"}, nil, "203.0.113.9"},
		"several lines are one list":          {"10.0.0.1:1", []string{"for=1.1.1.1", "for=203.0.113.9", `for="[fd00::2]"`}, nil, "203.0.113.9"},
		"unknown":                             {"10.0.0.1:1", []string{"for=1.1.1.1, for=unknown, for=10.0.0.2"}, nil, "10.0.0.2"},
		"a hidden name":                       {"10.0.0.1:1", []string{"for=1.1.1.1, for=_hidden"}, nil, "10.0.0.1"},
		"IPv6 without brackets":               {"10.0.0.1:1", []string{`for="2001:db8::5"`}, nil, "10.0.0.1"},
		"IPv4 in brackets":                    {"10.0.0.1:1", []string{`for="[203.0.113.9]"`}, nil, "10.0.0.1"},
		"a zone":                              {"10.0.0.1:1", []string{`for="[fe80::1%eth0]"`}, nil, "10.0.0.1"},
		"nobody":                              {"10.0.0.1:1", []string{"proto=https"}, nil, "10.0.0.1"},
		"two names":                           {"10.0.0.1:1", []string{"for=1.1.1.1;for=203.0.113.9"}, nil, "10.0.0.1"},
		"a quote that never closes":           {"10.0.0.1:1", []string{`for="1.1.1.1, for=203.0.113.9`}, nil, "10.0.0.1"},
		"a quote that takes the next one in":  {"10.0.0.1:1", []string{`for=1.1.1.1;x=", for="[2001:db8::5]"`}, nil, "10.0.0.1"},
		"a quote of the line before":          {"10.0.0.1:1", []string{`for="1.1.1.1`, "for=203.0.113.9"}, nil, "203.0.113.9"},
		"an empty element":                    {"10.0.0.1:1", []string{"for=1.1.1.1,, for=10.0.0.2"}, nil, "10.0.0.1"},
		"an empty line":                       {"10.0.0.1:1", []string{""}, nil, "10.0.0.1"},
		"no value":                            {"10.0.0.1:1", []string{"for="}, nil, "10.0.0.1"},
		"both headers say the same":           {"10.0.0.1:1", []string{"for=203.0.113.9"}, []string{"203.0.113.9"}, "203.0.113.9"},
		"the client wrote the one beside XFF": {"10.0.0.1:1", []string{"for=1.1.1.1"}, []string{"203.0.113.9"}, "10.0.0.1"},
		"the client wrote XFF beside it":      {"10.0.0.1:1", []string{"for=203.0.113.9"}, []string{"1.1.1.1"}, "10.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{"Forwarded": tc.lines}}
		if tc.chain != nil {
			r.Header["X-Forwarded-For"] = tc.chain
		}
		if got := proxies.ClientAddr(r).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	long := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"Forwarded": {"for=1.1.1.1" + strings.Repeat(", for=10.0.0.2", 5000)}}}
	if got := proxies.ClientAddr(long).String(); got != "10.0.0.2" {
		t.Errorf("a long chain: %s", got)
	}
}

// GW-06: whatever a client writes before what our proxy adds, it is that proxy's word
// that counts, or nobody's.
func FuzzForwarded(f *testing.F) {
	for _, text := range []string{"", "for=1.1.1.1", `for="[::1]:80";by=x`, `for="`, `x=",`, `for=_a, for="\"`, "for=10.0.0.2", `for=1.1.1.1;x="\`} {
		f.Add(text)
	}
	proxies := trusting(f)
	peer, client := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("203.0.113.9")
	f.Fuzz(func(t *testing.T, sent string) {
		of := func(remote, name string, lines ...string) netip.Addr {
			return proxies.ClientAddr(&http.Request{RemoteAddr: remote, Header: http.Header{name: lines}})
		}
		for _, added := range []string{"for=203.0.113.9", `for="203.0.113.9:80"`, `for="203.0.113.9";proto=https`} {
			if got := of("10.0.0.1:1", "Forwarded", sent+", "+added); got != client && got != peer {
				t.Errorf("%q before %q: %s", sent, added, got)
			}
			if got := of("10.0.0.1:1", "Forwarded", sent, added); got != client {
				t.Errorf("%q in the line before %q: %s", sent, added, got)
			}
		}
		if got := of("10.0.0.1:1", "X-Forwarded-For", sent+", 203.0.113.9"); got != client {
			t.Errorf("%q before it: %s", sent, got)
		}
		if got := of("203.0.113.9:1", "Forwarded", sent); got != client {
			t.Errorf("%q of nobody we trust: %s", sent, got)
		}
		if got := of("10.0.0.1:1", "Forwarded", sent); got.Is4In6() || got.Zone() != "" || !got.IsValid() {
			t.Errorf("%q: %s is not canonical", sent, got)
		}
	})
}
