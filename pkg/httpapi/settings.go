package httpapi

import (
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/security"
)

// Settings are the variables that every HTTP service shares. ADDR and
// PRIVATE_ADDR are declared by each service, whose ports differ.
type Settings struct {
	Edge           Edge          `env:"EDGE" envDefault:"gateway" help:"who stands in front: gateway, or direct when the service faces the Internet itself"`
	TrustedProxies []string      `env:"TRUSTED_PROXIES" example:"10.0.0.0/8" help:"addresses and networks whose X-Forwarded-For is believed; default: none"`
	AddressHeaders []string      `env:"CLIENT_ADDRESS_HEADER" example:"CF-Connecting-IP,X-Forwarded-For" help:"the headers in which those name the client, the first with an address counts; only such that they overwrite. Default: X-Forwarded-For and Forwarded. Behind our gateway it belongs there alone"`
	Pprof          bool          `env:"PPROF" envDefault:"false" help:"serve profiles on the private port"`
	MaxConnections int           `env:"MAX_CONNECTIONS" envDefault:"0" help:"connections at once, half of them from one address that is no trusted proxy; 0: one for every 32 KiB of the memory limit, at most 16384"`
	ShutdownGrace  time.Duration `env:"SHUTDOWN_GRACE" envDefault:"5s" help:"how long a stopping process is not ready but still serves, until everybody knows; none in development"`
	DrainTimeout   time.Duration `env:"DRAIN_TIMEOUT" envDefault:"25s" help:"how long requests may take to end once no new ones are accepted"`
}

// Proxies gives the proxies of TRUSTED_PROXIES, which Validate has looked at.
func (s Settings) Proxies() security.Proxies {
	p, err := security.ParseProxies(s.TrustedProxies)
	if err == nil {
		p, err = p.Reading(s.AddressHeaders)
	}
	if err != nil {
		return security.Proxies{} // nobody is trusted rather than somebody wrong
	}
	return p
}

// Validate refuses proxies that are neither addresses nor networks, headers that
// nobody is believed to write, and numbers that mean nothing.
func (s Settings) Validate() []config.Fault {
	var faults []config.Fault
	p, err := security.ParseProxies(s.TrustedProxies)
	if err != nil {
		faults = append(faults, config.Fault{Name: "TRUSTED_PROXIES", Problem: "is not a list of addresses and networks", Example: "10.0.0.0/8,192.0.2.7"})
	}
	if p, err = p.Reading(s.AddressHeaders); err != nil {
		faults = append(faults, config.Fault{Name: "CLIENT_ADDRESS_HEADER", Problem: "is not a list of names of headers", Example: "CF-Connecting-IP,X-Forwarded-For"})
	}
	if p.TrustEverybody() {
		faults = append(faults, config.Fault{Name: "TRUSTED_PROXIES", Problem: "holds every address: all clients would name their own; without a narrower network CLIENT_ADDRESS_HEADER must name a header that the proxy overwrites", Example: "10.0.0.0/8"})
	}
	if len(s.AddressHeaders) > 0 && len(s.TrustedProxies) == 0 {
		faults = append(faults, config.Fault{Name: "TRUSTED_PROXIES", Problem: "is empty: nobody's CLIENT_ADDRESS_HEADER would be believed", Example: "10.0.0.0/8"})
	}
	if s.MaxConnections < 0 {
		faults = append(faults, config.Fault{Name: "MAX_CONNECTIONS", Problem: "is negative", Example: "4096"})
	}
	if s.ShutdownGrace < 0 {
		faults = append(faults, config.Fault{Name: "SHUTDOWN_GRACE", Problem: "is negative", Example: "5s"})
	}
	if s.DrainTimeout <= 0 {
		faults = append(faults, config.Fault{Name: "DRAIN_TIMEOUT", Problem: "gives running requests no time", Example: "25s"})
	}
	return faults
}

// BehindGateway refuses what belongs to the gateway alone where one stands in front:
// that has named the client, in the header that is always believed. Every service
// but the gateway asks.
func (s Settings) BehindGateway() []config.Fault {
	if len(s.AddressHeaders) == 0 || s.Edge == EdgeDirect {
		return nil
	}
	return []config.Fault{{Name: "CLIENT_ADDRESS_HEADER", Problem: "is for EDGE=direct: set it at the gateway where there is one"}}
}

// Serve gives what Serve needs to know. In development nobody watches the
// readiness, so a stop does not wait for anybody to see it fall.
func (s Settings) Serve(addr, privateAddr string, development bool, health *Health) ServeSettings {
	out := ServeSettings{Addr: addr, PrivateAddr: privateAddr, Health: health, Grace: s.ShutdownGrace, Drain: s.DrainTimeout,
		MaxConnections: s.MaxConnections, Proxies: s.Proxies()}
	if development {
		out.Grace = 0
	}
	return out
}
