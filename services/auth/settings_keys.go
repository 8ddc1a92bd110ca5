package main

import (
	"slices"
	"strings"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
)

// algorithms are those that every verifier of the product takes (SES-11).
var algorithms = []string{"EdDSA", "ES256", "ES512", "RS256", "PS256"}

// The values of JWT_SUBJECT.
const (
	subjectID    = "id"
	subjectEmail = "email"
)

// signingSettings are what access tokens are signed with, and whom they name.
type signingSettings struct {
	Alg     string `env:"JWT_ALG" envDefault:"EdDSA" help:"the algorithm of access tokens: EdDSA, ES256, ES512, RS256 or PS256; when it changes, a key of the new one is published and signs after JWT_KEY_LEAD"`
	Subject string `env:"JWT_SUBJECT" envDefault:"id" help:"whom access tokens name as sub: id (the person's), or email (their proven address), for services of your own that know people by it; that takes EDGE=direct and REQUIRE_EMAIL_VERIFICATION"`
}

func (k signingSettings) faults() []config.Fault {
	if slices.Contains(algorithms, k.Alg) {
		return nil
	}
	return []config.Fault{{Name: "JWT_ALG", Problem: "is not one of " + strings.Join(algorithms, ", "), Example: "EdDSA"}}
}

// subjectFault says what stands against addresses as subjects; "" for nothing.
func (s settings) subjectFault() string {
	switch s.Signing.Subject {
	case subjectID:
		return ""
	case subjectEmail:
	default:
		return "is not id or email"
	}
	switch {
	case s.HTTP.Edge != httpapi.EdgeDirect:
		return "is email without EDGE=direct: the gateway, and storage and webhook behind it, know people and revoke tokens by their id"
	case len(s.Deletion.targets()) > 0:
		return "is email with STORAGE_URL or WEBHOOK_URL: they keep what people own by their id, which the tokens would not name"
	case !s.Accounts.RequireVerification:
		return "is email without REQUIRE_EMAIL_VERIFICATION: whoever signed up with somebody's address would be taken for them"
	}
	return ""
}
