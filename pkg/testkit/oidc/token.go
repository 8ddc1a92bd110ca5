package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// key is the provider's signing key.
type key struct {
	private jwk.Key
	alg     jwa.SignatureAlgorithm
}

// keyID is the name of every key, new or old: that is how some providers rotate.
const keyID = "the-key"

func algorithm(useRSA bool) jwa.SignatureAlgorithm {
	if useRSA {
		return jwa.RS256
	}
	return jwa.ES256
}

func newKey(useRSA bool) key {
	var raw any
	var err error
	alg := algorithm(useRSA)
	if useRSA {
		raw, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		raw, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	must(err)
	private, err := jwk.FromRaw(raw)
	must(err)
	must(private.Set(jwk.KeyIDKey, keyID))
	must(private.Set(jwk.AlgorithmKey, alg))
	return key{private, alg}
}

func (k key) public() jwk.Set {
	set := jwk.NewSet()
	public, err := k.private.PublicKey()
	must(err)
	must(set.AddKey(public))
	return set
}

// IDToken gives an ID token as a client on a telephone gets it.
func (s *Server) IDToken(p Person, nonce string) string {
	s.mu.Lock()
	f := s.faults
	s.mu.Unlock()
	return s.idToken(p, nonce, f)
}

func (s *Server) idToken(p Person, nonce string, f Faults) string {
	now := s.Now()
	claims := map[string]any{"iss": s.URL, "aud": s.ClientID, "sub": p.Subject, "iat": now.Unix(), "exp": now.Add(s.TTL).Unix(), "nonce": nonce}
	if !f.Thin {
		maps.Copy(claims, claimsOf(p))
	}
	maps.Copy(claims, s.Extra)
	wrong := func(on bool, name string, value any) {
		if on {
			claims[name] = value
		}
	}
	wrong(f.WrongIssuer, "iss", "https://other.example")
	wrong(f.WrongAudience, "aud", "another-client")
	wrong(f.OtherParty, "azp", "another-client")
	wrong(f.Expired, "exp", now.Add(-time.Minute).Unix())
	wrong(f.Ahead, "iat", now.Add(24*time.Hour).Unix())
	wrong(f.Ahead, "exp", now.Add(25*time.Hour).Unix())
	wrong(f.WrongNonce, "nonce", "another-nonce")
	if f.NoNonce || nonce == "" {
		delete(claims, "nonce")
	}
	if f.NoSubject {
		delete(claims, "sub")
	}
	return s.sign(claims, f)
}

func (s *Server) sign(claims map[string]any, f Faults) string {
	payload, err := json.Marshal(claims)
	must(err)
	s.mu.Lock()
	k := s.key
	s.mu.Unlock()
	var option jws.SignOption = jws.WithKey(k.alg, k.private)
	switch {
	case f.ForeignKey:
		option = jws.WithKey(k.alg, newKey(s.RSA).private)
	case f.SharedSecret:
		option = jws.WithKey(jwa.HS256, []byte(s.Secret))
	case f.Unsigned:
		option = jws.WithInsecureNoSignature()
	}
	signed, err := jws.Sign(payload, option)
	must(err)
	token := string(signed)
	if f.BadSignature {
		dot := strings.LastIndexByte(token, '.') + 1
		token = token[:dot] + map[bool]string{true: "B", false: "A"}[token[dot] == 'A'] + token[dot+1:]
	}
	return token
}

// must is for what cannot fail with keys of our own.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
