package main

import (
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/session"
)

// settings are everything the environment decides.
type settings struct {
	config.Base
	Addr        string `env:"ADDR" envDefault:":8001" help:"where the API listens"`
	PrivateAddr string `env:"PRIVATE_ADDR" envDefault:"127.0.0.1:9001" help:"where health, metrics and profiles are served; never to the Internet"`

	PublicURL      config.URL      `env:"PUBLIC_URL,required" example:"https://app.example.com" help:"the address under which people reach the product: mail links, cookies, the own origin"`
	BasePath       config.BasePath `env:"BASE_PATH" envDefault:"/api/auth" help:"where the API begins below PUBLIC_URL; the gateway has to know it as AUTH_BASE_PATH, others in their JWKS_URL"`
	Secrets        config.Secrets  `env:"AUTH_SECRETS,required" min:"32" example:"/run/secrets/auth_secrets (with AUTH_SECRETS_FILE)" help:"keys of cookies, mail links and stored keys; the first signs and seals, all verify and open"`
	ServiceTokens  config.Secrets  `env:"SERVICE_TOKENS,required" min:"32" example:"/run/secrets/service_tokens (with SERVICE_TOKENS_FILE)" help:"what other services show at /internal; all are accepted"`
	TrustedOrigins []string        `env:"TRUSTED_ORIGINS" example:"https://admin.example.com,https://*.partner.example" help:"origins beside PUBLIC_URL whose pages may call and may be led to"`

	Accounts accountSettings
	Sessions sessionSettings
	Tokens   tokenSettings
	Hashing  hashSettings
	Limits   limitSettings
	Plugins  pluginSettings
	Admin    adminSettings
	APIKeys  keySettings
	Ways     waySettings
	Signing  signingSettings
	Breach   breachSettings
	Guesses  guessSettings

	Fields       fieldSettings
	SecondFactor twoFactorSettings
	Passkeys     passkeySettings
	Providers    providerSettings
	Deletion     deletionSettings

	Log      observability.Settings
	HTTP     httpapi.Settings
	Database database.Settings
	Redis    cache.Settings
	Mail     mail.Settings
	Jobs     jobs.Settings
}

type accountSettings struct {
	RequireVerification bool          `env:"REQUIRE_EMAIL_VERIFICATION" envDefault:"true" help:"an address signs in only after it was proven; sign-up then does not tell whether an address is known"`
	SignInAfterVerify   bool          `env:"AUTO_SIGN_IN_AFTER_VERIFICATION" envDefault:"true" help:"opening a verification link signs in, the first time"`
	SameBrowser         bool          `env:"VERIFICATION_SAME_BROWSER" envDefault:"false" help:"where addresses must be proven: a link or code that is used in another browser than the one of the sign-up proves the address only, and the password counts once a link is opened where it was typed, or a reset replaced it"`
	SignInAfterSignUp   bool          `env:"AUTO_SIGN_IN" envDefault:"true" help:"signing up signs in, where verification is not required"`
	MailOnSignUp        bool          `env:"SEND_VERIFICATION_ON_SIGN_UP" envDefault:"true" help:"signing up mails a verification link"`
	MailOnSignIn        bool          `env:"SEND_VERIFICATION_ON_SIGN_IN" envDefault:"false" help:"a sign-in that is refused because the address is not proven mails a new link"`
	Passwords           bool          `env:"EMAIL_PASSWORD" envDefault:"true" help:"people sign up and in with a password; off, no password is asked for, chosen or reset by its owner"`
	SignUpClosed        bool          `env:"DISABLE_SIGN_UP" envDefault:"false" help:"nobody can make an account, by whatever way, anonymous ones included; administrators and commands still do"`
	EndOnReset          bool          `env:"REVOKE_SESSIONS_ON_PASSWORD_RESET" envDefault:"true" help:"a password reset ends all sessions of the account"`
	MinPassword         int           `env:"PASSWORD_MIN_LENGTH" envDefault:"8" unit:"characters" help:"the shortest new password"`
	MaxPassword         int           `env:"PASSWORD_MAX_LENGTH" envDefault:"128" unit:"characters" help:"the longest password"`
	VerifyLife          time.Duration `env:"VERIFICATION_LINK_TTL" envDefault:"1h" help:"how long a verification link works"`
	ResetLife           time.Duration `env:"RESET_LINK_TTL" envDefault:"1h" help:"how long a reset link works; at most 1h"`
	SignInPage          pagePath      `env:"SIGN_IN_PAGE" envDefault:"/sign-in" help:"the page, below PUBLIC_URL, that letters about an existing account lead to"`
	ResetPage           pagePath      `env:"RESET_PASSWORD_PAGE" envDefault:"/reset-password" help:"the page, below PUBLIC_URL, that a reset link leads to when the request named none"`
	ErrorPage           pagePath      `env:"ERROR_PAGE" example:"/oops" help:"the page, below PUBLIC_URL, that says what went wrong with a link or a provider, in the place of the built-in one; it gets error and error_description"`
	ChangeEmail         bool          `env:"CHANGE_EMAIL" envDefault:"true" help:"people can change their address; the new one counts once a mailed link proved it"`
	ConfirmChange       bool          `env:"CHANGE_EMAIL_CONFIRM" envDefault:"true" help:"a change of address is first confirmed by a link that is mailed to the old one, where that was proven"`
	SecurityPage        pagePath      `env:"SECURITY_PAGE" envDefault:"/profile" help:"the page, below PUBLIC_URL, with a person's sessions and factors, that letters about changes lead to"`
	TellDevices         bool          `env:"NEW_DEVICE_MAIL" envDefault:"true" help:"a sign-in from a browser and a network that were not seen before is told by mail"`
	PasswordFloor       time.Duration `env:"PASSWORD_ANSWER_FLOOR" envDefault:"200ms" help:"the least time that a refused sign-in takes, and a sign-up that does not sign in; above the time of a hash"`
	AnswerFloor         time.Duration `env:"ANSWER_FLOOR" envDefault:"500ms" help:"the least time that asking for a letter takes, so that it does not tell whether there is an account"`
}

