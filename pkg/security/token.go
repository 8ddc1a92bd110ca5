package security

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// MaxTokenBytes bounds an access token; longer ones are refused unread.
const MaxTokenBytes = 8 << 10

// clockSkew is how far another machine's clock may run ahead of ours. It is given
// to "not yet" claims only: a token ends when it says so.
const clockSkew = 30 * time.Second

var (
	// ErrTokenInvalid is what every refused token is; its text names the reason,
	// never the token.
	ErrTokenInvalid = errors.New("token refused")
	// ErrTokenExpired is the refusal of a good token that is past its end.
	ErrTokenExpired = fmt.Errorf("%w: expired", ErrTokenInvalid)
	// ErrKeysUnavailable means that no key set could be fetched yet: nobody's
	// fault but ours, so it must not become a 401.
	ErrKeysUnavailable = errors.New("signing keys are not available")
)

// Claims are what an access token says. Issued by auth, read everywhere.
type Claims struct {
	Subject       string
	SessionID     string
	Role          string
	EmailVerified bool
	Actor         string // who acts as the subject: an administrator; empty: the subject
	Issuer        string
	Audience      []string
	TokenID       string
	KeyID         string // of the key that signed; from the header
	IssuedAt      time.Time
	NotBefore     time.Time
	ExpiresAt     time.Time

	key *Key
}

// KeyGone tells whether the key that signed has left its key set since: then the
// token proves nothing any more.
func (c Claims) KeyGone() bool { return c.key != nil && c.key.Gone() }

// Identity is the part of the claims that rules look at.
func (c Claims) Identity() Identity {
	return Identity{UserID: c.Subject, SessionID: c.SessionID, Role: c.Role, EmailVerified: c.EmailVerified, ActorID: c.Actor}
}

// Signer makes access tokens with one key.
type Signer struct {
	kid string
	alg jwa.SignatureAlgorithm
	key crypto.Signer
}

// minRSABits is the least size of an RSA key that signs (RFC 7518 §3.3).
const minRSABits = 2048

// NewSigner takes a private key and its id in the key set. The key's kind decides
// the algorithm; that of an RSA key is RS256.
func NewSigner(kid string, key crypto.Signer) (*Signer, error) {
	return NewSignerWith(kid, "", key)
}

// NewSignerWith is NewSigner for an algorithm, which must be one of the key's kind.
func NewSignerWith(kid, alg string, key crypto.Signer) (*Signer, error) {
	if kid == "" {
		return nil, errors.New("a signing key needs an id")
	}
	public := key.Public()
	if k, is := public.(*rsa.PublicKey); is && k.N.BitLen() < minRSABits {
		return nil, fmt.Errorf("an RSA key of less than %d bits does not sign access tokens", minRSABits)
	}
	bound, ok := bind(public, alg)
	if !ok {
		return nil, fmt.Errorf("this key of type %T does not sign access tokens of algorithm %q: use Ed25519, P-256, P-521 or RSA", key, alg)
	}
	return &Signer{kid: kid, alg: bound, key: key}, nil
}

// wireClaims is the token's payload, in the order in which it is written.
type wireClaims struct {
	Subject       string   `json:"sub"`
	SessionID     string   `json:"sid"`
	EmailVerified bool     `json:"email_verified"`
	Role          string   `json:"role,omitempty"`
	Actor         *actor   `json:"act,omitempty"`
	Issuer        string   `json:"iss"`
	Audience      audience `json:"aud"`
	IssuedAt      int64    `json:"iat"`
	NotBefore     int64    `json:"nbf,omitempty"`
	ExpiresAt     int64    `json:"exp"`
	TokenID       string   `json:"jti,omitempty"`
}

// actor is the claim "act" of RFC 8693, section 4.1.
type actor struct {
	Subject string `json:"sub"`
}

// Sign writes the claims as a compact JWS with typ "JWT".
func (s *Signer) Sign(c Claims) (string, error) { return s.SignWith(c, nil) }

