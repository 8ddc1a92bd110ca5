package forgery

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
)

// pkcs1 are RS256 signatures that are none: paddings that a lax reader accepts
// (RFC 8017 §9.2, CVE-2006-4339 and its kin; Wycheproof's rsa_signature_2048_sha256
// test), each raised to the private exponent as a signer would.
func (f Forge) pkcs1(t testing.TB) map[string]string {
	t.Helper()
	signed := Encode(t, With(f.Header(), Members{"alg": "RS256", "kid": "rs"})) + "." + Encode(t, f.Claims())
	sum := sha256.Sum256([]byte(signed))
	size := f.RSA.Size()
	raw := func(signature []byte) string { return signed + "." + B64(signature) }
	power := func(message []byte) []byte {
		return new(big.Int).Exp(new(big.Int).SetBytes(message), f.RSA.D, f.RSA.N).FillBytes(make([]byte, size))
	}
	// info is 00 01 FF… 00 and then this DigestInfo, as long as the key.
	info := func(head string, tail ...byte) string {
		digest := slices.Concat(unhex(t, head), sum[:], tail)
		filling := size - 3 - len(digest)
		return raw(power(slices.Concat([]byte{0, 1}, ones(filling), []byte{0}, digest)))
	}
	const good = "3031300d060960864801650304020105000420"
	rest := slices.Concat(unhex(t, good), sum[:])
	filling := size - 3 - len(rest)
	message := func(first, kind byte, filled []byte, end byte) string {
		return raw(power(slices.Concat([]byte{first, kind}, filled, []byte{end}, rest)))
	}
	// short has too little filling and the room behind the digest is free.
	short := func(filled int, fill byte) string {
		m := slices.Concat([]byte{0, 1}, ones(filled), []byte{0}, rest)
		return raw(power(append(m, bytes.Repeat([]byte{fill}, size-len(m))...)))
	}
	right, err := rsa.SignPKCS1v15(nil, f.RSA, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	probabilistic, err := rsa.SignPSS(rand.Reader, f.RSA, crypto.SHA256, sum[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	if info(good) != raw(right) {
		t.Fatal("the forger's own padding is not PKCS #1's")
	}
	return map[string]string{
		"RS256: DigestInfo without NULL":          info("302f300b0609608648016503040201" + "0420"),
		"RS256: an empty list in NULL's place":    info("3031300d060960864801650304020130000420"),
		"RS256: a length in long form":            info("308131300d060960864801650304020105000420"),
		"RS256: the OID of SHA-1":                 info("302d300906052b0e03021a05000420"),
		"RS256: the OID of SHA-224":               info("3031300d060960864801650304020405000420"),
		"RS256: the OID of SHA-384":               info("3031300d060960864801650304020205000420"),
		"RS256: the OID of SHA-512":               info("3031300d060960864801650304020305000420"),
		"RS256: the OID of SHA-512/256":           info("3031300d060960864801650304020605000420"),
		"RS256: the OID of SHA3-256":              info("3031300d060960864801650304020805000420"),
		"RS256: the digest without DigestInfo":    info(""),
		"RS256: the digest in an octet string":    info("0420"),
		"RS256: a byte behind the digest":         info("3031300d060960864801650304020105000420", 0),
		"RS256: a byte inside behind the digest":  info("3032300d060960864801650304020105000421", 0),
		"RS256: no filling, the rest zeros":       short(0, 0),
		"RS256: eight bytes of filling and zeros": short(8, 0),
		"RS256: eight bytes of filling and ones":  short(8, 0xff),
		"RS256: one byte of filling too few":      short(filling-1, 0),
		"RS256: first byte 1":                     message(1, 1, ones(filling), 0),
		"RS256: block type 0":                     message(0, 0, make([]byte, filling), 0),
		"RS256: block type 2":                     message(0, 2, ones(filling), 0),
		"RS256: a wrong byte in the filling":      message(0, 1, flip(ones(filling), filling/2, 1), 0),
		"RS256: the filling begins with a zero":   message(0, 1, flip(ones(filling), 0, 0xff), 0),
		"RS256: no zero behind the filling":       message(0, 1, ones(filling), 1),
		"RS256: 0":                                raw(make([]byte, size)),
		"RS256: 1":                                raw(big.NewInt(1).FillBytes(make([]byte, size))),
		"RS256: n - 1":                            raw(new(big.Int).Sub(f.RSA.N, big.NewInt(1)).FillBytes(make([]byte, size))),
		"RS256: n":                                raw(f.RSA.N.FillBytes(make([]byte, size))),
		"RS256: all ones":                         raw(ones(size)),
		"RS256: the same and n":                   raw(new(big.Int).Add(new(big.Int).SetBytes(right), f.RSA.N).FillBytes(make([]byte, size+1))),
		"RS256: a zero in front":                  raw(append([]byte{0}, right...)),
		"RS256: a zero behind":                    raw(append(slices.Clone(right), 0)),
		"RS256: a byte too few":                   raw(right[:size-1]),
		"RS256: the message itself":               raw(slices.Concat([]byte{0, 1}, ones(filling), []byte{0}, rest)),
		"RS256: negated":                          raw(new(big.Int).Sub(f.RSA.N, new(big.Int).SetBytes(right)).FillBytes(make([]byte, size))),
		"RS256: the least byte first":             raw(reversed(right)),
		"RS256: PSS under RS256's name":           raw(probabilistic),
		"RS256: of a digest of zeros":             f.zeros(t, signed),
	}
}

func (f Forge) zeros(t testing.TB, signed string) string {
	t.Helper()
	signature, err := rsa.SignPKCS1v15(nil, f.RSA, crypto.SHA256, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + B64(signature)
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
