package wire

import (
	"net/url"
	"strings"
)

// Picture holds for an address that pages can show as a picture without harm: http
// or https, or a path on their own host. Nothing that runs, and no data inside.
func Picture(address string) bool {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return true
	case err != nil || strings.ContainsAny(address, "\\\"'<> "):
		return false
	case u.Scheme == "https", u.Scheme == "http":
		return u.Host != "" && u.User == nil
	}
	return u.Scheme == "" && u.Host == "" && strings.HasPrefix(address, "/")
}
