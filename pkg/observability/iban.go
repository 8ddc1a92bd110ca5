package observability

// ibanLengths holds the countries of the IBAN registry, each with the length of its numbers.
const ibanLengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23" +
	"GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28" +
	"NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"

var ibans = func() map[[2]byte]int {
	m := map[[2]byte]int{}
	for i := 0; i < len(ibanLengths); i += 4 {
		m[[2]byte{ibanLengths[i], ibanLengths[i+1]}] = int(ibanLengths[i+2]-'0')*10 + int(ibanLengths[i+3]-'0')
	}
	return m
}()

// ibanEnd gives the end of an account number that begins at start, or 0. The
// country says how long it is; blanks or hyphens may part it; the checksum
// (ISO 7064, MOD 97-10) decides, so that an id that looks alike stays whole.
func ibanEnd(s string, start int) int {
	if start+15 > len(s) || !isDigit(s[start+2]) || !isDigit(s[start+3]) {
		return 0
	}
	want := ibans[[2]byte{upper(s[start]), upper(s[start+1])}]
	if want == 0 {
		return 0
	}
	var number [34]byte
	n, p := 0, start
	for ; p < len(s) && n < want; p++ {
		switch c := s[p]; {
		case isAlnum(c):
			number[n] = upper(c)
			n++
		case c != ' ' && c != '-' || !isAlnum(s[p-1]):
			return 0
		}
	}
	if n < want || joined(s, p) || !mod97(number[:n]) {
		return 0
	}
	return p
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// mod97 reads the number with its first four characters last and letters as
// 10 to 35, and tells whether 97 leaves a rest of 1.
func mod97(number []byte) bool {
	rest := 0
	for i := range number {
		c := number[(i+4)%len(number)]
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}
