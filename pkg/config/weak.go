package config

import (
	"fmt"
	"slices"
	"strings"
)

// developmentPrefix begins every secret that a launcher makes for development.
const developmentPrefix = "dev-only-"

// samples are values that documentation and images are full of. As a secret
// they are as good as none (AUTH-19).
var samples = []string{
	"admin", "changeme", "default", "example", "minioadmin", "minioadmin123", "passw0rd",
	"password", "postgres", "replaceme", "root", "sample", "secret", "test", "topsecret", "yoursecret",
}

// weakness says what makes a secret unfit, or "" when it may be used or is no
// secret. What only fits development is refused elsewhere; too short is refused everywhere.
func weakness(value any, least int, development bool) string {
	switch s := value.(type) {
	case Secret:
		return weakSecret(string(s), least, development)
	case Secrets:
		if len(s) == 0 {
			return "holds no secret"
		}
		for i, one := range s {
			if problem := weakSecret(string(one), least, development); problem != "" {
				return ordinal(i, len(s)) + problem
			}
		}
	case FollowedSecrets:
		return weakness(s.Secrets, least, development)
	case DSN:
		if !development && unfit(s.password()) {
			return "holds a password for development, or a sample: use your own"
		}
	}
	return ""
}

func weakSecret(secret string, least int, development bool) string {
	switch {
	case !development && strings.HasPrefix(secret, developmentPrefix):
		return "is a development secret, and APP_ENV is not development"
	case !development && unfit(secret):
		return "is a sample value: make one of your own"
	case len(secret) < least:
		return fmt.Sprintf("is shorter than %d bytes", least)
	}
	return ""
}

// unfit tells whether a secret is for development or a sample, also when the
// sample is repeated or decorated to look longer (change-me, changemechangeme).
func unfit(secret string) bool {
	if strings.HasPrefix(secret, developmentPrefix) {
		return true
	}
	bare := strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(secret))
	if bare == "" {
		return secret != ""
	}
	return slices.ContainsFunc(samples, func(sample string) bool {
		return strings.ReplaceAll(bare, sample, "") == ""
	})
}

func ordinal(i, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("has a member (number %d) that ", i+1)
}
