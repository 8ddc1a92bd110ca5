package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"
)

// issuer signs ES256 tokens, the one algorithm that the gateway and HAProxy
// both know. Standard library only: it shares no code with what it measures.
type issuer struct {
	name string // iss and aud
	key  *ecdsa.PrivateKey
}

func newIssuer(name string) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &issuer{name, key}, err
}

var base64url = base64.RawURLEncoding

// jwks is the public key set.
func (i *issuer) jwks() ([]byte, error) {
	point, err := i.key.PublicKey.ECDH()
	if err != nil {
		return nil, err
	}
	xy := point.Bytes()[1:]
	return json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "kid": "bench", "alg": "ES256", "use": "sig",
		"x": base64url.EncodeToString(xy[:32]), "y": base64url.EncodeToString(xy[32:]),
	}}})
}

// pem is the public key as HAProxy reads it.
func (i *issuer) pem() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(&i.key.PublicKey)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// token is an access token of one of the bench's users, good for an hour.
func (i *issuer) token(user int) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": i.name, "aud": i.name, "sub": fmt.Sprintf("user-%06d", user), "sid": fmt.Sprintf("session-%06d", user),
		"jti": fmt.Sprintf("token-%06d", user), "role": "user", "email_verified": true,
		"iat": now.Unix() - 5, "nbf": now.Unix() - 5, "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := base64url.EncodeToString([]byte(`{"alg":"ES256","kid":"bench","typ":"JWT"}`)) + "." + base64url.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, digest[:])
	if err != nil {
		return "", err
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return signed + "." + base64url.EncodeToString(signature), nil
}
