package content

import (
	"strings"
)

// disposition makes a Content-Disposition header for the name: an ASCII form for
// old programs (RFC 6266 section 4.3) and, when it differs, the whole name in the
// encoding of RFC 8187. No character of the name can end the value or the line.
func disposition(kind, name string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return -1
		case r > '~', r == '"', r == '\\', r == '%', r == ';', r == '/': // "%" is decoded by some browsers
			return '_'
		}
		return r
	}, name)
	value := kind + `; filename="` + plain + `"`
	if plain != name {
		value += "; filename*=UTF-8''" + percent(name)
	}
	return value
}

// percent encodes everything but the attr-char of RFC 8187 section 3.2.1.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isAttrChar(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func isAttrChar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}
