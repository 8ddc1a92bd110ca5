package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/testkit"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/session"
)

func TestSettings_followThePublicAddress(t *testing.T) {
	t.Parallel()
	mails := testkit.Inbox(t)
	dev := load(t, mails, nil)
	if dev.https() || dev.cookies().Secure || dev.issuer() != home || dev.audience() != home || dev.at("/sign-in") != home+"/sign-in" {
		t.Errorf("for %s: secure %v, issuer %s, page %s", home, dev.cookies().Secure, dev.issuer(), dev.at("/sign-in"))
	}
	prod := load(t, mails, map[string]string{"PUBLIC_URL": "https://app.example/", "JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "api"})
	if !prod.https() || !prod.cookies().Secure || prod.issuer() != "https://id.example" || prod.audience() != "api" || prod.at(base) != "https://app.example/api/auth" {
		t.Errorf("secure %v, issuer %s, audience %s, base %s", prod.cookies().Secure, prod.issuer(), prod.audience(), prod.at(base))
	}
	shouted := load(t, mails, map[string]string{"PUBLIC_URL": "HTTPS://App.Example.COM:443"}) // browsers write names small, and no usual port
	if !shouted.https() || shouted.host() != "app.example.com" || shouted.issuer() != "https://app.example.com" || shouted.at(base) != "https://app.example.com/api/auth" {
		t.Errorf("host %s, issuer %s, base %s", shouted.host(), shouted.issuer(), shouted.at(base))
	}
	if forced := load(t, mails, map[string]string{"SECURE_COOKIES": "true"}); !forced.cookies().Secure {
		t.Error("SECURE_COOKIES does not hold")
	}
}

// The defaults are those that the contract and the requirements name.
func TestSettings_defaults(t *testing.T) {
	t.Parallel()
	s := load(t, testkit.Inbox(t), map[string]string{"HASH_MEMORY_KIB": "19456"})
	r, a := s.sessionRules(), s.Accounts
	for name, ok := range map[string]bool{
		"sessions of 7 days, 30 at most": r.Lifetime.Hours() == 168 && r.Absolute.Hours() == 720 && r.UpdateAge.Hours() == 24,
		"browser sessions of a day":      r.Browser.Hours() == 24 && r.Fresh.Hours() == 24,
		"addresses proven first":         a.RequireVerification && a.SignInAfterVerify && a.MailOnSignUp && !a.MailOnSignIn,
		"links of an hour":               a.VerifyLife.Hours() == 1 && a.ResetLife.Hours() == 1 && a.EndOnReset,
		"8 to 128 characters":            s.passwordLimits().Min == 8 && s.passwordLimits().Max == 128,
		"argon2id of 19 MiB, twice":      s.hashing().MemoryKiB == 19456 && s.hashing().Iterations == 2,
		"tokens of 15 minutes":           s.Tokens.Life.Minutes() == 15 && s.Tokens.InSession,
		"better-auth's cookies":          s.cookies().Prefix == "better-auth" && s.cookies().Bearer == session.BearerAny,
	} {
		if !ok {
			t.Errorf("not by default: %s", name)
		}
	}
}

func TestSettings_cookiesOfADomain(t *testing.T) {
	t.Parallel()
	s := load(t, testkit.Inbox(t), map[string]string{"PUBLIC_URL": "https://app.example.com", "COOKIE_DOMAIN": "example.com"})
	refused := func() bool {
		return slices.ContainsFunc(s.Validate(), func(f config.Fault) bool { return f.Name == "COOKIE_DOMAIN" })
	}
	if s.cookies().Domain != "example.com" || refused() {
		t.Errorf("domain %s, %v", s.cookies().Domain, s.Validate())
	}
	for domain, good := range map[string]bool{
		"app.example.com": true, "example.com": true, ".example.com": false, "com": false, "ample.com": false, "other.example": false, "b.app.example.com": false, "example.com; Path=/x": false,
	} {
		s.Sessions.CookieDomain = domain
		if refused() == good {
			t.Errorf("%s: %v", domain, s.Validate())
		}
	}
	// What is below a public suffix belongs to everybody: browsers drop cookies for it, and passkeys of it.
	for domain, host := range map[string]string{"co.uk": "example.co.uk", "github.io": "example.github.io", "internal": "example.internal"} {
		_, said := command(t, map[string]string{"PUBLIC_URL": "https://app." + host, "COOKIE_DOMAIN": domain, "PASSKEY_RP_ID": domain}, nil, "serve")
		for _, name := range []string{"COOKIE_DOMAIN", "PASSKEY_RP_ID"} {
			if !strings.Contains(said, name+" is a public suffix") {
				t.Errorf("%s=%s: %s", name, domain, said)
			}
		}
		_, said = command(t, map[string]string{"PUBLIC_URL": "https://app." + host, "COOKIE_DOMAIN": host, "PASSKEY_RP_ID": host}, nil, "serve")
		if strings.Contains(said, "COOKIE_DOMAIN") || strings.Contains(said, "PASSKEY_RP_ID") {
			t.Errorf("%s: %s", host, said)
		}
	}
	if _, said := command(t, map[string]string{"PUBLIC_URL": home, "PASSKEY_RP_ID": "localhost"}, nil, "serve"); strings.Contains(said, "PASSKEY_RP_ID") {
		t.Error(said)
	}
	s.PublicURL, s.Sessions.CookieDomain = "https://10.0.0.1", "0.0.1"
	if !refused() {
		t.Error("a part of an address counts as domain")
	}
}

// Each value is refused by name; the one beside it is fine.
func TestSettings_bounds(t *testing.T) {
	t.Parallel()
	good := load(t, testkit.Inbox(t), nil)
	for name, change := range map[string]func(s *settings, bad bool){
		"USERNAME_MIN_LENGTH": func(s *settings, bad bool) { s.Ways.MinName = pick(bad, 0, 1) },
		"USERNAME_MAX_LENGTH": func(s *settings, bad bool) { s.Ways.MaxName = pick(bad, 101, 100) },
		"JWT_KEY_GRACE":       func(s *settings, bad bool) { s.Tokens.KeyGrace = pick(bad, time.Minute, time.Hour) },
		"JWT_ALG":             func(s *settings, bad bool) { s.Signing.Alg = pick(bad, "HS256", "PS256") },
		"JWT_SUBJECT": func(s *settings, bad bool) {
			s.Signing.Subject, s.HTTP.Edge = "email", pick(bad, httpapi.EdgeGateway, httpapi.EdgeDirect)
		},
		"LIMIT_RULES": func(s *settings, bad bool) {
			s.Limits.Rules, s.HTTP.Edge = limit.PathRules{{}}, pick(bad, httpapi.EdgeGateway, httpapi.EdgeDirect)
		},
		"CLIENT_ADDRESS_HEADER": func(s *settings, bad bool) {
			s.HTTP.AddressHeaders, s.HTTP.TrustedProxies = []string{"CF-Connecting-IP"}, []string{"10.0.0.0/8"}
			s.HTTP.Edge = pick(bad, httpapi.EdgeGateway, httpapi.EdgeDirect)
		},
		"PASSWORD_MAX_LENGTH": func(s *settings, bad bool) { s.Accounts.MinPassword = pick(bad, 200, 128) },
		"SESSION_BROWSER_TTL": func(s *settings, bad bool) { s.Sessions.Browser = pick(bad, 0, time.Minute) },
		"SESSION_UPDATE_AGE":  func(s *settings, bad bool) { s.Sessions.UpdateAge = pick[time.Duration](bad, -1, 0) },
		"SESSION_FRESH_AGE":   func(s *settings, bad bool) { s.Sessions.Fresh = pick[time.Duration](bad, -1, 0) },
		"COOKIE_PREFIX":       func(s *settings, bad bool) { s.Sessions.CookiePrefix = pick(bad, "__host-x", "__x") },
		"HASH_CONCURRENCY":    func(s *settings, bad bool) { s.Hashing.Concurrency = pick(bad, -1, 0) },
		"HASH_QUEUE":          func(s *settings, bad bool) { s.Hashing.Queue = pick(bad, -1, 0) },
		"USER_FIELDS": func(s *settings, bad bool) {
			s.Fields.OfUser = field.Fields{{Name: "plan", Kind: field.Text, Required: true, Closed: bad}}
		},
		"MULTI_SESSION_MAX": func(s *settings, bad bool) { s.Ways.Accounts = pick(bad, 21, 20) },
	} {
		for _, bad := range []bool{false, true} {
			s := good
			change(&s, bad)
			if refused := slices.ContainsFunc(s.Validate(), func(f config.Fault) bool { return f.Name == name }); refused != bad {
				t.Errorf("%s: bad %v, refused %v", name, bad, refused)
			}
		}
	}
}

// Every reason against addresses as subjects stands alone, and is said.
func TestSettings_subjectsAreAddressesOnlyWhereTheyAreProven(t *testing.T) {
	t.Parallel()
	good := load(t, testkit.Inbox(t), map[string]string{"JWT_SUBJECT": "email", "EDGE": "direct"})
	for name, change := range map[string]func(s *settings){
		"":                           func(*settings) {},
		"EDGE=direct":                func(s *settings) { s.HTTP.Edge = httpapi.EdgeGateway },
		"REQUIRE_EMAIL_VERIFICATION": func(s *settings) { s.Accounts.RequireVerification = false },
		"STORAGE_URL":                func(s *settings) { s.Deletion.StorageURL = "http://storage:8003" },
		"WEBHOOK_URL":                func(s *settings) { s.Deletion.WebhookURL = "http://webhook:8002" },
		"not id or email":            func(s *settings) { s.Signing.Subject = "name" },
	} {
		s := good
		change(&s)
		said := ""
		for _, f := range s.Validate() {
			if f.Name == "JWT_SUBJECT" {
				said = f.Problem
			}
		}
		if !strings.Contains(said, name) || (name == "") != (said == "") {
			t.Errorf("%s: %q", name, said)
		}
	}
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// SES-07: a session without "remember me" outlasts no other.
func TestSettings_noSessionOutlastsTheLongest(t *testing.T) {
	t.Parallel()
	s := load(t, testkit.Inbox(t), map[string]string{"SESSION_BROWSER_TTL": "10000h"})
	if r := s.sessionRules(); r.Browser != r.Absolute {
		t.Errorf("%v without, %v at most", r.Browser, r.Absolute)
	}
}

// Pages are paths of PUBLIC_URL, with a query where the app wants one; what a link
// would be broken by is refused.
func TestSettings_pagesAreBelowThePublicAddress(t *testing.T) {
	t.Parallel()
	names := []string{"SIGN_IN_PAGE", "RESET_PASSWORD_PAGE", "ERROR_PAGE", "SECURITY_PAGE", "TWO_FACTOR_PAGE"}
	env := func(page string) map[string]string {
		out := map[string]string{}
		for _, name := range names {
			out[name] = page
		}
		return out
	}
	for page, want := range map[string]string{
		"/": "/", "/in/": "/in/", "/in?tab=security": "/in?tab=security", "/?a=b#/in": "/?a=b#/in", "/größe": "/gr%C3%B6%C3%9Fe", "/a%20b": "/a%20b",
	} {
		s := load(t, testkit.Inbox(t), env(page))
		for _, p := range []pagePath{s.Accounts.SignInPage, s.Accounts.ResetPage, s.Accounts.ErrorPage, s.Accounts.SecurityPage, s.Plugins.SecondFactorPage} {
			if got := s.page(p); got != home+want {
				t.Errorf("%s: %s", page, got)
			}
		}
	}
	for _, page := range []string{"https://app.example/in", "in", "//evil.example", "/\\evil.example", "/a//b", "/../a", "/%2fevil.example", "/a b", "/a\tb", "/100%", "javascript:alert(1)"} {
		_, said := command(t, env(page), nil, "serve")
		for _, name := range names {
			if !strings.Contains(said, name+" is not valid: not a path below PUBLIC_URL") {
				t.Errorf("%s=%s: %s", name, page, said)
			}
		}
	}
}
