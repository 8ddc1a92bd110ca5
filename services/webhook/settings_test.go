package main

import (
	"slices"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
)

// Behind the gateway nobody else names the client: a header of its own would mean nothing.
func TestSettings_headersOfTheClientsAddressAreTheGateways(t *testing.T) {
	t.Parallel()
	for edge, want := range map[httpapi.Edge]bool{httpapi.EdgeGateway: true, httpapi.EdgeDirect: false} {
		s := settings{HTTP: httpapi.Settings{Edge: edge, AddressHeaders: []string{"CF-Connecting-IP"}, TrustedProxies: []string{"10.0.0.0/8"}}}
		refused := slices.ContainsFunc(s.Validate(), func(f config.Fault) bool { return f.Name == "CLIENT_ADDRESS_HEADER" })
		if refused != want {
			t.Errorf("EDGE=%s: refused %v", edge, refused)
		}
	}
}
