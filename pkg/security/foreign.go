package security

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// foreignPrefix begins the id of every user and session of a foreign issuer,
	// and of nobody else: a token of our own with such a subject is refused.
	foreignPrefix  = "oidc_"
	maxForeignID   = 255       // bytes of a subject (OpenID Connect Core §2)
	maxForeignLife = time.Hour // revocations are remembered a little longer than this
	maxIssuers     = 16
)

// ForeignID is the id under which the product knows a user of another issuer, and
// in the same way a session: "oidc_" and the SHA-256 of issuer, NUL and id in
// base64url, 48 characters. The same person always gets the same id, no two
// issuers can meet in one, and none can choose an id of ours. It is what a
// revocation of that user names.
func ForeignID(issuer, id string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + id))
	return foreignPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// adopt reads a foreign token's claims as ours. It tells who somebody is; what
// that person may do is ours to say, so the role is never taken over.
func adopt(c Claims) (Claims, error) {
	switch {
	case len(c.Subject) > maxForeignID, len(c.SessionID) > maxForeignID:
		return Claims{}, refuse("a subject or session that is too long")
	case c.ExpiresAt.Sub(c.IssuedAt) > maxForeignLife:
		return Claims{}, refuse("a life of more than an hour")
	}
	c.Role = "user"
	c.Subject = ForeignID(c.Issuer, c.Subject)
	if c.SessionID != "" {
		c.SessionID = ForeignID(c.Issuer, c.SessionID)
	}
	if c.Actor != "" {
		c.Actor = ForeignID(c.Issuer, c.Actor)
	}
	return c, nil
}

// TrustedIssuer is one entry of TrustedIssuers.
type TrustedIssuer struct {
	Issuer   string // exactly as tokens name it
	Audience string // what tokens must be meant for
	JWKS     string // where its keys are; empty: OpenID Connect discovery tells
}

// IssuerSettings are shared by all who verify access tokens.
type IssuerSettings struct {
	Trusted TrustedIssuers `env:"TRUSTED_ISSUERS" example:"https://idp.example|my-audience,https://other.example|aud|https://other.example/jwks" help:"issuers beside our own whose access tokens are valid: issuer|audience, or issuer|audience|key set where there is no OpenID Connect discovery; separated by commas, the same list in every service"`
}

// TrustedIssuers are the issuers beside our own. As a setting they are a list of
// issuer|audience or issuer|audience|key set, separated by commas.
type TrustedIssuers struct{ list []TrustedIssuer }

// UnmarshalText reads the setting; its error names every faulty entry.
func (t *TrustedIssuers) UnmarshalText(text []byte) error {
	var faults []error
	for n, entry := range strings.Split(string(text), ",") {
		issuer, err := readIssuer(strings.TrimSpace(entry))
		if err == nil && slices.ContainsFunc(t.list, func(o TrustedIssuer) bool { return o.Issuer == issuer.Issuer }) {
			err = errors.New("names an issuer for the second time")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("entry %d %w", n+1, err))
			continue
		}
		t.list = append(t.list, issuer)
	}
	if len(t.list) > maxIssuers {
		faults = append(faults, fmt.Errorf("more than %d issuers", maxIssuers))
	}
	return oneLine(faults)
}

func oneLine(faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = f.Error()
	}
	return errors.New(strings.Join(words, "; "))
}

func readIssuer(entry string) (TrustedIssuer, error) {
	parts := strings.Split(entry, "|")
	if len(parts) < 2 || len(parts) > 3 {
		return TrustedIssuer{}, errors.New("is not issuer|audience or issuer|audience|key set")
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	i := TrustedIssuer{Issuer: parts[0], Audience: parts[1]}
	if len(parts) == 3 {
		i.JWKS = parts[2]
	}
	switch {
	case !safeSource(i.Issuer):
		return i, errors.New("has an issuer that is no https address")
	case i.Audience == "":
		return i, errors.New("has no audience: tokens for other products would be good here")
	case len(parts) == 3 && !safeSource(i.JWKS):
		return i, errors.New("has a key set that is no https address")
	}
	return i, nil
}

// safeSource holds for an address that nobody on the way can answer for: https, or
// this very machine.
func safeSource(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && onLoopback(u.Hostname())
}

func onLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Names tells whether one of these issuers is in the list: our own must not be,
// or its tokens would be read in two ways.
func (t TrustedIssuers) Names(issuers ...string) bool {
	return slices.ContainsFunc(t.list, func(i TrustedIssuer) bool { return slices.Contains(issuers, i.Issuer) })
}

// Open makes the issuers; nothing is fetched before ForeignIssuers.Run or the
// first of their tokens. client may be nil.
func (t TrustedIssuers) Open(client *http.Client, log *slog.Logger) ForeignIssuers {
	all := make(ForeignIssuers, len(t.list))
	for i, c := range t.list {
		keys := NewRemoteKeys(c.JWKS, client, log.With("issuer", c.Issuer))
		if c.JWKS == "" {
			keys.discover = c.Issuer
		}
		all[i] = &ForeignIssuer{Name: c.Issuer, audience: c.Audience, keys: keys}
	}
	return all
}

// ForeignIssuer is an issuer beside our own, with its keys.
type ForeignIssuer struct {
	Name     string
	audience string
	keys     *RemoteKeys
}

// ForeignIssuers are all issuers beside our own.
type ForeignIssuers []*ForeignIssuer

// Run keeps their keys fresh until ctx ends.
func (all ForeignIssuers) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, i := range all {
		running.Go(func() { i.keys.Run(ctx) })
	}
	running.Wait()
}

// Watch names them to a health report. None is essential: an issuer that is away
// is missed by its own users only.
func (all ForeignIssuers) Watch(add func(name string, essential bool, ask func(context.Context) error)) {
	for _, i := range all {
		add("signing keys of "+i.Name, false, func(context.Context) error { return i.keys.Ready() })
	}
}