// SignWith is Sign with further members, an object. None takes the place of one
// that says who the token is for, or until when.
func (s *Signer) SignWith(c Claims, more json.RawMessage) (string, error) {
	w := wireClaims{
		Subject: c.Subject, SessionID: c.SessionID, EmailVerified: c.EmailVerified, Role: c.Role,
		Issuer: c.Issuer, Audience: c.Audience, IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
		TokenID: c.TokenID,
	}
	if !c.NotBefore.IsZero() {
		w.NotBefore = c.NotBefore.Unix()
	}
	if c.Actor != "" {
		w.Actor = &actor{c.Actor}
	}
	payload, err := json.Marshal(w)
	if err == nil && len(more) > 0 {
		payload, err = joined(payload, more)
	}
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	head := jws.NewHeaders()
	if err := errors.Join(head.Set(jws.TypeKey, "JWT"), head.Set(jws.KeyIDKey, s.kid)); err != nil {
		return "", fmt.Errorf("write token header: %w", err)
	}
	token, err := jws.Sign(payload, jws.WithKey(s.alg, s.key, jws.WithProtectedHeaders(head)))
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return string(token), nil
}

// ownClaims are the members of wireClaims, sent or not.
var ownClaims = []string{"sub", "sid", "email_verified", "role", "act", "iss", "aud", "iat", "nbf", "exp", "jti"}

// joined adds further members to an object of claims.
func joined(claims, more []byte) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(more, &members); err != nil {
		return nil, err
	}
	for _, name := range ownClaims {
		delete(members, name)
	}
	if len(members) == 0 {
		return claims, nil
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return append(append(claims[:len(claims)-1], ','), rest[1:]...), nil
}

// audience is a string or a list of strings (RFC 7519 §4.1.3).
type audience []string

func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// Verify returns the claims of a good token. The error is ErrTokenInvalid (with
// ErrTokenExpired as a special case), ErrKeysUnavailable, or the context's.
// Cheap refusals come first: nothing is verified for a token that could not pass.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	head, payload, signature, signed, err := splitToken(token)
	if err != nil {
		return Claims{}, err
	}
	kid, alg, err := readHeader(head)
	if err != nil {
		return Claims{}, err
	}
	claims, err := readClaims(payload)
	if err != nil {
		return Claims{}, err
	}
	// The issuer picks the keys, so that one issuer's key can never speak for another.
	from := v.issuer(claims.Issuer)
	if from == nil {
		return Claims{}, refuse("another issuer")
	}
	if claims, err = from.admit(claims); err != nil {
		return Claims{}, err
	}
	// Times before the signature: what could not pass anyway costs no curve
	// arithmetic. The verdict on an expired token waits for the signature.
	if err := v.checkTimes(claims); err != nil && !errors.Is(err, ErrTokenExpired) {
		return Claims{}, err
	}
	if claims.key, err = from.keys.Key(ctx, kid, alg); err != nil {
		return Claims{}, err
	}
	claims.KeyID = kid
	if err := verifySignature(alg, signed, signature, claims.key.Public); err != nil {
		return Claims{}, err
	}
	return claims, v.checkTimes(claims)
}

func (v *Verifier) issuer(name string) *issuer {
	for _, i := range v.issuers {
		if slices.Contains(i.names, name) {
			return i
		}
	}
	return nil
}

func (v *Verifier) checkTimes(c Claims) error {
	now := v.now()
	switch {
	case c.NotBefore.After(now.Add(clockSkew)), c.IssuedAt.After(now.Add(clockSkew)):
		return refuse("not valid yet")
	case !now.Before(c.ExpiresAt):
		return ErrTokenExpired
	}
	return nil
}

func refuse(reason string) error { return fmt.Errorf("%w: %s", ErrTokenInvalid, reason) }

// splitToken takes a compact JWS apart. Base64url is read strictly: one spelling
// per token, or a signature could be shown again in another coat.
func splitToken(token string) (head, payload, signature, signed []byte, err error) {
	if len(token) > MaxTokenBytes {
		return nil, nil, nil, nil, refuse("too long")
	}
	first := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if first <= 0 || last <= first+1 || last == len(token)-1 || strings.IndexByte(token[first+1:last], '.') >= 0 {
		return nil, nil, nil, nil, refuse("not three parts")
	}
	for _, part := range []struct {
		to   *[]byte
		text string
	}{{&head, token[:first]}, {&payload, token[first+1 : last]}, {&signature, token[last+1:]}} {
		if strings.ContainsAny(part.text, "\r\n") { // the decoder would skip them
			return nil, nil, nil, nil, refuse("not base64url")
		}
		if *part.to, err = base64.RawURLEncoding.Strict().DecodeString(part.text); err != nil {
			return nil, nil, nil, nil, refuse("not base64url")
		}
	}
	return head, payload, signature, []byte(token[:last]), nil
}

