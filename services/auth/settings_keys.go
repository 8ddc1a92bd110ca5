package main

import (
	"slices"
	"strings"

	"github.com/codex-platform/codex/pkg/config"
)

// algorithms are those that every verifier of the product takes (SES-11).
var algorithms = []string{"EdDSA", "ES256", "ES512", "RS256", "PS256"}

// signingSettings are what signing keys are made of.
type signingSettings struct {
	Alg string `env:"JWT_ALG" envDefault:"EdDSA" help:"the algorithm of access tokens: EdDSA, ES256, ES512, RS256 or PS256; when it changes, a key of the new one is published and signs after JWT_KEY_LEAD"`
}

func (k signingSettings) faults() []config.Fault {
	if slices.Contains(algorithms, k.Alg) {
		return nil
	}
	return []config.Fault{{Name: "JWT_ALG", Problem: "is not one of " + strings.Join(algorithms, ", "), Example: "EdDSA"}}
}
