package observability

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// class sorts bytes by what the scanner does with them.
type class uint8

const (
	plain class = iota
	alnum       // letters and digits
	joint       // _ - . which hold a key together
	sign        // may begin or end something
	high        // may be part of an invisible character
)

var classes = func() (t [256]class) {
	for c := range t {
		switch b := byte(c); {
		case isAlnum(b):
			t[c] = alnum
		case b == 0x7f, b == 0xc2, b == 0xd8, b == 0xe2:
			t[c] = high
		}
	}
	for _, c := range []byte("_-.") {
		t[c] = joint
	}
	for _, c := range []byte("{}[]+(@=:/\"')\\") {
		t[c] = sign
	}
	return t
}()

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isKeyByte tells whether c can be part of a key in free text.
func isKeyByte(c byte) bool { return classes[c] == alnum || classes[c] == joint }

// isTokenByte tells whether c can be part of a base64url token with its dots.
func isTokenByte(c byte) bool { return isKeyByte(c) }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// endOf gives the end of the run of bytes that fit, from a place on.
func endOf(text string, from int, fits func(byte) bool) int {
	for from < len(text) && fits(text[from]) {
		from++
	}
	return from
}

// joined tells whether the byte at i would make a longer word of what ends or
// begins beside it.
func joined(text string, i int) bool {
	return i >= 0 && i < len(text) && (classes[text[i]] == alnum || text[i] == '_')
}

const uuidLength = 36

// isUUID tells whether the 8-4-4-4-12 form of a UUID begins at i.
func isUUID(text string, i int) bool {
	if i+uuidLength > len(text) || joined(text, i+uuidLength) {
		return false
	}
	for j := range uuidLength {
		c := text[i+j]
		if j == 8 || j == 13 || j == 18 || j == 23 {
			if c != '-' {
				return false
			}
		} else if unhex(c) < 0 {
			return false
		}
	}
	return true
}

// escapeInvisible spells out a character that JSON would pass on, but that can
// steer a terminal or turn the writing direction: DEL, the C1 controls (U+009B
// begins an ANSI sequence), the bidirectional marks.
func (z *scanner) escapeInvisible() bool {
	r, size := utf8.DecodeRuneInString(z.text[z.i:])
	if !unicode.In(r, unicode.Cc, unicode.Bidi_Control) {
		return false
	}
	z.mask(z.i, z.i+size, fmt.Sprintf(`\u%04x`, r))
	return true
}
