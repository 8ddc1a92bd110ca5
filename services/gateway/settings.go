package main

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/identity"
)

type settings struct {
	config.Base
	Addr        string     `env:"ADDR" envDefault:":8000" help:"where the gateway listens"`
	PrivateAddr string     `env:"PRIVATE_ADDR" envDefault:"127.0.0.1:9000" help:"health, metrics and profiles"`
	PublicURL   config.URL `env:"PUBLIC_URL,required" example:"https://app.example" help:"the address that people see; decides cookies, HSTS and the own origin"`

	AuthURL    config.URL      `env:"AUTH_URL,required" example:"http://127.0.0.1:8001" help:"the auth service"`
	AuthBase   config.BasePath `env:"AUTH_BASE_PATH" envDefault:"/api/auth" help:"where auth's API begins: its BASE_PATH"`
	WebhookURL config.URL      `env:"WEBHOOK_URL,required" example:"http://127.0.0.1:8002" help:"the webhook service (billing)"`
	StorageURL config.URL      `env:"STORAGE_URL,required" example:"http://127.0.0.1:8003" help:"the storage service"`
	WebURL     config.URL      `env:"WEB_URL" example:"http://127.0.0.1:8004" help:"the web app; empty: the APIs alone"`

	ServiceTokens  config.FollowedSecrets `env:"SERVICE_TOKENS,required" min:"32" help:"what services show each other; the first is sent, all are accepted; a changed file is read anew"`
	TrustedOrigins []string               `env:"TRUSTED_ORIGINS" example:"https://admin.example,https://*.partner.example" help:"origins beside PUBLIC_URL whose pages may call"`
	JWTIssuer      string                 `env:"JWT_ISSUER" help:"who signs access tokens; default: PUBLIC_URL" example:"https://app.example"`
	JWTAudience    string                 `env:"JWT_AUDIENCE" help:"whom access tokens are for; default: PUBLIC_URL" example:"https://app.example"`
	SessionCookie  string                 `env:"SESSION_COOKIE" envDefault:"better-auth.session_token" help:"auth's session cookie, without the prefix that https gives it"`

	TLSCertFile string `env:"TLS_CERT_FILE" example:"/run/tls/tls.crt" help:"serve https and HTTP/2 with this certificate chain; empty: plain HTTP/1.1 behind an ingress"`
	TLSKeyFile  string `env:"TLS_KEY_FILE" example:"/run/tls/tls.key" help:"the key of TLS_CERT_FILE"`

	MaxFile config.Size `env:"MAX_FILE_BYTES" envDefault:"5GiB" unit:"bytes" help:"the largest upload"`
	Limits  limits

	Issuers security.IssuerSettings
	Redis   cache.Settings
	HTTP    httpapi.Settings
	Watch   observability.Settings
}

// limits are the presets of rate limits.
type limits struct {
	Strict  cache.Rate `env:"LIMIT_STRICT" envDefault:"5/1m" example:"5/1m" help:"sign-in, sign-up, resets, codes: by address"`
	Auth    cache.Rate `env:"LIMIT_AUTH" envDefault:"30/1m" example:"30/1m" help:"the rest of /api/auth: by address"`
	User    cache.Rate `env:"LIMIT_API" envDefault:"600/1m" example:"600/1m" help:"the APIs: by user"`
	Address cache.Rate `env:"LIMIT_API_ADDRESS" envDefault:"1200/1m" example:"1200/1m" help:"the APIs: by address"`
	Upload  cache.Rate `env:"LIMIT_UPLOAD" envDefault:"60/1m" example:"60/1m" help:"uploads: by user"`
	Public  cache.Rate `env:"LIMIT_PUBLIC" envDefault:"300/1m" example:"300/1m" help:"pages and descriptions: by address"`
	Webhook cache.Rate `env:"LIMIT_WEBHOOK" envDefault:"6000/1m" example:"6000/1m" help:"Stripe's events: in all"`
	Hook    cache.Rate `env:"LIMIT_WEBHOOK_ADDRESS" envDefault:"1200/1m" example:"1200/1m" help:"Stripe's events: by address, so that nobody else spends LIMIT_WEBHOOK"`
	Key     cache.Rate `env:"LIMIT_API_KEY" envDefault:"600/1m" example:"600/1m" help:"the APIs and uploads: by API key"`
	Total   cache.Rate `env:"LIMIT_TOTAL" envDefault:"6000000/1m" example:"6000000/1m" help:"everything together, over all gateways"`

	Replicas int      `env:"LIMIT_REPLICAS" envDefault:"0" help:"gateways that share the limits while Redis is away; 0: as many as Redis last knew"`
	Shadow   []string `env:"LIMIT_SHADOW" example:"api,public" help:"limits, as RateLimit-Policy names them, that count and tell but never refuse"`
	Close    []string `env:"LIMIT_CLOSE_WITHOUT_REDIS" example:"auth-strict" help:"route classes that answer 503 while Redis is away; the others go on with limits of each gateway's own"`
}

