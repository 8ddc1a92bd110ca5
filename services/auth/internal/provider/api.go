package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/oauth2"
)

// api is the dialect of providers that have no ID tokens: an access token is
// shown to an API, which tells whose it is.
type api struct {
	endpoint oauth2.Endpoint
	person   func(ctx context.Context, access string) (Identity, error)
}

func (d api) endpoints(context.Context) (endpoints, error) {
	return endpoints{Endpoint: d.endpoint}, nil
}

func (d api) reach(context.Context) error { return nil }

func (d api) identity(ctx context.Context, t Tokens, _ string) (Identity, error) {
	return d.person(ctx, t.Access)
}

func (d api) verify(context.Context, Tokens, *string) (Identity, error) {
	return Identity{}, ErrNoIDToken
}

func (d api) profile(ctx context.Context, t Tokens) (Identity, error) { return d.person(ctx, t.Access) }

func at(base string, path ...string) string {
	joined, err := url.JoinPath(base, path...)
	if err != nil {
		return base // refused when it is asked
	}
	return joined
}

// GitHub is github.com, or a server of one's own: then URL is its address and
// the API lies below it, unless apiURL says otherwise.
func GitHub(o Options, apiURL string) *Provider {
	if o.URL == "" {
		o.URL, apiURL = "https://github.com", cmp.Or(apiURL, "https://api.github.com")
	}
	apiURL = cmp.Or(apiURL, at(o.URL, "api/v3"))
	return newProvider(o, []string{"read:user", "user:email"}, api{
		endpoint: oauth2.Endpoint{AuthURL: at(o.URL, "login/oauth/authorize"), TokenURL: at(o.URL, "login/oauth/access_token"), AuthStyle: oauth2.AuthStyleInParams},
		person:   func(ctx context.Context, access string) (Identity, error) { return gitHubUser(ctx, o, apiURL, access) },
	})
}

// gitHubUser asks for the person and for the addresses: what the profile shows
// as address is not proven to be one.
func gitHubUser(ctx context.Context, o Options, apiURL, access string) (Identity, error) {
	var c claims
	if err := getJSON(ctx, o.Client, at(apiURL, "user"), access, &c); err != nil {
		return Identity{}, fmt.Errorf("user: %w", err)
	}
	var addresses []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := getJSON(ctx, o.Client, at(apiURL, "user/emails"), access, &addresses); err != nil {
		return Identity{}, fmt.Errorf("addresses: %w", err)
	}
	email, verified := "", false
	for _, a := range addresses {
		if a.Primary {
			email, verified = a.Email, a.Verified
		}
	}
	return newIdentity(c, number(c["id"]), email, verified, cmp.Or(c.text("name"), c.text("login")), c.text("avatar_url"))
}

// number gives an id that is a whole number in JSON, as text.
func number(v any) string {
	n, ok := v.(float64)
	if !ok || n < 1 || n >= 1<<53 || n != float64(int64(n)) {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

// Discord is discord.com.
func Discord(o Options) *Provider {
	o.URL = strings.TrimSuffix(cmp.Or(o.URL, "https://discord.com"), "/")
	return newProvider(o, []string{"identify", "email"}, api{
		endpoint: oauth2.Endpoint{AuthURL: at(o.URL, "oauth2/authorize"), TokenURL: at(o.URL, "api/oauth2/token"), AuthStyle: oauth2.AuthStyleInParams},
		person: func(ctx context.Context, access string) (Identity, error) {
			var c claims
			if err := getJSON(ctx, o.Client, at(o.URL, "api/users/@me"), access, &c); err != nil {
				return Identity{}, fmt.Errorf("user: %w", err)
			}
			picture := ""
			if hash := c.text("avatar"); hash != "" {
				picture = "https://cdn.discordapp.com/avatars/" + url.PathEscape(c.text("id")) + "/" + url.PathEscape(hash) + ".png"
			}
			return newIdentity(c, c.text("id"), c.text("email"), c.yes("verified"), cmp.Or(c.text("global_name"), c.text("username")), picture)
		},
	})
}
