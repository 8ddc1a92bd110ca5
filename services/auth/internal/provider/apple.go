package provider

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// AppleKey is what Apple takes in the place of a client secret.
type AppleKey struct {
	Team string
	ID   string
	PEM  string // the private key (.p8)
}

// secretLife is how long a client secret for Apple lives: one call.
const secretLife = 5 * time.Minute

// Apple is appleid.apple.com. It posts its answer, and tells the name of its
// user there, once.
func Apple(o Options, key AppleKey) (*Provider, error) {
	private, err := jwk.ParseKey([]byte(key.PEM), jwk.WithPEM(true))
	if err != nil {
		return nil, fmt.Errorf("not a private key in PEM")
	}
	var raw ecdsa.PrivateKey
	if private.Raw(&raw) != nil || raw.Curve.Params().BitSize != 256 {
		return nil, fmt.Errorf("not a key for ES256")
	}
	if len(o.Scopes) == 0 {
		o.Scopes = []string{"name", "email"}
	}
	p := usual(o, appleDocument)
	p.FormPost = true
	p.secret = func(now time.Time) (string, error) { return key.sign(&raw, p.ClientIDs[0], p.URL, now) }
	return p, nil
}

func (k AppleKey) sign(private *ecdsa.PrivateKey, client, audience string, now time.Time) (string, error) {
	token, err := jwt.NewBuilder().Issuer(k.Team).Subject(client).Audience([]string{audience}).
		IssuedAt(now).Expiration(now.Add(secretLife)).Build()
	if err != nil {
		return "", fmt.Errorf("client secret: %w", err)
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.KeyIDKey, k.ID); err != nil {
		return "", fmt.Errorf("client secret: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256, private, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return "", fmt.Errorf("client secret: %w", err)
	}
	return string(signed), nil
}

// NameOf reads the name out of the "user" member that Apple adds to its first
// answer. It is not signed: nothing but the name is taken, and only where the
// provider says none.
func NameOf(user string) string {
	var said struct {
		Name struct {
			First string `json:"firstName"`
			Last  string `json:"lastName"`
		} `json:"name"`
	}
	if json.Unmarshal([]byte(user), &said) != nil {
		return ""
	}
	return shown(strings.TrimSpace(said.Name.First + " " + said.Name.Last))
}
