package observability

import "strings"

// minSigned is how long the parts of a signed cookie are at least:
// <id>.<base64 of an HMAC-SHA256>.
const (
	minSignedID  = 20
	minSignature = 40
)

// issued lists how the keys begin that are handed out by us, by Stripe and by
// others whose services are met here.
var issued = []string{
	"dev-only-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_",
	"ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "GOCSPX-", "ya29.", "AGE-SECRET-KEY-",
}

// secretWord looks at a word with letters: a key, a token, an account number.
func (z *scanner) secretWord(start, end int) bool {
	s := z.text
	if end-start >= 4 && s[start+1] > '9' {
		if to := ibanEnd(s, start); to > 0 {
			z.mask(start, to, markIBAN)
			return true
		}
	}
	switch s[start] | 0x20 {
	case 'b', 'd', 'n':
		if z.credentials(start, end) {
			return true
		}
	case 'e':
		if z.jwt(start) {
			return true
		}
	}
	return z.issuedKey(start, end) || z.clientSecret(start, end) || z.signed(start, end)
}

// credentials finds "Bearer …" and the like, as in the Authorization header.
func (z *scanner) credentials(start, end int) bool {
	s := z.text
	if end >= len(s) || !isBlank(s[end]) || !isScheme(s[start:end]) {
		return false
	}
	from := endOf(s, end, isBlank)
	to := endOf(s, from, func(c byte) bool { return isTokenByte(c) || strings.IndexByte("~+/=:", c) >= 0 })
	switch {
	case to == from, isProse(s, from, to):
		return false
	case to < len(s) && s[to] == '"': // a challenge: Bearer realm="…"
		return false
	}
	z.mask(from, to, markToken)
	return true
}

func isScheme(word string) bool {
	return strings.EqualFold(word, "bearer") || strings.EqualFold(word, "basic") ||
		strings.EqualFold(word, "digest") || strings.EqualFold(word, "dpop") || strings.EqualFold(word, "negotiate")
}

// jwt finds header.payload.signature: "eyJ" is what {" becomes in base64.
// Cut or unsigned ones are tokens too, and so is any long JSON in base64.
func (z *scanner) jwt(start int) bool {
	s := z.text
	if start < z.noToken || !strings.HasPrefix(s[start:], "eyJ") {
		return false
	}
	first := endOf(s, start, isBase64URL)
	z.noToken = first // one look at a run is enough, however many "eyJ" are in it
	if first-start < 10 {
		return false
	}
	to := endOf(s, first, isTokenByte)
	if first-start < 40 && to-first < 5 {
		return false
	}
	z.mask(start, endOf(s, to, func(c byte) bool { return c == '=' }), markToken)
	return true
}

func isBase64URL(c byte) bool { return isAlnum(c) || c == '-' || c == '_' }

// issuedKey finds keys by how they begin.
func (z *scanner) issuedKey(start, end int) bool {
	s := z.text
	if end >= len(s) || classes[s[end]] != joint {
		return false
	}
	for _, prefix := range issued {
		if s[start] != prefix[0] || !strings.HasPrefix(s[start:], prefix) {
			continue
		}
		if to := endOf(s, start, isTokenByte); to-start >= len(prefix)+4 {
			z.mask(start, to, markKey)
			return true
		}
	}
	return false
}

// clientSecret finds what follows the id in Stripe's pi_…_secret_…; the id stays.
func (z *scanner) clientSecret(start, end int) bool {
	s := z.text
	if s[start:end] != "secret" || start == 0 || s[start-1] != '_' || end >= len(s) || s[end] != '_' {
		return false
	}
	to := endOf(s, end+1, isAlnum)
	if to-end < 16 || strings.Trim(s[end+1:to], "abcdefghijklmnopqrstuvwxyz") == "" {
		return false
	}
	z.mask(end+1, to, markKey)
	return true
}

// signed finds a cookie's value as auth signs it.
func (z *scanner) signed(start, end int) bool {
	s := z.text
	if end-start < minSignedID || end+minSignature >= len(s) || s[end] != '.' {
		return false
	}
	inSignature := func(c byte) bool { return isBase64URL(c) || c == '+' || c == '/' }
	if endOf(s[:end+1+minSignature], end+1, inSignature) < end+1+minSignature {
		return false
	}
	to := endOf(s, end+1, func(c byte) bool { return inSignature(c) || c == '=' })
	z.mask(start, to, markToken)
	return true
}

// pem finds a PEM block. One without its end reaches to the end of the text.
func (z *scanner) pem() bool {
	const begin, ending, dashes = "-----BEGIN ", "-----END ", "-----"
	s := z.text
	if !strings.HasPrefix(s[z.i:], begin) {
		return false
	}
	to := len(s)
	if at := strings.Index(s[z.i:], ending); at >= 0 {
		label := z.i + at + len(ending)
		if closed := strings.Index(s[label:min(len(s), label+64)], dashes); closed >= 0 {
			to = label + closed + len(dashes)
		}
	}
	z.mask(z.i, to, markKey)
	return true
}
