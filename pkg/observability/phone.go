package observability

// The digits of a telephone number: 15 at most with the country's (E.164); 7
// is the shortest that is not more often something else.
const (
	minPhone = 7
	maxPhone = 15
)

// international finds +49 (30) 1234-567 at the sign. It gives the range, empty if there is none.
func (z *scanner) international(at int) (from, to int) {
	s := z.text
	if joined(s, at-1) || at+1 >= len(s) || s[at+1] < '1' || s[at+1] > '9' {
		return 0, 0
	}
	g := groups(s, at+1)
	return at, g.end(minPhone, maxPhone)
}

// bracketed finds (030) 1234567 at the bracket.
func (z *scanner) bracketed(at int) (from, to int) {
	s := z.text
	if joined(s, at-1) || at+1 >= len(s) || !isDigit(s[at+1]) && s[at+1] != '+' {
		return 0, 0
	}
	begin := at + 1
	if s[begin] == '+' {
		begin++
	}
	g := groups(s, begin)
	if g.n < 2 || g.len[0] > 5 || s[g.ends[0]] != ')' {
		return 0, 0
	}
	return at, g.end(minPhone, maxPhone)
}

// national finds a number without a sign: 0049 30 1234567, 030 1234567,
// 01711234567, 555-123-4567. Plain numbers, dates and addresses of hosts are none.
func (z *scanner) national(start int) (to int) {
	s := z.text
	g := groups(s, start)
	if g.n == 0 {
		return 0
	}
	zeros := endOf(s[:g.ends[0]], start, func(c byte) bool { return c == '0' }) - start
	switch {
	case zeros == 2 && g.n == 1:
		return g.end(12, maxPhone+2) // fewer digits are a number with leading zeros
	case zeros == 2 && (g.len[0] > 2 || s[g.ends[0]+1] != '0'):
		return g.end(9, maxPhone+2)
	case zeros != 1:
		return g.northAmerican(s, start)
	case g.n == 1:
		return g.end(10, 12)
	case g.len[0] < 2 || g.isDate():
		return 0
	}
	return g.end(minPhone, 13)
}

// grouped is a number in groups of digits.
type grouped struct {
	n    int // groups
	len  [8]int
	ends [8]int // where each group ends in the text
}

// groups reads digits in groups, parted by up to two of " -./()". It looks at
// no more than 8 groups and 18 digits.
func groups(s string, p int) (g grouped) {
	total := 0
	for g.n < len(g.len) {
		end := p
		for end < len(s) && isDigit(s[end]) && total <= maxPhone+2 {
			end++
			total++
		}
		if end == p || joined(s, end) {
			return g // a word: abc, or more digits than a telephone has
		}
		g.len[g.n], g.ends[g.n] = end-p, end
		g.n++
		for p = end; p < len(s) && p < end+2 && isPhoneGap(s[p]); p++ {
		}
		if p == end {
			return g
		}
	}
	return g
}

func isPhoneGap(c byte) bool {
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')'
}

// end gives the end of the longest row of groups with so many digits, or 0.
func (g grouped) end(least, most int) (to int) {
	total := 0
	for i := range g.n {
		if total += g.len[i]; total >= least && total <= most {
			to = g.ends[i]
		}
	}
	return to
}

// isDate tells whether the groups begin like 05.11.2026.
func (g grouped) isDate() bool {
	return g.n >= 3 && g.len[0] == 2 && g.len[1] == 2 && g.len[2] == 4
}

// northAmerican finds 555-123-4567, with one kind of gap, perhaps behind a 1.
func (g grouped) northAmerican(s string, start int) (to int) {
	at := 0
	if g.n == 4 && g.len[0] == 1 && s[start] == '1' {
		start, at = g.ends[0]+1, 1
	}
	if g.n != at+3 || g.len[at] != 3 || g.len[at+1] != 3 || g.len[at+2] != 4 {
		return 0
	}
	gap := s[g.ends[at]]
	if s[g.ends[at+1]] != gap || gap != '-' && gap != '.' && gap != ' ' {
		return 0
	}
	if second := g.ends[at] + 1; gap == ' ' && (s[start] < '2' || s[second] < '2') {
		return 0 // with blanks, only what the numbering plan has: 200 104 5000 are three numbers
	}
	return g.ends[at+2]
}
