package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/config"

	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/link"
	"github.com/codex-platform/codex/services/auth/internal/oauth"
	"github.com/codex-platform/codex/services/auth/internal/provider"
)

// providerSettings are about signing in with a provider. One is served when it
// has a client id.
type providerSettings struct {
	Linking     limit.Switch  `env:"ACCOUNT_LINKING" envDefault:"on" help:"accounts of providers can be added to people who exist: by their own wish, or by an address that both sides have proven (on, off)"`
	OtherEmails limit.Switch  `env:"ACCOUNT_LINKING_DIFFERENT_EMAILS" envDefault:"off" help:"by their own wish also when the provider tells another address (on, off)"`
	Trusted     []string      `env:"TRUSTED_PROVIDERS" example:"acme" help:"providers whose addresses count as proven although they do not say so: only for those where nobody can choose an address"`
	Limit       time.Duration `env:"PROVIDER_TIMEOUT" envDefault:"5s" help:"the longest that all calls of one sign-in to its provider take; at most 5s"`

	Google    presetSettings    `envPrefix:"GOOGLE_"`
	GitLab    presetSettings    `envPrefix:"GITLAB_"`
	Discord   presetSettings    `envPrefix:"DISCORD_"`
	GitHub    gitHubSettings    `envPrefix:"GITHUB_"`
	Microsoft microsoftSettings `envPrefix:"MICROSOFT_"`
	Apple     appleSettings     `envPrefix:"APPLE_"`

	Names  []string                  `env:"OIDC_PROVIDERS" example:"acme,partner" help:"ids of further OpenID Connect providers: small letters, digits and dashes"`
	OpenID map[string]openIDSettings `each:"OIDC_PROVIDERS" envPrefix:"OIDC_*_"`
}

type clientSettings struct {
	ClientID []string     `env:"CLIENT_ID" example:"codex" help:"our id at the provider, which switches it on; the ids of our apps may follow, for the ID tokens that they bring"`
	Scopes   []string     `env:"SCOPES" help:"what is asked for in the place of the usual scopes"`
	SignUp   entrySetting `env:"SIGN_UP" envDefault:"on" help:"who becomes somebody by it: on (whoever signs in), asked (who says requestSignUp), off (nobody)"`
}

type presetSettings struct {
	clientSettings
	Secret config.Secret `env:"CLIENT_SECRET" help:"our secret at the provider"`
	URL    config.URL    `env:"URL" help:"where it is, when not at its usual place"`
}

type gitHubSettings struct {
	presetSettings
	APIURL config.URL `env:"API_URL" help:"where its API is; by default below the URL"`
}

type microsoftSettings struct {
	presetSettings
	EndSession limit.Switch `env:"END_SESSION" envDefault:"off" help:"who came by it and signs out here is led to its sign-out too (on, off)"`
	Tenant     string       `env:"TENANT" envDefault:"common" help:"the tenant whose people may sign in: its id, or common, organizations, consumers"`
}

type appleSettings struct {
	clientSettings
	Team string        `env:"TEAM_ID" help:"the id of the developer's team"`
	Key  string        `env:"KEY_ID" help:"the id of the private key"`
	PEM  config.Secret `env:"PRIVATE_KEY" help:"the private key itself (.p8)"`
	URL  config.URL    `env:"URL" help:"where it is, when not at its usual place"`
}

type openIDSettings struct {
	clientSettings
	Secret     config.Secret `env:"CLIENT_SECRET" help:"our secret at the provider; none for a public client"`
	EndSession limit.Switch  `env:"END_SESSION" envDefault:"off" help:"who came by it and signs out here is led to its sign-out too, where it has one (on, off)"`
	Issuer     string        `env:"ISSUER,required" example:"https://idp.example.com" help:"the issuer, exactly as it names itself; the rest is discovered"`
}

// entrySetting says who may sign up by a provider.
type entrySetting oauth.Entry