func (s settings) issuer() string   { return orElse(s.JWTIssuer, s.PublicURL.String()) }
func (s settings) audience() string { return orElse(s.JWTAudience, s.PublicURL.String()) }

func orElse(value, other string) string {
	if value != "" {
		return value
	}
	return other
}

// origins reads the list that Validate has looked at.
func (s settings) origins() (security.Origins, error) {
	return security.ParseOrigins(s.PublicURL.String(), s.TrustedOrigins)
}

// ownPaths are where everything but auth and the web app lives.
var ownPaths = []string{"/api/storage/", "/api/billing/", "/webhooks/", "/.well-known/", "/openapi/", "/openapi.json/", "/docs/"}

// cookieName holds for a token (RFC 6265 §4.1.1) that auth's cookie can have, to
// which https adds a prefix.
func cookieName(s string) bool {
	return httpguts.ValidHeaderFieldName(s) && !strings.HasPrefix(s, "__") && !identity.NewCookies(false, "").IsJWT(s)
}

// unknownNames are those of limits and classes which do not exist: somebody would
// rely on them.
func (s settings) unknownNames() []config.Fault {
	limits, names := map[string]bool{}, map[string]bool{}
	for _, c := range routes(s) {
		names[c.name] = true
		for _, l := range []*cache.Limit{c.inAll, c.byAddr, c.byUser, c.byKey} {
			if l != nil {
				limits[l.Name] = true
			}
		}
	}
	var faults []config.Fault
	if slices.ContainsFunc(s.Limits.Shadow, func(name string) bool { return !limits[name] }) {
		faults = append(faults, config.Fault{Name: "LIMIT_SHADOW", Problem: "names a limit that does not exist", Example: "api,public"})
	}
	if slices.ContainsFunc(s.Limits.Close, func(name string) bool { return !names[name] }) {
		faults = append(faults, config.Fault{Name: "LIMIT_CLOSE_WITHOUT_REDIS", Problem: "names a route class that does not exist", Example: "auth-strict"})
	}
	return faults
}

// Validate has the rules between variables.
func (s settings) Validate() []config.Fault {
	var faults []config.Fault
	if s.PublicURL != "" {
		if _, err := security.ParseOrigins(s.PublicURL.String(), nil); err != nil {
			faults = append(faults, config.Fault{Name: "PUBLIC_URL", Problem: "has a host that browsers write in another way: use letters, digits, dots and dashes, an international name in its xn-- form", Example: "https://app.example"})
		} else if _, err := s.origins(); err != nil {
			faults = append(faults, config.Fault{Name: "TRUSTED_ORIGINS", Problem: "holds an entry that is no origin or pattern", Example: "https://admin.example,https://*.partner.example"})
		}
	}
	if at := s.AuthBase.String() + "/"; slices.ContainsFunc(ownPaths, func(own string) bool { return strings.HasPrefix(at, own) || strings.HasPrefix(own, at) }) {
		faults = append(faults, config.Fault{Name: "AUTH_BASE_PATH", Problem: "is where something else is served", Example: "/api/auth"})
	}
	if s.Issuers.Trusted.Names(s.issuer()) {
		faults = append(faults, config.Fault{Name: "TRUSTED_ISSUERS", Problem: "names our own issuer", Example: "https://idp.example|my-audience"})
	}
	if len(s.Limits.Close) > 0 && s.Redis.URL == "" {
		faults = append(faults, config.Fault{Name: "LIMIT_CLOSE_WITHOUT_REDIS", Problem: "needs REDIS_URL", Example: "auth-strict"})
	}
	for name, service := range map[string]config.URL{"AUTH_URL": s.AuthURL, "WEBHOOK_URL": s.WebhookURL, "STORAGE_URL": s.StorageURL, "WEB_URL": s.WebURL} {
		if target, err := url.Parse(service.String()); err != nil || target.Path != "" {
			faults = append(faults, config.Fault{Name: name, Problem: "has a path: a service gets the paths that were checked, as they are", Example: "http://127.0.0.1:8001"})
		}
	}
	if !cookieName(s.SessionCookie) {
		faults = append(faults, config.Fault{Name: "SESSION_COOKIE", Problem: "is no cookie's name, has a prefix, or is the gateway's own cookie's", Example: "better-auth.session_token"})
	}
	if s.Limits.Replicas < 0 {
		faults = append(faults, config.Fault{Name: "LIMIT_REPLICAS", Problem: "is negative", Example: "0"})
	}
	faults = append(faults, s.unknownNames()...)
	if (s.TLSCertFile == "") != (s.TLSKeyFile == "") {
		faults = append(faults, config.Fault{Name: "TLS_KEY_FILE", Problem: "and TLS_CERT_FILE go together", Example: "/run/tls/tls.key"})
	}
	return faults
}
