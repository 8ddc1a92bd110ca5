package stack

import (
	"slices"
	"strings"

	"github.com/codex-platform/codex/pkg/testkit/port"
)

// ownNames are variables that the launcher reads itself, beside CODEX_... and ..._PORT. The services get what it makes of
// them, so that none sees the administrator's database or another service's keys.
var ownNames = []string{
	"APP_ENV", "ADDR", "PRIVATE_ADDR", "PUBLIC_URL", "LOGS", "DATABASE_URL", "DATABASE_DIRECT_URL", "REDIS_URL",
	"SMTP_URL", "MAIL_FROM", "S3_ENDPOINT", "S3_REGION", "S3_BUCKET", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_PATH_STYLE",
	"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_URL", "AUTH_SECRETS", "SERVICE_TOKENS",
	"AUTH_URL", "WEBHOOK_URL", "STORAGE_URL", "WEB_URL", "JWKS_URL", "BASE_PATH", "AUTH_BASE_PATH",
}

func own(name string) bool {
	name = strings.TrimSuffix(name, "_FILE")
	return slices.Contains(ownNames, name) || strings.HasPrefix(name, "CODEX_") || strings.HasSuffix(name, "_PORT")
}

// environment is all that a service gets: the developer's own variables (so LIMIT_STRICT=100/1m works as it does in
// production), and then ours.
func (s *Stack) environment(name string) []string {
	env := slices.DeleteFunc(slices.Clone(s.Environ), func(e string) bool {
		variable, _, _ := strings.Cut(e, "=")
		return own(variable)
	})
	if name == "auth" { // everything that can be tried; the developer's own settings come later and win
		env = slices.Concat([]string{
			"ANONYMOUS=on", "API_KEY_SESSIONS=on", "OIDC_PROVIDERS=" + demoProvider, "OIDC_DEMO_CLIENT_ID=codex",
			"OIDC_DEMO_CLIENT_SECRET=" + s.secrets.Provider, "OIDC_DEMO_ISSUER=" + s.provider,
		}, env)
	}
	if name == "gateway" {
		env = slices.Concat(limits(s.Environ), env)
	}
	env = append(env, s.common(name)...)
	return append(env, s.particular(name)...)
}

// limits are the gateway's of one client where the developer wants none, so high that
// no test meets them: RATE_LIMIT=off is auth's, and the gateway has no off.
func limits(environ []string) []string {
	if !slices.Contains(environ, "RATE_LIMIT=off") {
		return nil
	}
	var env []string
	for _, limit := range []string{"STRICT", "AUTH", "API", "API_ADDRESS", "API_KEY", "UPLOAD", "PUBLIC"} {
		env = append(env, "LIMIT_"+limit+"=10000000/1m")
	}
	return env
}

func (s *Stack) common(name string) []string {
	public, private := s.portsOf(name)
	env := []string{
		"APP_ENV=development", "LOG_FORMAT=json", "LOG_LEVEL=" + s.Settings.LogLevel,
		"ADDR=" + port.Addr(public), "PRIVATE_ADDR=" + port.Addr(private),
		"PUBLIC_URL=" + s.Settings.PublicURL.String(),
		"SHUTDOWN_GRACE=0s", "DRAIN_TIMEOUT=3s", // nobody waits here for a load balancer to notice
		"PPROF=true",
	}
	if name != "gateway" {
		env = append(env, "EDGE=gateway", "TRUSTED_PROXIES=127.0.0.1/32")
	}
	return env
}

func (s *Stack) particular(name string) []string {
	c := s.Settings
	database := []string{"DATABASE_URL=" + s.dsn("codex_"+name), "DATABASE_DIRECT_URL=" + s.dsn("codex_"+name)}
	tokens := []string{"SERVICE_TOKENS=" + s.secrets.Service}
	jwks := []string{"JWKS_URL=" + loopback(c.Auth) + c.BasePath.String() + "/jwks"}
	redis := []string{"REDIS_URL=" + s.redisURL}
	switch name {
	case "auth":
		return slices.Concat(database, tokens, redis, []string{
			"SMTP_URL=" + s.smtpURL, "MAIL_FROM=" + c.MailFrom, "AUTH_SECRETS=" + s.secrets.Auth,
			"STORAGE_URL=" + loopback(c.Storage), "WEBHOOK_URL=" + loopback(c.Webhook), "BASE_PATH=" + c.BasePath.String(),
		})
	case "gateway":
		return slices.Concat(tokens, redis, []string{
			"AUTH_URL=" + loopback(c.Auth), "WEBHOOK_URL=" + loopback(c.Webhook),
			"STORAGE_URL=" + loopback(c.Storage), "WEB_URL=" + loopback(c.Web), "AUTH_BASE_PATH=" + c.BasePath.String(),
		})
	case "storage":
		return slices.Concat(database, tokens, jwks, []string{
			"S3_ENDPOINT=" + s.s3.endpoint, "S3_REGION=" + c.S3Region, "S3_BUCKET=" + c.S3Bucket,
			"S3_ACCESS_KEY=" + s.s3.accessKey, "S3_SECRET_KEY=" + s.s3.secretKey, "S3_PATH_STYLE=true",
		})
	case "webhook":
		return slices.Concat(database, tokens, jwks, []string{
			"AUTH_URL=" + loopback(c.Auth), "STORAGE_URL=" + loopback(c.Storage),
			"STRIPE_SECRET_KEY=" + s.stripe.key, "STRIPE_WEBHOOK_SECRETS=" + strings.Join(s.stripe.signatures, ","),
			"STRIPE_API_URL=" + s.stripe.url, "STRIPE_LIVEMODE=false",
		})
	}
	return nil
}

// portsOf gives a service's public and private port.
func (s *Stack) portsOf(name string) (public, private int) {
	p := s.Settings.Ports
	switch name {
	case "gateway":
		return p.Gateway, p.GatewayPrivate
	case "auth":
		return p.Auth, p.AuthPrivate
	case "webhook":
		return p.Webhook, p.WebhookPrivate
	case "storage":
		return p.Storage, p.StoragePrivate
	}
	return p.Web, p.WebPrivate
}
