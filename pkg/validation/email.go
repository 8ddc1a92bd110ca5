package validation

import "strings"

// The limits of RFC 5321, section 4.5.3.1, in bytes; 254 is what is left of a
// path of 256 without its angle brackets.
const (
	maxEmail  = 254
	maxLocal  = 64
	maxDomain = 253
	maxLabel  = 63
)

// ErrEmail refuses what is not an e-mail address.
var ErrEmail = &Error{Field: "email", Detail: "is not a valid e-mail address"}

// Email is the address of one mailbox, in lower case, so that two spellings
// are one account (AUTH-09). It is plain ASCII: a domain in another script
// comes in its xn-- form. Quotes, comments, blanks, control characters and
// lists do not fit, so it can stand in a mail's header and envelope as it is.
type Email string

// ParseEmail reads an address, or gives ErrEmail.
func ParseEmail(text string) (Email, error) {
	local, domain, ok := strings.Cut(text, "@")
	if !ok || len(text) > maxEmail || !isLocalPart(local) || !isDomain(domain) {
		return "", ErrEmail
	}
	return Email(strings.ToLower(text)), nil
}

// UnmarshalText reads an address from JSON, path or query.
func (e *Email) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEmail(string(text))
	return err
}

// String gives the address.
func (e Email) String() string { return string(e) }

// isLocalPart tells whether s is a dot-atom of RFC 5322, section 3.2.3.
func isLocalPart(s string) bool {
	if s == "" || len(s) > maxLocal || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", rune(s[i])) {
			return false
		}
	}
	return true
}

// isDomain tells whether s is a host name of two labels or more that does not
// end in a number, which only an address does.
func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	if len(s) > maxDomain || len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if !isLabel(label) {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
