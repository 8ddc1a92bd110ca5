package main

import (
	"net/netip"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/security"
)

type passkeySettings struct {
	RPID       string   `env:"PASSKEY_RP_ID" example:"example.com" help:"the domain that passkeys are for, that of PUBLIC_URL or one above it; changing it makes those that exist worthless; default: the host of PUBLIC_URL"`
	RPName     string   `env:"PASSKEY_RP_NAME" example:"Example" help:"the product's name in the dialogs of passkeys; default: MAIL_BRAND"`
	Origins    []string `env:"PASSKEY_ORIGINS" example:"https://app.example.com" help:"the origins whose pages may use passkeys; default: that of PUBLIC_URL"`
	MustVerify bool     `env:"PASSKEY_REQUIRE_VERIFICATION" envDefault:"false" help:"the authenticator has to check who uses it, by PIN, finger or face; otherwise it is asked to"`
}

func (x passkeySettings) faults(host string) []config.Fault {
	var faults []config.Fault
	problem := domainFault(host, x.RPID)
	if x.RPID == host && protocol.ValidateRPID(host) == nil { // localhost, say
		problem = ""
	}
	if x.RPID != "" && problem != "" {
		faults = append(faults, config.Fault{Name: "PASSKEY_RP_ID", Problem: problem, Example: "example.com"})
	}
	for _, origin := range x.Origins {
		if _, err := security.ParseOrigins(origin, nil); err != nil && !protocol.IsKnownOpaqueOrigin(origin) {
			faults = append(faults, config.Fault{Name: "PASSKEY_ORIGINS", Problem: "holds what is not an origin", Example: "https://app.example.com"})
			break
		}
	}
	return faults
}

// host gives the name or address in PUBLIC_URL.
func (s settings) host() string {
	u, err := url.Parse(s.PublicURL.String())
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// named tells whether people reach the product by a name: passkeys are for names.
func (s settings) named() bool {
	_, err := netip.ParseAddr(s.host())
	return err != nil
}
