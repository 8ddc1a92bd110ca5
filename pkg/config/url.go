package config

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// URL is an absolute http or https address without a log-in, query or
// fragment, and without a slash at its end, so that paths can be appended. It is
// kept as browsers write it, so that texts can be compared: scheme and host in small
// letters, and no port where it is the scheme's own.
type URL string

// UnmarshalText reads an address.
func (u *URL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	switch {
	case err != nil, parsed.Hostname() == "", parsed.Scheme != "http" && parsed.Scheme != "https":
		return formError("is not an absolute http or https URL")
	case parsed.User != nil:
		return formError("must not hold a user name or password")
	case parsed.RawQuery != "", parsed.Fragment != "", parsed.ForceQuery:
		return formError("must not hold a query or a fragment")
	case strings.ContainsFunc(parsed.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		return formError("has a host with letters beyond a to z: browsers write it as xn--…, and so does this")
	}
	host, ok := plainHost(parsed)
	if !ok {
		return formError("has a port that is not between 1 and 65535")
	}
	parsed.Host = host
	*u = URL(strings.TrimRight(parsed.String(), "/"))
	return nil
}

// plainHost gives host and port in the one spelling that browsers use.
func plainHost(u *url.URL) (string, bool) {
	host, port := strings.ToLower(u.Host), u.Port()
	host = strings.TrimSuffix(host, ":"+port)
	if port == "" {
		return host, true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil, n == 0:
		return "", false
	case u.Scheme == "http" && n == 80, u.Scheme == "https" && n == 443:
		return host, true
	}
	return host + ":" + strconv.FormatUint(n, 10), true
}

// String gives the address as text.
func (u URL) String() string { return string(u) }

// HTTPS tells whether the address is an https one.
func (u URL) HTTPS() bool { return strings.HasPrefix(string(u), "https:") }