type sessionSettings struct {
	Lifetime     time.Duration `env:"SESSION_TTL" envDefault:"168h" help:"how long a session lasts after it was last extended"`
	UpdateAge    time.Duration `env:"SESSION_UPDATE_AGE" envDefault:"24h" help:"a session is extended when this long has passed since"`
	Absolute     time.Duration `env:"SESSION_MAX_AGE" envDefault:"720h" help:"no session lasts longer, however active"`
	Browser      time.Duration `env:"SESSION_BROWSER_TTL" envDefault:"24h" help:"how long a session without \"remember me\" lasts"`
	Fresh        time.Duration `env:"SESSION_FRESH_AGE" envDefault:"24h" help:"how long a session counts as fresh, which listing sessions needs; 0: always"`
	CookiePrefix string        `env:"COOKIE_PREFIX" envDefault:"better-auth" help:"what cookie names begin with"`
	SecureCookie bool          `env:"SECURE_COOKIES" envDefault:"false" help:"secure cookies although PUBLIC_URL is not https"`
	SignedBearer bool          `env:"BEARER_REQUIRE_SIGNATURE" envDefault:"false" help:"a session token counts as bearer only with its signature"`
	CookieDomain string        `env:"COOKIE_DOMAIN" example:"example.com" help:"the domain whose sub-domains share the cookies; PUBLIC_URL is in it. Every host in it then sees who is signed in"`
	Fixed        bool          `env:"DISABLE_SESSION_REFRESH" envDefault:"false" help:"nothing extends a session"`
	Deferred     bool          `env:"DEFER_SESSION_REFRESH" envDefault:"false" help:"only a POST to get-session extends a session; reading says needsRefresh, and the client posts"`
}

type tokenSettings struct {
	Issuer      string        `env:"JWT_ISSUER" example:"https://app.example.com" help:"the issuer of access tokens; default: PUBLIC_URL"`
	Audience    string        `env:"JWT_AUDIENCE" example:"https://app.example.com" help:"whom access tokens are for; default: PUBLIC_URL"`
	Life        time.Duration `env:"JWT_TTL" envDefault:"15m" help:"how long an access token lives; at most 15m"`
	InSession   bool          `env:"SET_AUTH_JWT" envDefault:"true" help:"get-session also gives an access token, in set-auth-jwt"`
	KeyLifetime time.Duration `env:"JWT_KEY_TTL" envDefault:"2160h" help:"the age at which the signing key is replaced; 0: only by command"`
	KeyLead     time.Duration `env:"JWT_KEY_LEAD" envDefault:"1h" help:"how long a new signing key is published before it signs"`
	KeyGrace    time.Duration `env:"JWT_KEY_GRACE" envDefault:"720h" help:"how long a replaced signing key is published further"`
}

type hashSettings struct {
	MemoryKiB   uint32 `env:"HASH_MEMORY_KIB" envDefault:"19456" unit:"KiB" help:"memory of one argon2id hash"`
	Iterations  uint32 `env:"HASH_ITERATIONS" envDefault:"2" help:"passes of one argon2id hash"`
	Concurrency int    `env:"HASH_CONCURRENCY" envDefault:"0" help:"hashes at the same time, each with its memory; 0: one a core, and no more than fit in half of the memory limit"`
	Queue       int    `env:"HASH_QUEUE" envDefault:"0" help:"how many may wait for a hash before others are answered 503; 0: 64 for each hash at a time"`
}

