package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// document is what an OpenID Connect provider tells of itself.
type document struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	Keys          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"`
}

// discover reads the document of an issuer. match, when set, decides whether the
// issuer in the document is the one that was meant; by default it must be the same.
func discover(ctx context.Context, client *http.Client, issuer string, match func(named string) bool) (document, error) {
	var d document
	if err := getJSON(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", "", &d); err != nil {
		return d, fmt.Errorf("discovery: %w", err)
	}
	if match == nil {
		match = func(named string) bool { return named == issuer }
	}
	if !SafeAddress(d.EndSession) {
		d.EndSession = "" // nobody needs it to sign in
	}
	switch {
	case !match(d.Issuer): // OpenID Connect Discovery §4.3
		return d, errors.New("discovery: the document is another issuer's")
	case !SafeAddress(d.Authorization), !SafeAddress(d.Token), !SafeAddress(d.Keys), d.UserInfo != "" && !SafeAddress(d.UserInfo):
		return d, errors.New("discovery: the document names an endpoint that is no https address")
	}
	return d, nil
}

// endpoint gives the document's endpoints in the form of the OAuth library.
func (d *document) endpoint() oauth2.Endpoint {
	e := oauth2.Endpoint{AuthURL: d.Authorization, TokenURL: d.Token, AuthStyle: oauth2.AuthStyleInHeader}
	if len(d.ClientAuth) > 0 && !slices.Contains(d.ClientAuth, "client_secret_basic") {
		e.AuthStyle = oauth2.AuthStyleInParams
	}
	return e
}

// asymmetric are the algorithms that are believed; a provider that names none
// uses RS256. A secret that both sides know proves nothing here.
var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func (d *document) algorithms() []string {
	algs := slices.DeleteFunc(slices.Clone(d.Algorithms), func(alg string) bool { return !slices.Contains(asymmetric, alg) })
	if len(algs) == 0 {
		return []string{"RS256"}
	}
	return algs
}

// SafeAddress holds for an address that nobody on the way can answer for: https,
// or this very machine.
func SafeAddress(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// sameHost tells whether two addresses are of one host.
func sameHost(a, b string) bool {
	first, err := url.Parse(a)
	second, err2 := url.Parse(b)
	return err == nil && err2 == nil && first.Scheme == second.Scheme && first.Host == second.Host
}
