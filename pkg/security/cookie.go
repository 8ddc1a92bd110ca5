package security

import (
	"net/http"
	"net/url"
	"strings"
)

// EncodeCookieValue writes a value as JavaScript's encodeURIComponent does: the
// form that the better-auth clients and servers put into cookies.
func EncodeCookieValue(value string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; unreserved(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("-_.!~*'()", c) >= 0
}

// DecodeCookieValue undoes EncodeCookieValue; a plus sign stays one. False when
// the percent coding is broken.
func DecodeCookieValue(raw string) (string, bool) {
	value, err := url.PathUnescape(raw)
	return value, err == nil
}

// ReadCookie returns the raw value of the first cookie with exactly this name.
// The first one is what RFC 6265 §5.4 sends for the longest path; a cookie
// planted by a sub-domain on a shorter path comes later. No memory is taken.
func ReadCookie(h http.Header, name string) (string, bool) {
	for _, line := range h["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && key == name {
				return strings.Trim(value, `"`), true
			}
		}
	}
	return "", false
}