// readHeader takes kid and alg out of a protected header and refuses every member
// that would change how the token is read or where its key comes from.
func readHeader(raw []byte) (kid, alg string, err error) {
	head, err := strictObject(raw)
	if err != nil {
		return "", "", err
	}
	for name := range head {
		switch name {
		case "crit", "b64", "zip", "enc", "cty", "epk", "apu", "apv", "jku", "jwk":
			return "", "", refuse("header " + name)
		}
		if strings.HasPrefix(name, "x5") {
			return "", "", refuse("header x5")
		}
	}
	if alg, err = text(head, "alg"); err != nil {
		return "", "", err
	}
	if kid, err = text(head, "kid"); err != nil {
		return "", "", err
	}
	if kid == "" || len(kid) > 128 {
		return "", "", refuse("no key id")
	}
	switch jwa.SignatureAlgorithm(alg) {
	case jwa.EdDSA, jwa.ES256, jwa.ES512, jwa.RS256, jwa.PS256:
	default:
		return "", "", refuse("algorithm")
	}
	typ, err := text(head, "typ")
	if err != nil {
		return "", "", err
	}
	if typ != "" && !strings.EqualFold(typ, "JWT") && !strings.EqualFold(typ, "at+jwt") {
		return "", "", refuse("another kind of token")
	}
	return kid, alg, nil
}

func readClaims(raw []byte) (Claims, error) {
	members, err := strictObject(raw)
	if err != nil {
		return Claims{}, err
	}
	var c Claims
	for _, m := range [...]struct {
		name string
		to   *string
	}{{"sub", &c.Subject}, {"sid", &c.SessionID}, {"role", &c.Role}, {"iss", &c.Issuer}, {"jti", &c.TokenID}} {
		if *m.to, err = text(members, m.name); err != nil {
			return Claims{}, err
		}
	}
	for _, m := range [...]struct {
		name string
		to   *time.Time
	}{{"iat", &c.IssuedAt}, {"nbf", &c.NotBefore}, {"exp", &c.ExpiresAt}} {
		if *m.to, err = moment(members, m.name); err != nil {
			return Claims{}, err
		}
	}
	if raw, ok := members["email_verified"]; ok && json.Unmarshal(raw, &c.EmailVerified) != nil {
		return Claims{}, refuse("claim email_verified")
	}
	if c.Audience, err = readAudience(members["aud"]); err != nil {
		return Claims{}, err
	}
	if c.Actor, err = readActor(members["act"]); err != nil {
		return Claims{}, err
	}
	switch {
	case c.Subject == "":
		return Claims{}, refuse("no subject")
	case c.ExpiresAt.IsZero():
		return Claims{}, refuse("no end")
	case c.IssuedAt.IsZero(): // a user's revocation compares against it
		return Claims{}, refuse("no beginning")
	}
	return c, nil
}

func readAudience(raw json.RawMessage) ([]string, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	if raw == nil || json.Unmarshal(raw, &many) != nil {
		return nil, refuse("claim aud")
	}
	return many, nil
}

func readActor(raw json.RawMessage) (string, error) {
	if raw == nil {
		return "", nil
	}
	members, err := strictObject(raw)
	if err != nil {
		return "", refuse("claim act")
	}
	sub, err := text(members, "sub")
	if err != nil || sub == "" {
		return "", refuse("claim act")
	}
	return sub, nil
}

// text reads a member that must be a string where it is there at all.
func text(members map[string]json.RawMessage, name string) (string, error) {
	raw, ok := members[name]
	if !ok {
		return "", nil
	}
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", refuse("member " + name)
	}
	return s, nil
}

// moment reads a NumericDate (RFC 7519 §2). The zero time when it is not there.
func moment(members map[string]json.RawMessage, name string) (time.Time, error) {
	raw, ok := members[name]
	if !ok {
		return time.Time{}, nil
	}
	var seconds float64
	const year10000 = 253402300800
	if raw[0] == 'n' || json.Unmarshal(raw, &seconds) != nil || seconds <= 0 || seconds >= year10000 {
		return time.Time{}, refuse("claim " + name)
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)), nil
}
