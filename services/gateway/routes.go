package main

import (
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/docs"
	"github.com/codex-platform/codex/services/gateway/internal/overload"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// authRule says who may pass.
type authRule string

const (
	required authRule = "required" // nobody without a valid token; the token is handed on
	public   authRule = "public"   // everybody; a bad bearer token is refused all the same
	foreign  authRule = "foreign"  // the service has its own proof: sessions, Stripe's signature
)

// class is a kind of route: everything that its requests share.
type class struct {
	name     string
	paths    []string // as Echo writes them
	methods  []string
	service  config.URL // where its requests go; empty: answered here
	path     string     // the service's path where it differs
	auth     authRule
	byAddr   *cache.Limit
	byUser   *cache.Limit
	byKey    *cache.Limit // of callers with an API key
	inAll    *cache.Limit
	proves   bool  // the service's own proof decides which limit pays; see settle
	body     int64 // bytes
	times    upstream.Times
	headers  security.Headers
	shared   bool // with pages of trusted origins (CORS)
	retry    upstream.Retry
	ownCSP   bool // the service's content policy stays
	cookies  bool // cookies go to the service and come from it
	shape    refusal.Shape
	answer   func(*gate, *call) error // where there is no service
	shownCut bool                     // the path may end in a secret: do not log all of it
	compress bool                     // answers may be compressed: no secret stands beside what the client chose
	upgrade  bool                     // WebSocket may be asked for
	load     overload.Kind            // what becomes of it when there is too much to do

	deprecated time.Time // since when clients should move on (RFC 9745); zero: they need not
	sunset     time.Time // when the path ends (RFC 8594)
	successor  string    // where to
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

var (
	reads   = []string{http.MethodGet, http.MethodHead}
	writes  = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	calls   = append(append([]string{}, reads...), writes...)
	anyCall = append(append([]string{}, calls...), http.MethodOptions)
)

// strictPaths are where, below auth's base, passwords and codes can be guessed and
// mails be caused.
var strictPaths = []string{
	"/sign-in/*", "/sign-up/*", "/request-password-reset", "/reset-password",
	"/reset-password/*", "/forget-password", "/forget-password/*",
	"/send-verification-email", "/change-password", "/verify-password", "/change-email",
	"/delete-user", "/delete-user/*", "/is-username-available",
	"/passkey/verify-registration", "/passkey/verify-authentication",
	"/two-factor/*", "/email-otp/*", "/magic-link/*", "/phone-number/*",
}

// strictAt gives them below a base.
func strictAt(base config.BasePath) []string {
	paths := make([]string, 0, len(strictPaths))
	for _, path := range strictPaths {
		paths = append(paths, base.String()+path)
	}
	return paths
}

// routes is the table of route classes. Where a path and method fit two lines,
// Echo takes the more exact path.
func routes(s settings) []class {
	l := s.Limits
	strict, auth := l.Strict.Named("strict"), l.Auth.Named("auth")
	strict.Exact = true
	user, addr := l.User.Named("api"), l.Address.Named("api-address")
	upload, open, hook := l.Upload.Named("upload"), l.Public.Named("public"), l.Webhook.Named("webhook")
	key, hookAddr := l.Key.Named("api-key"), l.Hook.Named("webhook-address")

	quick := upstream.Times{FirstByte: 10 * time.Second, Idle: 30 * time.Second, Whole: 30 * time.Second}
	stream := upstream.Times{FirstByte: 60 * time.Second, Idle: 60 * time.Second} // no end: 5 GiB take their time
	// A store may put the parts of 5 GiB together after the last byte has arrived, and only then answer.
	store := upstream.Times{FirstByte: 15 * time.Minute, Idle: 60 * time.Second}
	pages := upstream.Times{FirstByte: 10 * time.Second, Idle: 30 * time.Second}
	api, files, web := security.APIHeaders(), security.FileHeaders(), security.WebHeaders()
	reading := security.WebHeaders()
	reading.ContentSecurityPolicy = docs.ContentSecurityPolicy

	once, again := upstream.Never, upstream.Idempotent // a code or a link is spent by its first try

	return []class{
		{name: "auth-strict", paths: strictAt(s.AuthBase), methods: anyCall, service: s.AuthURL, auth: foreign,
			byAddr: &strict, body: mib, times: quick, headers: api, shared: true, retry: once,
			cookies: true, shape: refusal.Auth, shownCut: true},
		{name: "auth", paths: []string{s.AuthBase.String() + "/*"}, methods: anyCall, service: s.AuthURL, auth: foreign,
			byAddr: &auth, body: mib, times: quick, headers: api, shared: true, retry: again,
			cookies: true, shape: refusal.Auth, shownCut: true},

		{name: "upload", paths: []string{"/api/storage/v1/files"}, methods: []string{http.MethodPost}, service: s.StorageURL, auth: required,
			byAddr: &addr, byUser: &upload, byKey: &key, body: int64(s.MaxFile), times: store, headers: api, shared: true, retry: once,
			load: overload.Free},
		{name: "upload", paths: []string{"/api/storage/v1/files/:id"}, methods: []string{http.MethodPut}, service: s.StorageURL, auth: required,
			byAddr: &addr, byUser: &upload, byKey: &key, body: int64(s.MaxFile), times: store, headers: api, shared: true, retry: once,
			load: overload.Free},
		{name: "storage", paths: []string{"/api/storage/v1/*"}, methods: calls, service: s.StorageURL, auth: required,
			byAddr: &addr, byUser: &user, byKey: &key, body: 64 * kib, times: stream, headers: files, shared: true, retry: again},

		{name: "billing", paths: []string{"/api/billing/v1/*"}, methods: calls, service: s.WebhookURL, auth: required,
			byAddr: &addr, byUser: &user, byKey: &key, body: 64 * kib, times: quick, headers: api, shared: true, retry: again,
			compress: true},
		{name: "webhook", paths: []string{"/webhooks/stripe"}, methods: []string{http.MethodPost}, service: s.WebhookURL, auth: foreign,
			byAddr: &hookAddr, inAll: &hook, proves: true, body: mib, times: quick, headers: api, retry: once,
			load: overload.Vital},

		{name: "jwks", paths: []string{"/.well-known/jwks.json"}, methods: reads, service: s.AuthURL, path: s.AuthBase.String() + "/jwks", auth: public,
			byAddr: &open, times: quick, headers: api, retry: again},
		{name: "docs", paths: []string{"/openapi.json"}, methods: reads, answer: (*gate).joined, auth: public,
			byAddr: &open, headers: api, retry: once},
		{name: "docs", paths: []string{"/openapi/:file"}, methods: reads, answer: (*gate).described, auth: public,
			byAddr: &open, headers: api, retry: once},
		{name: "docs", paths: []string{"/docs", "/docs/problems", "/docs/assets/:file"}, methods: reads, answer: (*gate).docs, auth: public,
			byAddr: &open, headers: reading, retry: once},

		{name: "closed", paths: []string{"/internal", "/internal/*", "/api", "/api/*", "/webhooks", "/webhooks/*", "/.well-known", "/.well-known/*"},
			methods: anyCall, answer: (*gate).nothing, auth: public,
			byAddr: &open, headers: api, retry: once},
		{name: "reports", paths: []string{"/csp-reports"}, methods: []string{http.MethodPost}, service: s.WebURL, answer: (*gate).nothing, auth: public,
			byAddr: &open, body: 16 * kib, times: quick, headers: api, retry: once},
		{name: "web", paths: []string{"/*"}, methods: reads, service: s.WebURL, answer: (*gate).nothing, auth: public,
			byAddr: &open, times: pages, headers: web, ownCSP: true, retry: again,
			compress: true},
	}
}
