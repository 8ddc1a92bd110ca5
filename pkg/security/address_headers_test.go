package security_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

// GW-06: of the configured headers the first with an address counts, from trusted
// proxies alone.
func TestClientAddr_readsTheConfiguredHeaders(t *testing.T) {
	t.Parallel()
	trusted, err := security.ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	proxies, err := trusted.Reading([]string{"cf-connecting-ip", " X-Forwarded-For"})
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		peer   string
		header http.Header
		want   string
	}{
		"the first":                   {"10.0.0.1:80", http.Header{"Cf-Connecting-Ip": {"192.0.2.1"}, "X-Forwarded-For": {"192.0.2.2"}}, "192.0.2.1"},
		"the second, without it":      {"10.0.0.1:80", http.Header{"X-Forwarded-For": {"198.51.100.1, 192.0.2.2, 10.0.0.9"}}, "192.0.2.2"},
		"no address":                  {"10.0.0.1:80", http.Header{"Cf-Connecting-Ip": {"nobody"}, "X-Forwarded-For": {"192.0.2.2"}}, "192.0.2.2"},
		"an empty one":                {"10.0.0.1:80", http.Header{"Cf-Connecting-Ip": {""}, "X-Forwarded-For": {"192.0.2.2"}}, "192.0.2.2"},
		"none":                        {"10.0.0.1:80", http.Header{}, "10.0.0.1"},
		"one that is not configured":  {"10.0.0.1:80", http.Header{"Forwarded": {"for=192.0.2.3"}}, "10.0.0.1"},
		"a stranger's":                {"203.0.113.5:80", http.Header{"Cf-Connecting-Ip": {"192.0.2.1"}, "X-Forwarded-For": {"192.0.2.2"}}, "203.0.113.5"},
		"what stands before a client": {"10.0.0.1:80", http.Header{"Cf-Connecting-Ip": {"192.0.2.66, 192.0.2.1"}}, "192.0.2.1"},
	} {
		r := &http.Request{RemoteAddr: x.peer, Header: x.header}
		if got := proxies.ClientAddr(r); got != netip.MustParseAddr(x.want) {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
	if _, err := trusted.Reading([]string{"no header"}); err == nil {
		t.Error("a name with a space is taken")
	}
}
