package stripetest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"
)

// Signature gives the v1 signature of a payload: HMAC-SHA256 over the time and the
// bytes, in hex (https://docs.stripe.com/webhooks#verify-manually).
func Signature(secret string, at time.Time, payload []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.", at.Unix())
	mac.Write(payload)
	return hex.EncodeToString(mac.Sum(nil))
}

// Sign gives the Stripe-Signature header of a payload.
func Sign(secret string, at time.Time, payload []byte) string {
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), Signature(secret, at, payload))
}

// NewRequest makes a delivery as Stripe makes it.
func NewRequest(url, secret string, at time.Time, payload []byte) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("make a delivery: %w", err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	r.Header.Set("Stripe-Signature", Sign(secret, at, payload))
	return r, nil
}
