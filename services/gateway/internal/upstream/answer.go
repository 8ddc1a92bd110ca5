package upstream

import (
	"errors"
	"net/textproto"
	"strconv"
	"strings"
)

// errMalformed is an answer that cannot be read in exactly one way.
var errMalformed = errors.New("malformed answer")

// maxFields bounds the lines of a header or of trailers.
const maxFields = 256

// field is one line of a header; both texts are cut from the header's own.
type field struct{ name, value string }

// answer is the head of a service's answer. It is used again for the next one.
type answer struct {
	status  int
	fields  []field
	length  int64 // of the body; -1: until chunks or the connection end
	chunked bool
	last    bool // the service closes the connection afterwards
}

// parse reads a head that ends with an empty line. Whatever two readers could
// understand in two ways is refused: it is how one caller's answer becomes
// another's.
func (a *answer) parse(head string) error {
	line, rest, ok := strings.Cut(head, "\r\n")
	if !ok || len(line) < len("HTTP/1.1 200") || line[:7] != "HTTP/1." || line[8] != ' ' || !plain(line) {
		return errMalformed
	}
	minor, code := line[7], line[9:12]
	if minor != '0' && minor != '1' || len(line) > 12 && line[12] != ' ' || !digits(code) || code[0] < '1' || code[0] > '5' {
		return errMalformed
	}
	a.status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	a.length, a.chunked, a.last = -1, false, minor == '0'
	var err error
	if a.fields, err = parseFields(a.fields[:0], rest); err != nil {
		return err
	}
	return a.frame(minor)
}

// frame finds out where the body ends (RFC 9112 §6.3).
func (a *answer) frame(minor byte) error {
	for _, f := range a.fields {
		switch f.name {
		case "Content-Length":
			n, err := strconv.ParseInt(f.value, 10, 64)
			if err != nil || !digits(f.value) || a.length >= 0 && a.length != n {
				return errMalformed
			}
			a.length = n
		case "Transfer-Encoding":
			if a.chunked || minor == '0' || !strings.EqualFold(f.value, "chunked") {
				return errMalformed
			}
			a.chunked = true
		case "Connection":
			a.last = a.last || hasToken(f.value, "close")
		}
	}
	if a.chunked && a.length >= 0 {
		return errMalformed
	}
	return nil
}

// bodiless holds for answers that end with their header.
func (a *answer) bodiless(method string) bool {
	return method == "HEAD" || a.status < 200 || a.status == 204 || a.status == 304
}

// get is the first value under a name; empty when there is none.
func (a *answer) get(name string) string {
	for _, f := range a.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// parseFields reads header lines up to the empty one that ends them.
func parseFields(to []field, text string) ([]field, error) {
	for {
		line, rest, ok := strings.Cut(text, "\r\n")
		if !ok {
			return to, errMalformed
		}
		if line == "" {
			if rest != "" {
				return to, errMalformed
			}
			return to, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) || !plain(value) || len(to) == maxFields {
			return to, errMalformed // a folded line has a blank in its name
		}
		to = append(to, field{textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")})
		text = rest
	}
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// plain holds for a text without control characters: none of them belongs into a
// header, and CR, LF and NUL end lines for some readers.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// token holds for a header's or method's name (RFC 9110 §5.6.2).
func token(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

var tokens = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		t[c] = true
	}
	return t
}()

// hasToken finds a word in a comma-separated list, in any case.
func hasToken(list, word string) bool {
	for list != "" {
		var one string
		one, list, _ = strings.Cut(list, ",")
		if strings.EqualFold(strings.Trim(one, " \t"), word) {
			return true
		}
	}
	return false
}
