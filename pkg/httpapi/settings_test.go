package httpapi_test

import (
	"slices"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// Settings that somebody can write and nobody can mean are faults, and not read as
// something else.
func TestSettings_whatNobodyCanMean(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		set   func(*httpapi.Settings)
		fault string // empty: none
	}{
		"the defaults":                          {func(*httpapi.Settings) {}, ""},
		"less than no connections":              {func(s *httpapi.Settings) { s.MaxConnections = -1 }, "MAX_CONNECTIONS"},
		"a grace that is over before it begins": {func(s *httpapi.Settings) { s.ShutdownGrace = -time.Second }, "SHUTDOWN_GRACE"},
		"no grace":                              {func(s *httpapi.Settings) { s.ShutdownGrace = 0 }, ""},
		"a drain that is over before it begins": {func(s *httpapi.Settings) { s.DrainTimeout = -time.Second }, "DRAIN_TIMEOUT"},
		"no time to drain":                      {func(s *httpapi.Settings) { s.DrainTimeout = 0 }, "DRAIN_TIMEOUT"},
		"every IPv4 address is a proxy":         {func(s *httpapi.Settings) { s.TrustedProxies = []string{"10.0.0.0/8", "0.0.0.0/0"} }, "TRUSTED_PROXIES"},
		"every IPv6 address is a proxy":         {func(s *httpapi.Settings) { s.TrustedProxies = []string{"::/0"} }, "TRUSTED_PROXIES"},
		"every mapped IPv4 address is a proxy":  {func(s *httpapi.Settings) { s.TrustedProxies = []string{"::ffff:0.0.0.0/96"} }, "TRUSTED_PROXIES"},
		"every address, and a line it overwrites": {func(s *httpapi.Settings) {
			s.TrustedProxies, s.AddressHeaders = []string{"0.0.0.0/0"}, []string{"Fly-Client-IP"}
		}, ""},
		"every address, and the chain": {func(s *httpapi.Settings) {
			s.TrustedProxies, s.AddressHeaders = []string{"0.0.0.0/0"}, []string{"Fly-Client-IP", "x-forwarded-for"}
		}, "TRUSTED_PROXIES"},
	} {
		s := httpapi.Settings{ShutdownGrace: 5 * time.Second, DrainTimeout: 25 * time.Second}
		tc.set(&s)
		var names, want []string
		for _, fault := range s.Validate() {
			names = append(names, fault.Name)
		}
		if tc.fault != "" {
			want = []string{tc.fault}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: faults %v, want %v", name, names, want)
		}
	}
}
