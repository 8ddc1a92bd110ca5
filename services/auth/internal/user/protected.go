package user

import (
	"strings"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// protected are the members of a person that nobody sets for themself, in the
// spelling of the contract and without signs, so that email_verified and
// EmailVerified are found too.
var protected = map[string]bool{
	"id": true, "role": true, "emailverified": true, "createdat": true, "updatedat": true,
	"banned": true, "banreason": true, "banexpires": true, "banexpiresat": true,
	"twofactorenabled": true, "isanonymous": true, "version": true,
}

// Protected refuses a body that tries to set a member which is not its sender's
// to set (AUTH-15).
func Protected(members wire.Members) error {
	for _, m := range members {
		if protected[strings.ToLower(strings.ReplaceAll(m.Name, "_", ""))] {
			return wire.FieldNotAllowed(m.Name)
		}
	}
	return nil
}
