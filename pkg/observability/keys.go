package observability

import "strings"

// secrecy says what a key tells about its value.
type secrecy uint8

const (
	open     secrecy = iota // nothing: the value is searched for patterns
	secret                  // text is a secret; numbers and switches are not (tokens_left, password_set)
	header                  // as secret, and in free text it reaches to the end of the line
	personal                // a name, a postal address, a birth date
	numeric                 // a secret or personal also when it is a number: codes, cards, telephones
	code                    // a one-time code, unless it looks like the code of an error or an exit
)

// exact lists the keys whose whole name decides, in lower case without separators.
// The open ones are in nearly every line; naming them saves the search of their parts.
var exact = keySet(map[secrecy]string{
	open:     "time level msg err service traceid spanid requestid method route path status took bytes client userid useragent reason",
	secret:   "pwd pass jwt sig dsn",
	header:   "authorization proxyauthorization cookie setcookie",
	personal: "name firstname lastname fullname displayname givenname familyname middlename maidenname surname nickname username cardholder cardholdername accountholder customername recipientname contactname legalname address postaladdress streetaddress homeaddress billingaddress shippingaddress addressline1 addressline2 addressline3 line1 line2 street streetname housenumber postalcode postcode zip zipcode city birthdate birthday dateofbirth dob birth born",
	numeric:  "otp totp hotp pin cvc cvv cvv2 csc pan card cardnumber creditcard iban bban accountnumber routingnumber sortcode ssn taxid passport nationalid phone phonenumber mobile mobilenumber telephone tel fax msisdn email emailaddress mail otpcode totpcode smscode authcode accesscode securitycode verificationcode onetimecode backupcode backupcodes recoverycode recoverycodes authorizationcode",
	code:     "code",
})

// inQuery lists keys that are harmless words elsewhere, but secrets in the query of a URL.
var inQuery = keySet(map[secrecy]string{secret: "code state key sig"})

// within lists the words that make a key a secret wherever they stand in it.
var within = []string{
	"password", "passwd", "passphrase", "secret", "token", "cookie", "authorization", "credential", "signature",
	"apikey", "privatekey", "accesskey", "signingkey", "encryptionkey", "masterkey",
	"jwt", "bearer", "sessiondata", "codeverifier", "signedurl", "signedlink", "magiclink", "connectionstring",
}

// ends lists the last words that make a key personal: user_email, home_phone.
var ends = []string{"email", "phone", "iban", "otp"}

// about lists the last words that make a key tell something about a secret, not the secret.
var about = []string{"id", "ids", "type", "at", "count", "ttl", "length", "kind", "version", "endpoint", "name", "domain", "path"}

func keySet(words map[secrecy]string) map[string]secrecy {
	set := map[string]secrecy{}
	for s, list := range words {
		for word := range strings.FieldsSeq(list) {
			set[word] = s
		}
	}
	return set
}

// maxKey is how much of a key's end is looked at, in bytes: enough for every
// word above, and a bound on the work for a key that a client made up.
const maxKey = 48

// classify says what a key tells about its value. Case and separators do not
// matter: X-Api-Key, apiKey and api_key are one.
func classify(key string) secrecy {
	var buffer [maxKey]byte
	bare := normalize(&buffer, key)
	if len(bare) < 3 {
		return open
	}
	if s, ok := exact[string(bare)]; ok { // the compiler makes no copy here
		return s
	}
	return classifyParts(string(bare))
}

func classifyParts(bare string) secrecy {
	for _, word := range ends {
		if strings.HasSuffix(bare, word) {
			return numeric
		}
	}
	for _, word := range within {
		if strings.Contains(bare, word) && !isAbout(bare) {
			return secret
		}
	}
	return open
}

func isAbout(bare string) bool {
	for _, word := range about {
		if strings.HasSuffix(bare, word) {
			return true
		}
	}
	return false
}

// normalize writes the last letters and digits of a key in lower case.
func normalize(buffer *[maxKey]byte, key string) []byte {
	at := maxKey
	for i := len(key) - 1; i >= 0 && at > 0; i-- {
		c := key[i]
		if classes[c] == joint || c == ' ' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		at--
		buffer[at] = c
	}
	return buffer[at:]
}

// isPlainKey tells whether a key is a short word, as keys in code are.
func isPlainKey(key string) bool {
	return len(key) <= maxKey && endOf(key, 0, isKeyByte) == len(key)
}

// harmlessCode tells whether the value of a key "code" is the code of an
// error, a status or an exit: NOT_FOUND, INTERNAL, 404, 23505. What else has
// this name is a one-time code or an OAuth code.
func harmlessCode(value string) bool {
	digits, upper, lines := 0, 0, 0
	for i := range len(value) {
		switch c := value[i]; {
		case '0' <= c && c <= '9':
			digits++
		case 'A' <= c && c <= 'Z':
			upper++
		case c == '_':
			lines++
		default:
			return false
		}
	}
	if upper == 0 {
		return digits <= 5
	}
	return digits == 0 || lines > 0 && digits <= 2
}
