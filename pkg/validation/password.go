package validation

import (
	"log/slog"
	"unicode/utf8"
)

// Why a new password is refused. Both are found by errors.Is, so that a door
// can give each its own code.
var (
	ErrPasswordTooShort = &Error{Field: "password", Detail: "is too short"}
	ErrPasswordTooLong  = &Error{Field: "password", Detail: "is too long"}
	ErrPasswordText     = &Error{Field: "password", Detail: "is not text"}
)

// Password is a password as it was typed: not trimmed, folded or cut (AUTH-02).
// It prints as "redacted"; Reveal gives it to the hash.
type Password string

// PasswordLimits are the least and the greatest number of code points of a
// password (AUTH-01): a person counts signs, not bytes.
type PasswordLimits struct {
	Min, Max int
}

// DefaultPasswordLimits are the limits when no setting says otherwise.
var DefaultPasswordLimits = PasswordLimits{Min: 8, Max: 128}

// Parse accepts a password within the limits.
func (l PasswordLimits) Parse(text string) (Password, error) {
	switch n := utf8.RuneCountInString(text); {
	case n < l.Min:
		return "", ErrPasswordTooShort
	case n > l.Max:
		return "", ErrPasswordTooLong
	case !utf8.ValidString(text):
		return "", ErrPasswordText
	}
	return Password(text), nil
}

// ParsePassword accepts a password within the default limits.
func ParsePassword(text string) (Password, error) {
	return DefaultPasswordLimits.Parse(text)
}

// UnmarshalText reads a password from JSON.
func (p *Password) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePassword(string(text))
	return err
}

// Reveal gives the password itself. Only hashing and comparing need it.
func (p Password) Reveal() string { return string(p) }

// String hides the password.
func (Password) String() string { return "redacted" }

// GoString hides the password from %#v.
func (Password) GoString() string { return "redacted" }

// MarshalText hides the password from JSON and from every other encoder of text.
func (Password) MarshalText() ([]byte, error) { return []byte("redacted"), nil }

// LogValue hides the password from slog.
func (Password) LogValue() slog.Value { return slog.StringValue("redacted") }
