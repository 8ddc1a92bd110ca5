package validation

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFileName is the length of a file name in bytes, as on most file systems.
const maxFileName = 255

// maxExtension is the longest ending, in bytes, that survives when a name is cut.
const maxExtension = 32

// ErrFileName refuses what cleaning leaves nothing usable of.
var ErrFileName = &Error{Field: "name", Detail: "is not a usable file name"}

// FileName is the name a person gave a file. It is data: shown, sorted, put
// in a download's header, never part of a path (STO-02), so that reserved
// names such as "con" need no care. It is NFC, 1 to 255 bytes, without
// separators, control characters and marks that change how other text is shown.
type FileName string

// CleanFileName makes a file name of what a client calls a file: the part
// behind the last separator, without what FileName does not hold, cut to its
// length with the ending kept. It gives ErrFileName when nothing is left.
func CleanFileName(text string) (FileName, error) {
	if i := strings.LastIndexAny(text, `/\`); i >= 0 {
		text = text[i+1:]
	}
	// The invisible goes before NFC: a mark between a letter and its accent would keep them apart.
	name := norm.NFC.String(strings.Map(visible, strings.ToValidUTF8(text, "")))
	name = cutName(strings.TrimSpace(name))
	if strings.Trim(name, ".") == "" {
		return "", ErrFileName
	}
	return FileName(name), nil
}

// UnmarshalText cleans a name from JSON, path or query: people pick files,
// they do not type names, and a browser may send a path.
func (n *FileName) UnmarshalText(text []byte) (err error) {
	*n, err = CleanFileName(string(text))
	return err
}

// String gives the name.
func (n FileName) String() string { return string(n) }

// visible drops control characters, line and paragraph separators and format
// characters: writing direction (a name could hide its ending), zero width
// blanks, byte order marks. The two joiners stay, scripts and emoji need them.
func visible(r rune) rune {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	switch {
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs), r == utf8.RuneError:
		return -1
	}
	return r
}

// cutName shortens a name to maxFileName bytes at the border of a rune, and
// keeps its ending, by which programs know the kind of file.
func cutName(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	stem, ending := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= maxExtension {
		stem, ending = name[:i], name[i:]
	}
	at := maxFileName - len(ending)
	for at > 0 && !utf8.RuneStart(stem[at]) {
		at--
	}
	return strings.TrimRight(stem[:at], " ") + ending
}