type limitSettings struct {
	On          limit.Switch    `env:"RATE_LIMIT" envDefault:"on" help:"on, or off for tests"`
	Pair        cache.Rate      `env:"LIMIT_SIGN_IN_PAIR" envDefault:"5/1m" example:"5/1m" help:"tries to sign in to one account from one address"`
	Account     cache.Rate      `env:"LIMIT_SIGN_IN_ACCOUNT" envDefault:"10/1m" example:"10/1m" help:"tries to sign in to one account from everywhere"`
	All         cache.Rate      `env:"LIMIT_SIGN_IN_ALL" envDefault:"3000/1m" example:"3000/1m" help:"tries to sign in, all in all"`
	Password    cache.Rate      `env:"LIMIT_PASSWORD" envDefault:"5/1m" example:"5/1m" help:"checks of a signed-in person's own password"`
	Letters     cache.Rate      `env:"LIMIT_LETTERS" envDefault:"3/1m" example:"3/1m" help:"letters that can be asked for one address, and to new addresses by one person"`
	Codes       cache.Rate      `env:"LIMIT_CODES" envDefault:"30/1h" example:"30/1h" help:"tries of codes that were mailed to one address"`
	StrictPaths cache.Rate      `env:"LIMIT_STRICT" envDefault:"5/1m" example:"5/1m" help:"with EDGE=direct: calls of one address where passwords can be guessed or letters be caused"`
	AuthPaths   cache.Rate      `env:"LIMIT_AUTH" envDefault:"30/1m" example:"30/1m" help:"with EDGE=direct: other calls of one address"`
	Rules       limit.PathRules `env:"LIMIT_RULES" example:"/sign-in/*=10/1m; /get-session=off" help:"with EDGE=direct: limits of paths below BASE_PATH in the place of the next three; the longest path that fits counts, for each address by itself"`
	Reads       cache.Rate      `env:"LIMIT_API_ADDRESS" envDefault:"1200/1m" example:"1200/1m" help:"with EDGE=direct: reads of one address"`
}

const (
	longestToken = 15 * time.Minute
	longestReset = time.Hour
)

// Validate refuses what cannot work, or is weaker than the requirements allow.
func (s settings) Validate() []config.Fault {
	faults := s.Ways.faults()
	refuse := func(bad bool, name, problem, example string) {
		if bad {
			faults = append(faults, config.Fault{Name: name, Problem: problem, Example: example})
		}
	}
	_, err := security.ParseOrigins(s.PublicURL.String(), s.TrustedOrigins)
	refuse(s.Limits.Rules != nil && s.HTTP.Edge != httpapi.EdgeDirect, "LIMIT_RULES", "is for EDGE=direct: the gateway limits by address where there is one", "")
	refuse(err != nil && s.PublicURL != "", "TRUSTED_ORIGINS", "holds what is not an origin or a pattern of origins", "https://*.example.com")
	a, t, x := s.Accounts, s.Tokens, s.Sessions
	refuse(a.MinPassword < 8, "PASSWORD_MIN_LENGTH", "is less than 8", "8")
	refuse(a.MaxPassword < 64 || a.MaxPassword < a.MinPassword, "PASSWORD_MAX_LENGTH", "is less than 64 or than PASSWORD_MIN_LENGTH", "128")
	refuse(a.ResetLife <= 0 || a.ResetLife > longestReset, "RESET_LINK_TTL", "is not between 1s and 1h", "1h")
	refuse(a.VerifyLife <= 0, "VERIFICATION_LINK_TTL", "is not a time", "1h")
	refuse(t.Life < time.Minute || t.Life > longestToken, "JWT_TTL", "is not between 1m and 15m", "15m")
	refuse(t.KeyLead < 5*time.Minute, "JWT_KEY_LEAD", "is shorter than verifiers need to see a new key", "1h")
	refuse(t.KeyGrace < time.Hour, "JWT_KEY_GRACE", "is less than 1h: tokens of a replaced key must go on to verify", "720h")
	problem := s.subjectFault()
	refuse(problem != "", "JWT_SUBJECT", problem, subjectID)
	refuse(x.Lifetime < time.Minute, "SESSION_TTL", "is shorter than a minute", "168h")
	refuse(x.Absolute < x.Lifetime, "SESSION_MAX_AGE", "is shorter than SESSION_TTL", "720h")
	refuse(x.Browser < time.Minute, "SESSION_BROWSER_TTL", "is shorter than a minute", "24h")
	refuse(x.UpdateAge < 0, "SESSION_UPDATE_AGE", "is less than 0", "24h")
	refuse(x.Fresh < 0, "SESSION_FRESH_AGE", "is less than 0: with 0 every session is fresh", "24h")
	refuse(x.CookiePrefix == "" || strings.ContainsFunc(x.CookiePrefix, notCookieName), "COOKIE_PREFIX", "cannot begin a cookie's name", "better-auth")
	refuse(browsersOwn(x.CookiePrefix), "COOKIE_PREFIX", "begins as browsers mark cookies, which secure ones are anyway", "better-auth")
	problem = domainFault(s.host(), x.CookieDomain)
	refuse(x.CookieDomain != "" && problem != "", "COOKIE_DOMAIN", problem, "example.com")
	refuse(s.Hashing.MemoryKiB < 19456, "HASH_MEMORY_KIB", "is less than 19456", "19456")
	refuse(s.Hashing.Iterations < 2, "HASH_ITERATIONS", "is less than 2", "2")
	refuse(s.Hashing.Concurrency < 0, "HASH_CONCURRENCY", "is less than 0: with 0 cores and memory decide", "4")
	refuse(s.Hashing.Queue < 0, "HASH_QUEUE", "is less than 0: with 0 it is 64 for each hash at a time", "256")
	faults = append(faults, s.SecondFactor.faults()...)
	faults = append(faults, s.Admin.faults()...)
	faults = append(faults, s.APIKeys.faults()...)
	faults = append(faults, s.Passkeys.faults(s.host())...)
	faults = append(faults, s.Providers.faults()...)
	faults = append(faults, s.Signing.faults()...)
	faults = append(faults, s.Breach.faults()...)
	faults = append(faults, s.Fields.faults()...)
	faults = append(faults, s.HTTP.BehindGateway()...)
	return append(faults, s.Guesses.faults()...)
}

