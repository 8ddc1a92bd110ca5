package observability

import "strings"

// assignment looks at a key that has just ended at i. When a value that has to
// be hidden follows, it is masked. The forms are those of headers, query
// strings, logfmt, JSON (also inside a JSON string), Go's %v and %+v, and libpq.
func (z *scanner) assignment() bool {
	s := z.text
	end := z.i
	level, quoted := quoteAt(s, end) // "key", or \"key\" in a string in a string
	p := end
	if quoted {
		p += level + 1
	}
	if p < len(s) && s[p] == ')' { // PostgreSQL's details: Key (email)=(…)
		p++
	}
	p = endOf(s, p, isBlank)
	if p >= len(s) || s[p] != '=' && s[p] != ':' || strings.HasPrefix(s[p:], "://") {
		return false
	}
	a := assigned{scanner: z, key: s[z.word:end], sep: s[p], quoted: quoted, level: level}
	a.kind = a.classify()
	if a.kind == open {
		return false
	}
	value := endOf(s, p+1, isBlank)
	a.spaced = value > p+1
	return value < len(s) && a.maskValue(value)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// quoteAt tells whether a quote stands at i, and behind how many backslashes.
func quoteAt(s string, i int) (level int, ok bool) {
	p := endOf(s, i, func(c byte) bool { return c == '\\' })
	return p - i, p < len(s) && (s[p] == '"' || s[p] == '\'')
}

// assigned is a key whose value has to be hidden.
type assigned struct {
	*scanner
	key    string
	kind   secrecy
	sep    byte // = or :
	quoted bool // the key was in quotes, as in JSON
	level  int  // backslashes in front of those quotes
	spaced bool // a blank follows the separator
}

func (a assigned) classify() secrecy {
	if at := a.word - 1; at >= 0 && (a.text[at] == '?' || a.text[at] == '&') {
		if inQuery[a.key] != open {
			return secret
		}
	}
	if at := a.word - len("api "); at >= 0 && strings.EqualFold(a.key, "key") && strings.EqualFold(a.text[at:a.word], "api ") {
		return secret
	}
	return classify(a.key)
}

// maskValue masks the value that begins at p.
func (a assigned) maskValue(p int) bool {
	s := a.text
	if level, ok := quoteAt(s, p); ok {
		from := p + level + 1
		return a.maskRange(from, closing(s, from, s[from-1], level), markRedacted)
	}
	switch c := s[p]; {
	case c == '[' || c == '{' || c == '(' && a.sep == '=':
		return a.maskRange(p, balanced(s, p), a.quote(markRedacted))
	case a.quoted:
		return a.maskLiteral(p)
	case a.sep == ':' && !a.spaced && a.depth > 0:
		return a.maskRange(p, endOfMember(s, p), markRedacted)
	}
	end := endOf(s, p, isValueByte)
	switch {
	case a.spaced && isProse(s, p, end):
		return false
	case a.kind == header:
		end = endOfLine(s, p)
	case isScheme(s[p:end]): // token: Bearer …
		end = endOf(s, endOf(s, end, isBlank), isValueByte)
	case a.kind == personal && a.sep == ':':
		end = endOf(s, p, func(c byte) bool { return c == ' ' || c == '.' || isValueByte(c) })
	}
	return a.maskRange(p, end, markRedacted)
}

// maskRange masks a value, unless it is empty or the code of an error.
func (a assigned) maskRange(from, to int, mark string) bool {
	value := a.text[from:to]
	if value == "" || a.kind == code && len(value) <= maxKey && harmlessCode(value) {
		return false
	}
	a.mask(from, to, mark)
	return true
}

// maskLiteral masks a number in JSON where a number is telling. Switches and null stay.
func (a assigned) maskLiteral(p int) bool {
	end := endOf(a.text, p, func(c byte) bool { return isKeyByte(c) || c == '+' })
	numbers := a.kind == numeric || a.kind == code || a.kind == personal
	if end == p || !numbers || !isDigit(a.text[p]) && a.text[p] != '-' {
		return false
	}
	return a.maskRange(p, end, a.quote(markRedacted))
}

// quote gives a mark the quotes that its key had: what was JSON stays JSON.
func (a assigned) quote(mark string) string {
	if !a.quoted {
		return mark
	}
	q := strings.Repeat(`\`, a.level) + `"`
	return q + mark + q
}

// closing gives the place of the quote, with its backslashes, that ends a
// string which begins at from: one that is escaped as often as the first one.
func closing(s string, from int, quote byte, level int) int {
	slashes := 0
	for i := from; i < len(s); i++ {
		switch s[i] {
		case '\\':
			slashes++
			continue
		case quote:
			if slashes%(2*(level+1)) == level {
				return i - level
			}
		}
		slashes = 0
	}
	return len(s)
}

// balanced gives the end of what a bracket opens, strings in quotes left aside.
func balanced(s string, from int) int {
	depth := 0
	for i := from; i < len(s); i++ {
		switch s[i] {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			if i = closing(s, i+1, '"', 0); i == len(s) {
				return i
			}
		}
	}
	return len(s)
}

// endOfMember gives the end of a member's value as Go prints structs and maps:
// {Password:two words Name:Ada}. The value ends at the next "Word:" or bracket.
func endOfMember(s string, from int) int {
	space := -1
	for i := from; i < len(s); i++ {
		switch c := s[i]; {
		case c == '}', c == ']':
			return i
		case c == ' ':
			space = i
		case c == ':' && space >= 0 && space+1 < i:
			return space
		case !isKeyByte(c):
			space = -1
		}
	}
	return len(s)
}

// endOfLine gives the end of a header's value: its line, or the quotes around it.
func endOfLine(s string, from int) int {
	return endOf(s, from, func(c byte) bool { return c != '\n' && c != '\r' && c != '"' })
}

// isValueByte tells whether c can be part of a value without quotes.
func isValueByte(c byte) bool {
	return !isSpace(c) && strings.IndexByte("&;,\"'<>)}]#`\\", c) < 0
}

// isProse tells whether the word behind "token: " is language rather than a
// value: errors read "verify token: signature does not match". It is lower
// case, and either more words or a colon follow it.
func isProse(s string, from, end int) bool {
	for i := from; i < end; i++ {
		if (s[i] < 'a' || s[i] > 'z') && (s[i] != ':' || i != end-1) {
			return false
		}
	}
	return end > from && (s[end-1] == ':' || end+1 < len(s) && s[end] == ' ' && (isAlnum(s[end+1]) || s[end+1] == '"'))
}
