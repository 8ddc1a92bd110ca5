// Package strict owns which requests are read at all. Whatever two programs could
// read in two ways is refused here, so that what the gateway checks is what the
// service behind it sees.
package strict

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/codex-platform/codex/pkg/problem"
)

// Bounds of a request's head (the body's are each class's own).
const (
	MaxTarget  = 8 << 10
	MaxHeaders = 16 << 10
	MaxLines   = 100
)

// The refusals of requests that cannot be meant.
var (
	ErrTarget     = problem.New(http.StatusBadRequest, "BAD_REQUEST_TARGET", "The address is not in its plain form: no encoded letters, slashes or dots, no empty or dot segments")
	ErrTargetLong = problem.New(http.StatusRequestURITooLong, "URI_TOO_LONG", "The address is too long")
	ErrHeaders    = problem.New(http.StatusRequestHeaderFieldsTooLarge, "HEADERS_TOO_LARGE", "The header is too large")
	ErrUpgrade    = problem.New(http.StatusBadRequest, "UPGRADE_NOT_ALLOWED", "This address does not change protocols")
	ErrBody       = problem.New(http.StatusBadRequest, "UNEXPECTED_BODY", "This method takes no body")
	ErrLength     = problem.New(http.StatusBadRequest, "BAD_CONTENT_LENGTH", "The body's length cannot be read")
	ErrRepeated   = problem.New(http.StatusBadRequest, "REPEATED_HEADER", "A header that may stand once stands twice")
)

// Check refuses a request whose head is ambiguous, too large, or asks for another
// protocol. The order is cheap before dear.
func Check(r *http.Request) error {
	if err := check(r); err != nil {
		return err
	}
	if Upgrades(r) {
		return ErrUpgrade
	}
	return nil
}

// CheckUpgrade is Check where WebSocket may be asked for, and nothing else.
func CheckUpgrade(r *http.Request) error {
	if err := check(r); err != nil {
		return err
	}
	if Upgrades(r) && !WebSocket(r) {
		return ErrUpgrade
	}
	return nil
}

func check(r *http.Request) error {
	if len(r.RequestURI) > MaxTarget {
		return ErrTargetLong
	}
	if err := checkTarget(r.RequestURI); err != nil {
		return err
	}
	if err := checkHeaders(r.Header); err != nil {
		return err
	}
	return checkBody(r)
}

// checkTarget allows the origin form only (RFC 9112 §3.2.1): a client that speaks
// to a proxy (absolute form) is not speaking to us.
func checkTarget(target string) error {
	path, query, _ := strings.Cut(target, "?")
	if path == "" || path[0] != '/' {
		return ErrTarget
	}
	if !canonicalPath(path) || !plainText(query) {
		return ErrTarget
	}
	return nil
}

// canonicalPath accepts a path that has one reading: segments of RFC 3986 pchars
// without ";", none empty but the last, no dot segments, and percent-encoding
// only where it is needed.
func canonicalPath(path string) bool {
	start, encoded := 1, false
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			switch c := path[i]; {
			case c == '%':
				if !neededEncoding(path[i:]) {
					return false
				}
				encoded = true
				i += 2
			case !pathByte(c):
				return false
			}
			continue
		}
		segment := path[start:i]
		if segment == "." || segment == ".." || segment == "" && i < len(path) {
			return false
		}
		start = i + 1
	}
	return !encoded || decodesToText(path)
}

// pathByte holds for RFC 3986's pchar without "%" and without ";": path parameters
// are cut off by some servers, and then "/a;x" is "/a".
func pathByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("-._~!$&'()*+,=:@", c) >= 0
}

// neededEncoding holds for "%XX" whose byte could not stand for itself. Encoded
// letters, digits, dots and dashes would be a second spelling of the same path;
// slashes, backslashes, percent signs and control bytes a second meaning.
func neededEncoding(s string) bool {
	if len(s) < 3 {
		return false
	}
	hi, ok1 := unhex(s[1])
	lo, ok2 := unhex(s[2])
	c := hi<<4 | lo
	switch {
	case !ok1 || !ok2, c < 0x20, c == 0x7f, c == '/', c == '\\', c == '%', c == ';':
		return false
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		return false
	}
	return true
}

// decodesToText refuses what is not UTF-8 and the control characters U+0080–9F.
func decodesToText(path string) bool {
	b := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			hi, _ := unhex(path[i+1])
			lo, _ := unhex(path[i+2])
			c = hi<<4 | lo
			i += 2
		}
		b = append(b, c)
	}
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if 0x80 <= r && r <= 0x9f {
			return false
		}
	}
	return true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// plainText holds where every byte is visible ASCII; a query is passed on as it
// is, and its meaning is the service's.
func plainText(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '#' {
			return false
		}
	}
	return true
}

func checkHeaders(h http.Header) error {
	lines, bytes := 0, 0
	for name, values := range h {
		lines += len(values)
		for _, v := range values {
			bytes += len(name) + len(v) + 4 // ": " and the line's end
		}
		if len(values) > 1 && single[name] {
			return ErrRepeated
		}
	}
	if lines > MaxLines || bytes > MaxHeaders {
		return ErrHeaders
	}
	return nil
}

// single are the headers of which a second one would be read differently by
// different programs.
var single = map[string]bool{
	"Authorization": true, "Origin": true, "Content-Type": true, "Content-Length": true,
	"Sec-Fetch-Site": true, "Sec-Fetch-Mode": true, "Range": true, "If-Match": true, "Expect": true,
	"Upgrade": true, "Sec-Websocket-Key": true, "Sec-Websocket-Version": true,
}

// checkBody refuses bodies where they have no meaning (RFC 9110 §9.3.1): some
// servers leave such a body on the connection, where it becomes the next request.
func checkBody(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		if r.ContentLength != 0 {
			return ErrBody
		}
	}
	// net/http takes a length that it cannot read for none in HTTP/2, and chunks for
	// no body in HTTP/1.0: what came behind the head would be lost without a word.
	lengths := r.Header["Content-Length"]
	for _, v := range lengths {
		if n, err := strconv.ParseUint(v, 10, 63); err != nil || int64(n) != r.ContentLength {
			return ErrLength
		}
	}
	if len(lengths) == 0 && r.ProtoMajor == 1 && r.ProtoMinor == 0 && takesBody(r.Method) {
		return ErrLength
	}
	return nil
}

// takesBody holds for methods that mean little without a body: a client of HTTP/1.0
// says its length (RFC 1945 §8.3).
func takesBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}