// browsersOwn holds for the prefixes to which browsers tie what the cookie's
// attributes must be (RFC 6265bis, section 4.1.3).
func browsersOwn(prefix string) bool {
	prefix = strings.ToLower(prefix)
	return strings.HasPrefix(prefix, "__host-") || strings.HasPrefix(prefix, "__secure-")
}

func notCookieName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func (s settings) database() database.Settings { return s.Database }

// https tells whether people reach the product by https.
func (s settings) https() bool { return strings.HasPrefix(s.PublicURL.String(), "https://") }

func (s settings) issuer() string {
	if s.Tokens.Issuer != "" {
		return s.Tokens.Issuer
	}
	return s.PublicURL.String()
}

func (s settings) audience() string {
	if s.Tokens.Audience != "" {
		return s.Tokens.Audience
	}
	return s.PublicURL.String()
}

func (s settings) passwordLimits() validation.PasswordLimits {
	return validation.PasswordLimits{Min: s.Accounts.MinPassword, Max: s.Accounts.MaxPassword}
}

func (s settings) accountRules() account.Rules {
	a := s.Accounts
	return account.Rules{
		Verify: a.RequireVerification, AutoSignIn: a.SignInAfterSignUp,
		MailOnSignUp: a.MailOnSignUp, MailOnSignIn: a.MailOnSignIn, SameBrowser: s.sameBrowser(), Closed: a.SignUpClosed,
	}
}

// sameBrowser tells whether a proof from another browser leaves a password in doubt.
func (s settings) sameBrowser() bool { return s.Accounts.SameBrowser && s.Accounts.RequireVerification }

func (s settings) cookies() session.CookieSettings {
	x, bearer := s.Sessions, session.BearerAny
	switch {
	case !bool(s.Plugins.Bearer):
		bearer = session.BearerNone
	case x.SignedBearer:
		bearer = session.BearerSigned
	}
	return session.CookieSettings{
		Prefix: x.CookiePrefix, Secure: s.https() || x.SecureCookie, Domain: x.CookieDomain, MaxAge: x.Lifetime, Bearer: bearer,
	}
}

func (s settings) sessionRules() session.Rules {
	x := s.Sessions
	return session.Rules{Lifetime: x.Lifetime, UpdateAge: x.UpdateAge, Absolute: x.Absolute, Browser: min(x.Browser, x.Absolute), Fresh: x.Fresh, Fixed: x.Fixed, Deferred: x.Deferred}
}

func (s settings) limitRules() limit.Rules {
	l := s.Limits
	return limit.Rules{
		SignInPair: l.Pair, SignInAccount: l.Account, SignInAll: l.All, Password: l.Password, Letters: l.Letters, Codes: l.Codes,
		StrictPaths: l.StrictPaths, AuthPaths: l.AuthPaths, Reads: l.Reads,
		Sprayed: s.Guesses.Sprayed, Strength: s.Guesses.Strength,
	}
}
