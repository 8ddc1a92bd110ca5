package forgery

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"
)

// texts are attacks on how JSON is read, each with a good signature: what two
// readers could read in two ways must be refused.
func (f Forge) texts(t testing.TB) map[string]string {
	t.Helper()
	payload, err := json.Marshal(f.Claims())
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"alg":"EdDSA","kid":"ed"}`
	head := func(text string) string { return SignEd(f.Ed, B64([]byte(text))+"."+B64(payload)) }
	claims := func(text string) string { return SignEd(f.Ed, B64([]byte(good))+"."+B64([]byte(text))) }
	swap := func(old, next string) string { return claims(strings.Replace(string(payload), old, next, 1)) }
	var wide []byte
	for _, unit := range utf16.Encode([]rune(string(payload))) {
		wide = append(wide, byte(unit>>8), byte(unit))
	}
	return map[string]string{
		"JSON header: empty":                         head(""),
		"JSON header: a blank":                       head(" "),
		"JSON header: a string":                      head(`"EdDSA"`),
		"JSON header: a list":                        head(`[` + good + `]`),
		"JSON header: a number":                      head(`1`),
		"JSON header: behind a byte order mark":      head("\ufeff" + good),
		"JSON header: cut off":                       head(`{"alg":"EdDSA","kid":"ed"`),
		"JSON header: a comma at the end":            head(`{"alg":"EdDSA","kid":"ed",}`),
		"JSON header: no colon":                      head(`{"alg" "EdDSA","kid":"ed"}`),
		"JSON header: single quotes":                 head(`{'alg':'EdDSA','kid':'ed'}`),
		"JSON header: a comment":                     head(`{"alg":"EdDSA",/* */"kid":"ed"}`),
		"JSON header: names without quotes":          head(`{alg:"EdDSA",kid:"ed"}`),
		"JSON header: alg twice, once escaped":       head(`{"alg":"EdDSA","kid":"ed","\u0061lg":"none"}`),
		"JSON header: kid twice":                     head(`{"alg":"EdDSA","kid":"ed","kid":"ec"}`),
		"JSON header: crit escaped":                  head(`{"alg":"EdDSA","kid":"ed","cr\u0069t":["x"]}`),
		"JSON header: jwk null":                      head(`{"alg":"EdDSA","kid":"ed","jwk":null}`),
		"JSON header: alg with a blank":              head(`{"alg":"EdDSA ","kid":"ed"}`),
		"JSON header: alg with a NUL":                head(`{"alg":"EdDSA\u0000","kid":"ed"}`),
		"JSON header: alg in a list":                 head(`{"alg":["EdDSA"],"kid":"ed"}`),
		"JSON header: alg true":                      head(`{"alg":true,"kid":"ed"}`),
		"JSON header: alg by its number":             head(`{"alg":-8,"kid":"ed"}`),
		"JSON header: the fully named Ed25519":       head(`{"alg":"Ed25519","kid":"ed"}`),
		"JSON header: kid with a NUL behind":         head(`{"alg":"EdDSA","kid":"ed\u0000"}`),
		"JSON header: kid null":                      head(`{"alg":"EdDSA","kid":null}`),
		"JSON header: kid half a surrogate":          head(`{"alg":"EdDSA","kid":"\ud800"}`),
		"JSON header: a raw line end in a text":      head("{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"x\":\"a\nb\"}"),
		"JSON header: 2,000 levels deep":             head(`{"alg":"EdDSA","kid":"ed","x":` + strings.Repeat("[", 2000) + `}`),
		"JSON header: typ null":                      head(`{"alg":"EdDSA","kid":"ed","typ":null}`),
		"JSON header: typ of DPoP":                   head(`{"alg":"EdDSA","kid":"ed","typ":"dpop+jwt"}`),
		"JSON claims: empty":                         claims(""),
		"JSON claims: a string":                      claims(`"user1"`),
		"JSON claims: behind a byte order mark":      claims("\ufeff" + string(payload)),
		"JSON claims: UTF-16":                        claims(string(wide)),
		"JSON claims: cut off":                       claims(string(payload[:len(payload)-1])),
		"JSON claims: a second object":               claims(string(payload) + string(payload)),
		"JSON claims: a NUL behind":                  claims(string(payload) + "\x00"),
		"JSON claims: exp twice":                     claims(`{"exp":9999999999,` + string(payload[1:])),
		"JSON claims: exp twice, once escaped":       claims(`{"\u0065xp":9999999999,` + string(payload[1:])),
		"JSON claims: exp in capitals":               swap(`"exp"`, `"EXP"`),
		"JSON claims: sub in capitals":               swap(`"sub"`, `"Sub"`),
		"JSON claims: exp not a number":              swap(`"exp":`, `"exp":NaN,"x":`),
		"JSON claims: exp endless":                   swap(`"exp":`, `"exp":Infinity,"x":`),
		"JSON claims: exp of a huge power":           swap(`"exp":`, `"exp":1e999999999,"x":`),
		"JSON claims: exp beyond a float":            swap(`"exp":`, `"exp":1e400,"x":`),
		"JSON claims: exp of 4,000 digits":           swap(`"exp":`, `"exp":`+strings.Repeat("9", 4000)+`,"x":`),
		"JSON claims: exp in hexadecimal":            swap(`"exp":`, `"exp":0x7fffffff,"x":`),
		"JSON claims: exp with a plus":               swap(`"exp":`, `"exp":+9999999999,"x":`),
		"JSON claims: exp with zeros in front":       swap(`"exp":`, `"exp":09999999999,"x":`),
		"JSON claims: exp true":                      swap(`"exp":`, `"exp":true,"x":`),
		"JSON claims: exp an object":                 swap(`"exp":`, `"exp":{},"x":`),
		"JSON claims: sub half a surrogate":          swap(`"user1"`, `"\udc00user1"`),
		"JSON claims: sub of other letters":          swap(`"user1"`, `"usеr1"`), // the second e is Cyrillic
		"JSON claims: sub with a blank":              swap(`"user1"`, `"user1 "`),
		"JSON claims: sub null":                      swap(`"user1"`, `null`),
		"JSON claims: aud a number":                  swap(`"aud":`, `"aud":1,"x":`),
		"JSON claims: aud a list of lists":           swap(`"aud":`, `"aud":[["`+f.Site+`"]],"x":`),
		"JSON claims: aud null":                      swap(`"aud":`, `"aud":null,"x":`),
		"JSON claims: iss null":                      swap(`"iss":`, `"iss":null,"x":`),
		"JSON claims: iss in capitals":               swap(f.Site+`"`, strings.ToUpper(f.Site)+`"`),
		"JSON claims: nbf a string":                  swap(`{`, `{"nbf":"0",`),
		"JSON claims: sub of another issuer's users": swap(`"user1"`, `"oidc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`),
	}
}
