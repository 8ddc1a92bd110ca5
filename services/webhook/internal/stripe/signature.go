package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far the time in a signature may lie from our clock, in either
// direction (WH-02). stripe-go bounds the past alone.
const Tolerance = 300 * time.Second

// The header of a delivery, and what it may hold.
const (
	SignatureHeader = "Stripe-Signature"
	maxSignature    = 4096 // bytes of the header
	maxSignatures   = 16   // v1 values in it: Stripe sends one for each live secret
	scheme          = "v1"
)

// Why a delivery is refused. The words are also the metric's labels.
var (
	ErrUnsigned       = errors.New("unsigned")
	ErrMalformed      = errors.New("malformed")
	ErrTooOld         = errors.New("too_old")
	ErrInFuture       = errors.New("in_future")
	ErrWrongSignature = errors.New("mismatch")
)

// Signatures checks who signed a delivery.
type Signatures struct {
	secrets [][]byte
	now     func() time.Time
}

// NewSignatures takes the endpoint's signing secrets; during a rotation there are
// several. None, or an empty one, is an error: with an empty secret anybody can
// sign.
func NewSignatures(secrets []string, now func() time.Time) (*Signatures, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no signing secret is set")
	}
	s := &Signatures{now: now}
	for i, secret := range secrets {
		if strings.TrimSpace(secret) == "" {
			return nil, fmt.Errorf("signing secret %d is empty", i+1)
		}
		s.secrets = append(s.secrets, []byte(secret))
	}
	return s, nil
}

// Verify checks a header against the raw bytes and gives the number of the secret
// that signed, from 1. Every secret is tried against every signature in constant
// time. Nothing of the body is parsed before.
func (s *Signatures) Verify(header string, body []byte) (secret int, err error) {
	at, signatures, err := readSignature(header)
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return 0, ErrMalformed
	}
	switch age := s.now().Sub(time.Unix(seconds, 0)); {
	case age > Tolerance:
		return 0, ErrTooOld
	case age < -Tolerance:
		return 0, ErrInFuture
	}
	for i := range s.secrets {
		want := mac(s.secrets[i], at, body)
		for _, given := range signatures {
			if hmac.Equal(want, given) {
				secret = i + 1
			}
		}
	}
	if secret == 0 {
		return 0, ErrWrongSignature
	}
	return secret, nil
}

// mac signs the time, a dot and the body.
func mac(secret []byte, at string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(at))
	h.Write([]byte{'.'})
	h.Write(body)
	return h.Sum(nil)
}

// readSignature takes t and the v1 values out of the header. Other schemes are
// skipped: v0 is for test events of long ago and proves nothing.
func readSignature(header string) (at string, signatures [][]byte, err error) {
	if header == "" {
		return "", nil, ErrUnsigned
	}
	if len(header) > maxSignature {
		return "", nil, ErrMalformed
	}
	for pair := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		switch name {
		case "t":
			if at != "" || !digits(value) {
				return "", nil, ErrMalformed
			}
			at = value
		case scheme:
			if given, err := hex.DecodeString(value); err == nil && len(given) == sha256.Size {
				signatures = append(signatures, given)
			}
		}
	}
	if at == "" || len(signatures) == 0 || len(signatures) > maxSignatures {
		return "", nil, ErrMalformed
	}
	return at, signatures, nil
}

// digits keeps the time to what Stripe writes: a sign or a blank would be signed
// as one text and read as another.
func digits(s string) bool {
	return s != "" && len(s) <= 12 && strings.Trim(s, "0123456789") == ""
}