// UnmarshalText reads the setting.
func (e *entrySetting) UnmarshalText(text []byte) error {
	*e = entrySetting(text)
	if !slices.Contains([]oauth.Entry{oauth.Open, oauth.Asked, oauth.Shut}, oauth.Entry(*e)) {
		return fmt.Errorf("not %s, %s or %s", oauth.Open, oauth.Asked, oauth.Shut)
	}
	return nil
}

// longestLimit is OAU-11's.
const longestLimit = 5 * time.Second

// sharedTenants let everybody's tenants in, and so everybody's word for an address.
var sharedTenants = []string{"common", "organizations", "consumers"}

func (x providerSettings) faults() []config.Fault {
	var faults []config.Fault
	refuse := func(bad bool, name, problem, example string) {
		if bad {
			faults = append(faults, config.Fault{Name: name, Problem: problem, Example: example})
		}
	}
	refuse(x.Limit <= 0 || x.Limit > longestLimit, "PROVIDER_TIMEOUT", "is not between 1ms and 5s", "5s")
	shared := slices.Contains(sharedTenants, x.Microsoft.Tenant)
	refuse(shared && slices.Contains(x.Trusted, "microsoft"), "TRUSTED_PROVIDERS",
		"holds microsoft, while MICROSOFT_TENANT lets in tenants where anybody writes any address", "acme")
	stray := slices.ContainsFunc(x.Trusted, func(id string) bool { return !slices.Contains(presetIDs, id) && !slices.Contains(x.Names, id) })
	refuse(stray, "TRUSTED_PROVIDERS", "names what is no provider: there are "+strings.Join(presetIDs, ", ")+" and those of OIDC_PROVIDERS", "acme")
	refuse(strings.ContainsAny(x.Microsoft.Tenant, "/?#{}"), "MICROSOFT_TENANT", "is not a tenant", "common")
	for _, preset := range []struct {
		prefix string
		presetSettings
	}{
		{"GOOGLE_", x.Google}, {"GITLAB_", x.GitLab}, {"DISCORD_", x.Discord}, {"GITHUB_", x.GitHub.presetSettings}, {"MICROSOFT_", x.Microsoft.presetSettings},
	} {
		secret := preset.prefix + "CLIENT_SECRET"
		refuse(len(preset.ClientID) > 0 && preset.Secret == "", secret, "is missing", "/run/secrets/client_secret (with "+secret+"_FILE)")
		refuse(preset.URL != "" && !provider.SafeAddress(preset.URL.String()), preset.prefix+"URL", "is neither https nor this machine", "https://idp.example.com")
	}
	refuse(x.GitHub.APIURL != "" && !provider.SafeAddress(x.GitHub.APIURL.String()), "GITHUB_API_URL", "is neither https nor this machine", "https://github.example.com/api/v3")
	refuse(x.Apple.URL != "" && !provider.SafeAddress(x.Apple.URL.String()), "APPLE_URL", "is neither https nor this machine", "https://appleid.apple.com")
	if len(x.Apple.ClientID) > 0 {
		_, err := provider.Apple(provider.Options{}, x.Apple.key())
		refuse(err != nil, "APPLE_PRIVATE_KEY", "is not an ES256 private key in PEM", "/run/secrets/apple.p8 (with APPLE_PRIVATE_KEY_FILE)")
		refuse(x.Apple.Team == "", "APPLE_TEAM_ID", "is missing", "ABCDE12345")
		refuse(x.Apple.Key == "", "APPLE_KEY_ID", "is missing", "ABC123DEFG")
	}
	for _, name := range slices.Sorted(maps.Keys(x.OpenID)) {
		p := x.OpenID[name]
		prefix := "OIDC_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
		refuse(len(p.ClientID) == 0, prefix+"CLIENT_ID", "is missing", "codex")
		refuse(p.Issuer != "" && !provider.SafeAddress(p.Issuer), prefix+"ISSUER", "is neither https nor this machine", "https://idp.example.com")
		refuse(slices.Contains(takenIDs, name), "OIDC_PROVIDERS", "holds the id of another way to sign in", "acme")
	}
	return faults
}

