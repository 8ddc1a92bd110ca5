package config

import (
	"log/slog"
	"net/url"
	"strings"
)

const redacted = "redacted"

// Secret is a value that prints as "redacted" wherever it lands by accident:
// fmt, JSON, logs. Reveal gives the value itself.
type Secret string

// Reveal gives the secret. Call it where the secret is used, and nowhere else.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret.
func (Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return redacted }

// MarshalText hides the secret from JSON and from every other encoder of text.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Secrets is a list of secrets, separated by commas. More than one is valid
// during a rotation; what the first is good for is said by its setting.
type Secrets []Secret

// Reveal gives the secrets in their order.
func (s Secrets) Reveal() []string {
	out := make([]string, len(s))
	for i, secret := range s {
		out[i] = secret.Reveal()
	}
	return out
}

// String hides the secrets.
func (Secrets) String() string { return redacted }

// GoString hides the secrets from %#v.
func (Secrets) GoString() string { return redacted }

// LogValue hides the secrets, and their number, from slog.
func (Secrets) LogValue() slog.Value { return slog.StringValue(redacted) }

// UnmarshalText reads the comma list; blanks around a member and empty members are dropped.
func (s *Secrets) UnmarshalText(text []byte) error {
	*s = nil
	for _, part := range listOf(string(text)) {
		*s = append(*s, Secret(part))
	}
	return nil
}

// MarshalText hides the secrets.
func (Secrets) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// DSN is the address of a backing part with its log-in inside, such as
// postgres://user:password@host/db. It hides like a Secret.
type DSN string

// Reveal gives the whole address.
func (d DSN) Reveal() string { return string(d) }

// String hides the address.
func (DSN) String() string { return redacted }

// GoString hides the address from %#v.
func (DSN) GoString() string { return redacted }

// MarshalText hides the address from JSON and from every other encoder of text.
func (DSN) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the address from slog.
func (DSN) LogValue() slog.Value { return slog.StringValue(redacted) }

// password gives the password inside the address, in its URL or its
// keyword=value form (libpq), and "" when there is none.
func (d DSN) password() string {
	if u, err := url.Parse(string(d)); err == nil && u.User != nil {
		p, _ := u.User.Password()
		return p
	}
	for _, field := range strings.Fields(string(d)) {
		if p, ok := strings.CutPrefix(field, "password="); ok {
			return strings.Trim(p, "'")
		}
	}
	return ""
}

// listOf splits a comma list and drops blanks around members and empty members.
func listOf(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
