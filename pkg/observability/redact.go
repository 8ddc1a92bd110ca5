package observability

import "strings"

// What stands in the place of a masked value. None of them needs escaping in
// JSON, and none is found again by another look.
const (
	markRedacted = "[redacted]"
	markToken    = "[token]"
	markKey      = "[key]"
	markEmail    = "[email]"
	markPhone    = "[phone]"
	markCard     = "[card]"
	markIBAN     = "[iban]"
)

// Redact masks secrets and people's data in a text: by the key in front of a
// value (password=…, "token":"…", Cookie: …), and by the form of a value
// (bearer and basic credentials, JWTs, signed cookies, log-ins in URLs, keys of
// Stripe and others, PEM blocks, e-mail addresses, telephone, card and account
// numbers). Ids, dates, addresses of hosts and ordinary numbers stay whole. What
// could act on a terminal (C1 controls, writing direction) is spelled out.
//
// One pass over the text, whatever it holds: the cost grows in proportion to
// its length. A text with nothing to mask is returned as it is.
func Redact(text string) string {
	text, _ = redactOnce(text)
	// Percent-encoding hides all patterns: e-mail=a%40example.com. The decoded
	// form is shown only where something was found in it. Encoding can be nested.
	plain := text
	for range 3 {
		decoded, ok := percentDecode(plain)
		if !ok {
			break
		}
		plain = decoded
		if masked, found := redactOnce(plain); found {
			text, plain = masked, masked
		}
	}
	return text
}

func redactOnce(text string) (string, bool) {
	z := scanner{text: text, word: -1}
	for z.i < len(text) {
		z.step()
	}
	if z.out == nil {
		return text, false
	}
	return string(append(z.out, text[z.kept:]...)), true
}

// scanner is one pass over a text. Every method either moves i forward over
// what it has looked at or has looked at no more than a fixed number of bytes;
// the few that look further remember how far (see noUserinfo, noToken).
type scanner struct {
	text string
	out  []byte // what was written so far; nil while nothing was masked
	kept int    // text[:kept] is in out
	i    int

	word  int // where the current run of key characters begins; -1 outside of one
	depth int // open brackets and braces: inside, a Go struct or map may be printed

	noUserinfo int // up to here no "@" follows
	noToken    int // up to here a run of base64url is no token
}

// mask replaces text[from:to] and goes on behind it.
func (z *scanner) mask(from, to int, mark string) {
	from = max(from, z.kept)
	z.out = append(append(z.out, z.text[z.kept:from]...), mark...)
	z.kept, z.i = to, to
	z.word = -1
}

// step looks at the character at i and moves on.
func (z *scanner) step() {
	c := z.text[z.i]
	switch classes[c] {
	case alnum:
		z.atom()
		return
	case joint: // _ - .
		if c == '-' && z.pem() {
			return
		}
		if z.word < 0 {
			z.word = z.i
		}
		z.i++
		return
	case sign:
		if z.sign(c) {
			return
		}
	case high:
		if z.escapeInvisible() {
			return
		}
	}
	z.word = -1
	z.i++
}

// sign looks at a character that begins or ends something.
func (z *scanner) sign(c byte) (masked bool) {
	switch c {
	case '{', '[':
		z.depth++
	case '}', ']':
		z.depth = max(z.depth-1, 0)
	case '+':
		return z.phone(z.international(z.i))
	case '(':
		return z.phone(z.bracketed(z.i))
	case '@':
		return z.email()
	case '/':
		return z.linkPath()
	default: // = : " ' ) \
		return z.word >= 0 && z.assignment() || c == ':' && z.userinfo()
	}
	return false
}

// atom looks at a run of letters and digits.
func (z *scanner) atom() {
	start, end := z.i, z.i
	letters := false
	for end < len(z.text) && classes[z.text[end]] == alnum {
		letters = letters || z.text[end] > '9'
		end++
	}
	if z.word < 0 {
		z.word = start
	}
	switch {
	case end-start == 8 && isUUID(z.text, start):
		z.i = start + uuidLength
	case !letters && z.number(start, end), letters && z.secretWord(start, end):
	default:
		z.i = end
	}
}

// percentDecode undoes percent-encoding. It says whether there was any.
func percentDecode(text string) (string, bool) {
	at := strings.IndexByte(text, '%')
	if at < 0 {
		return text, false
	}
	var b []byte
	from := 0
	for ; at+2 < len(text); at++ {
		if text[at] != '%' {
			continue
		}
		if hi, lo := unhex(text[at+1]), unhex(text[at+2]); hi >= 0 && lo >= 0 {
			b = append(append(b, text[from:at]...), byte(hi<<4|lo))
			from = at + 3
			at += 2
		}
	}
	if b == nil {
		return text, false
	}
	return string(append(b, text[from:]...)), true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