// presetIDs are the providers whose usual places are built in.
var presetIDs = []string{"google", "gitlab", "discord", "github", "microsoft", "apple"}

// takenIDs are what accounts and records name ways of signing in by already.
var takenIDs = append([]string{"credential", "email", "username", "magic-link", "email-otp", "passkey", "anonymous", "email-verification"}, presetIDs...)

func (a appleSettings) key() provider.AppleKey {
	return provider.AppleKey{Team: a.Team, ID: a.Key, PEM: a.PEM.Reveal()}
}

// served is the providers that have a client id, who signs up by each, and those
// that are told of a sign-out.
type served struct {
	providers map[string]*provider.Provider
	signUp    map[string]oauth.Entry
	told      map[string]*provider.Provider
}

// open makes the providers.
func (x providerSettings) open(client *http.Client, now func() time.Time) (served, error) {
	out := served{map[string]*provider.Provider{}, map[string]oauth.Entry{}, map[string]*provider.Provider{}}
	add := func(id string, c clientSettings, secret config.Secret, address string, open func(provider.Options) (*provider.Provider, error)) error {
		if len(c.ClientID) == 0 {
			return nil
		}
		p, err := open(provider.Options{
			ID: id, ClientIDs: c.ClientID, Secret: secret.Reveal(), Scopes: c.Scopes, URL: address, Client: client, Now: now, Limit: x.Limit,
		})
		out.providers[id], out.signUp[id] = p, oauth.Entry(c.SignUp)
		return err
	}
	plain := func(open func(provider.Options) *provider.Provider) func(provider.Options) (*provider.Provider, error) {
		return func(o provider.Options) (*provider.Provider, error) { return open(o), nil }
	}
	preset := func(id string, s presetSettings, open func(provider.Options) *provider.Provider) error {
		return add(id, s.clientSettings, s.Secret, s.URL.String(), plain(open))
	}
	errs := []error{
		preset("google", x.Google, provider.Google),
		preset("gitlab", x.GitLab, provider.GitLab),
		preset("discord", x.Discord, provider.Discord),
		preset("github", x.GitHub.presetSettings, func(o provider.Options) *provider.Provider { return provider.GitHub(o, x.GitHub.APIURL.String()) }),
		preset("microsoft", x.Microsoft.presetSettings, func(o provider.Options) *provider.Provider { return provider.Microsoft(o, x.Microsoft.Tenant) }),
		add("apple", x.Apple.clientSettings, "", x.Apple.URL.String(), func(o provider.Options) (*provider.Provider, error) {
			return provider.Apple(o, x.Apple.key())
		}),
	}
	for _, name := range slices.Sorted(maps.Keys(x.OpenID)) {
		s := x.OpenID[name]
		errs = append(errs, add(name, s.clientSettings, s.Secret, s.Issuer, plain(provider.OpenID)))
		if s.EndSession {
			out.told[name] = out.providers[name]
		}
	}
	if p := out.providers["microsoft"]; p != nil && bool(x.Microsoft.EndSession) {
		out.told["microsoft"] = p
	}
	return out, errors.Join(errs...)
}

// checks ask every provider that is served whether it is there.
func (x providerSettings) checks() ([]check, error) {
	served, err := x.open(provider.NewClient(x.Limit), time.Now)
	if err != nil {
		return nil, err
	}
	var all []check
	for _, id := range slices.Sorted(maps.Keys(served.providers)) {
		all = append(all, check{"provider " + id, served.providers[id].Reach})
	}
	return all, nil
}

func (s settings) linkRules() link.Rules {
	x, a := s.Providers, s.Accounts
	rules := link.Rules{
		Linking: bool(x.Linking), OtherEmails: bool(x.OtherEmails), Trusted: map[string]bool{},
		Verify: a.RequireVerification, Letter: a.MailOnSignUp,
	}
	for _, id := range x.Trusted {
		rules.Trusted[id] = true
	}
	return rules
}
