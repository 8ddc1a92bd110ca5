package twofactor

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/codex-platform/codex/pkg/security"
)

const (
	period       = 30 // seconds of a time step
	window       = 1  // steps before and after the server's that are taken
	digits       = otp.DigitsSix
	secretLength = 32
	backupCodes  = 10
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// stepOf gives the time step whose code this is, or false. The key is the ASCII
// bytes of the secret, as in databases of better-auth.
func stepOf(secret, code string, now time.Time) (int64, bool) {
	at := now.Unix() / period
	for step := at - window; step <= at+window; step++ {
		ok, err := hotp.ValidateCustom(code, uint64(step), base32Text.EncodeToString([]byte(secret)), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return step, true
		}
	}
	return 0, false
}

// keyURI is what authenticator apps read from a QR code.
func keyURI(issuer, email, secret string) string {
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&digits=%d&period=%d",
		escape(issuer), escape(email), base32Text.EncodeToString([]byte(secret)), escape(issuer), digits, period)
}

// escape writes a blank as %20, which every app reads; some show a plus sign.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// newBackupCodes makes a set of codes, each worth 59 bits (MFA-04).
func newBackupCodes() []string {
	codes := make([]string, backupCodes)
	for i := range codes {
		code := security.Token(10)
		codes[i] = code[:5] + "-" + code[5:]
	}
	return codes
}

// sealCodes gives what is stored of backup codes.
func (t *TwoFactor) sealCodes(codes []string) (string, error) {
	text, err := json.Marshal(codes)
	if err != nil {
		return "", fmt.Errorf("seal backup codes: %w", err)
	}
	return t.Ring.Encrypt(text)
}

// without gives what is left of sealed backup codes without one of them, and
// whether it was there. Every code is compared, whichever fits.
func (t *TwoFactor) without(sealed, code string) (left string, found bool, err error) {
	text, err := t.Ring.Decrypt(sealed)
	if err != nil {
		return "", false, fmt.Errorf("open backup codes: %w", err)
	}
	var codes []string
	if err := json.Unmarshal(text, &codes); err != nil {
		return "", false, fmt.Errorf("read backup codes: %w", err)
	}
	at := -1
	for i := range codes {
		if subtle.ConstantTimeCompare([]byte(codes[i]), []byte(code)) == 1 {
			at = i
		}
	}
	if at < 0 {
		return "", false, nil
	}
	left, err = t.sealCodes(slices.Delete(codes, at, at+1))
	return left, true, err
}

// newMailedCode makes six digits.
func newMailedCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make code: %w", err)
	}
	return digits.Format(int32(n.Int64())), nil
}

// typed is a code without the blanks that people type or paste.
func typed(code string) string { return strings.Join(strings.Fields(code), "") }
