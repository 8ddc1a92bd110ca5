package observability

// maxCard is the greatest number of digits of a payment card (ISO/IEC 7812).
const maxCard = 19

// number looks at a run of digits: a card, a telephone, or nothing.
func (z *scanner) number(start, end int) bool {
	s := z.text
	switch {
	case end-start > maxCard, start > 0 && s[start-1] == '_':
		return false
	case start > 1 && s[start-1] == '.' && isDigit(s[start-2]): // the digits of 0.4111111111111111
		return false
	}
	if to := cardEnd(s, start); to > 0 {
		z.mask(start, to, markCard)
		return true
	}
	if start > 1 && s[start-1] == '-' && joined(s, start-2) {
		return false // the middle of a date or an id
	}
	return z.phone(start, z.national(start))
}

// phone masks text[from:to] as a telephone number, if there is one.
func (z *scanner) phone(from, to int) bool {
	if to <= from {
		return false
	}
	z.mask(from, to, markPhone)
	return true
}

// cardEnd gives the end of a payment card's number that begins at start, or 0.
// The digits may be in groups, parted by one blank or hyphen each, and other
// numbers may follow: every end of a group is tried.
func cardEnd(s string, start int) int {
	var digits [maxCard]byte
	n := 0
	for p := start; ; p++ {
		for ; p < len(s) && isDigit(s[p]); p++ {
			if n == maxCard {
				return 0
			}
			digits[n] = s[p] - '0'
			n++
		}
		if !joined(s, p) && isCard(digits[:n]) {
			return p
		}
		if p+1 >= len(s) || s[p] != ' ' && s[p] != '-' || !isDigit(s[p+1]) {
			return 0
		}
	}
}

// isCard tells whether digits are the number of a payment card: a prefix and a
// length that the schemes use, and the check digit. The prefixes keep apart
// what passes the check digit by chance, one number in ten: times in
// milliseconds, versions made of a date, sizes.
func isCard(digits []byte) bool {
	n := len(digits)
	if n < 13 || !luhn(digits) {
		return false
	}
	four := int(digits[0])*1000 + int(digits[1])*100 + int(digits[2])*10 + int(digits[3])
	switch {
	case digits[0] == 4: // Visa
		return n == 13 || n == 16 || n == 19
	case four >= 2221 && four <= 2720: // Mastercard
		return n == 16
	case four/100 == 34 || four/100 == 37: // American Express
		return n == 15
	case four/100 == 36 || four/10 >= 300 && four/10 <= 305 || four/100 == 38 || four/100 == 39: // Diners
		return n >= 14
	case four >= 3528 && four <= 3589: // JCB
		return n >= 16
	case digits[0] == 5: // Mastercard, Maestro
		return n == 16 || four/100 != 59 && n >= 13
	case digits[0] == 6: // Discover, UnionPay, Maestro, RuPay
		return n >= 13
	}
	return false
}

// luhn tells whether the last digit checks the others (ISO/IEC 7812-1, annex B).
func luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
