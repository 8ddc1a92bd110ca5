package main

import (
	"cmp"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/codex-platform/codex/services/auth/internal/passkey"
)

// addPasskeys is signing in with passkeys.
func addPasskeys(f *features) error {
	s, p := f.settings, f.parts
	if !s.Plugins.Passkey {
		return nil
	}
	x := s.Passkeys
	if x.RPID == "" && !s.named() {
		p.log.Warn("no passkeys: PUBLIC_URL has an address in place of a name")
		return nil
	}
	origins := x.Origins
	if len(origins) == 0 {
		origins = []string{f.origins.Own()}
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: cmp.Or(x.RPID, s.host()), RPDisplayName: cmp.Or(x.RPName, s.Mail.Brand), RPOrigins: origins,
		// Browsers' add-ons answer what nobody asked them; none of it is used.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return fmt.Errorf("PASSKEY_RP_ID: %w", err)
	}
	f.doors = append(f.doors, &passkey.Passkeys{
		DB: p.pool, Store: passkey.Store{DB: p.pool}, Once: f.once, Party: party, Sessions: f.sessions, Entrance: f.entrance,
		Audit: f.audit, Letters: f.letters, MustVerify: x.MustVerify, Now: p.now,
	})
	return nil
}
