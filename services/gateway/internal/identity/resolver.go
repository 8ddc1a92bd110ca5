package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/revocation"
)

// Resolver finds out who asks.
type Resolver struct {
	verifier *security.Verifier
	revoked  *revocation.Set
	sessions *Exchanger
	apiKeys  *Exchanger
	cookies  Cookies
	budget   *cache.Limiter // local: it protects this process's own processor
	tokens   *tokenCache
	now      func() time.Time
	// Fresh tells whether revocations arrive in time; while they do not, tokens
	// that auth gave are not kept for the next request.
	fresh func() bool
	log   *slog.Logger
}

// Config is what a Resolver needs.
type Config struct {
	Verifier *security.Verifier
	Revoked  *revocation.Set
	Sessions *Exchanger
	APIKeys  *Exchanger
	Cookies  Cookies
	Fresh    func() bool
	Now      func() time.Time
	Log      *slog.Logger
}

// NewResolver makes a Resolver with an empty cache.
func NewResolver(c Config) *Resolver {
	return &Resolver{
		verifier: c.Verifier, revoked: c.Revoked, sessions: c.Sessions, apiKeys: c.APIKeys, cookies: c.Cookies,
		budget: cache.NewLimiter(nil, "budget", c.Log), tokens: newTokenCache(c.Now),
		now: c.Now, fresh: c.Fresh, log: c.Log,
	}
}

// Known answers from memory alone, without any cost that a forged token could
// cause. False means only that Resolve must look closer.
func (r *Resolver) Known(h http.Header) (Caller, bool) {
	shown, source := r.shown(h)
	if shown == "" {
		return Caller{}, false
	}
	if source == APIKey {
		return r.knownKey(shown)
	}
	v := r.tokens.get(shown)
	if v == nil || r.check(v) != nil {
		return Caller{}, false
	}
	return r.caller(v, source), true
}

// shown is the token or API key that a request brings, and in what. It is empty
// where nothing of sense is shown: the source tells in what there is none.
func (r *Resolver) shown(h http.Header) (string, Source) {
	if values := h["Authorization"]; len(values) > 0 {
		if len(values[0]) > len("Bearer ")+security.MaxTokenBytes {
			return "", Bearer // not even looked through
		}
		token, _ := security.BearerToken(values[0])
		return token, Bearer
	}
	if values := h[apiKeyHeader]; len(values) > 0 {
		return readAPIKey(values), APIKey
	}
	token, _ := security.ReadCookie(h, r.cookies.JWT)
	if len(token) > security.MaxTokenBytes {
		token = ""
	}
	return token, Cookie
}

// Resolve finds out who asks. address is the limit key of the client's address.
// The error is problem.Unauthorized where nobody is proved, problem.Unavailable
// where that could not be found out, problem.TooManyRequests where the address
// has spent its budget of attempts or the API key its own limit.
func (r *Resolver) Resolve(ctx context.Context, h http.Header, address string) (Caller, error) {
	shown, source := r.shown(h)
	switch {
	case shown == "" && source != Cookie: // shown and useless: never a guest, never the cookie instead
		return Caller{}, problem.Unauthorized
	case source == APIKey:
		return r.fromAPIKey(ctx, shown, address)
	case shown != "":
		v, err := r.verify(ctx, shown, address)
		if err == nil {
			return r.caller(v, source), nil
		}
		if source == Bearer || !errors.Is(err, security.ErrTokenInvalid) {
			return Caller{}, refusal(err)
		}
	}
	session, ok := security.ReadCookie(h, r.cookies.Session)
	if !ok || session == "" {
		return Caller{}, problem.Unauthorized
	}
	return r.fromSession(ctx, session, address)
}

// Forget drops what is remembered of the session cookie in a request: auth has
// just set or cleared it.
func (r *Resolver) Forget(h http.Header) {
	if session, ok := security.ReadCookie(h, r.cookies.Session); ok {
		r.sessions.Forget(session)
	}
}

func refusal(err error) error {
	switch {
	case errors.Is(err, security.ErrTokenInvalid):
		return problem.Unauthorized
	case errors.Is(err, security.ErrKeysUnavailable):
		return unavailable("verify token: %w", err)
	}
	return err
}

// verify checks a token that the client brought.
func (r *Resolver) verify(ctx context.Context, token, address string) (*verified, error) {
	if v := r.tokens.get(token); v != nil && !v.claims.KeyGone() {
		return v, r.check(v)
	}
	if err := r.spend(ctx, signatureBudget, address); err != nil {
		return nil, err
	}
	claims, err := r.verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	r.giveBack(signatureBudget, address)
	v := newVerified(token, claims)
	if err := r.check(v); err != nil {
		return nil, err
	}
	r.tokens.put(v)
	return v, nil
}

var (
	errRevoked = errors.Join(security.ErrTokenInvalid, errors.New("revoked"))
	errKeyGone = errors.Join(security.ErrTokenInvalid, errors.New("its key has left the key set"))
)

// check asks what can change about a verified token: its end, its key, its
// session. The revocation set is looked into once per epoch.
func (r *Resolver) check(v *verified) error {
	switch {
	case !r.now().Before(v.claims.ExpiresAt):
		return security.ErrTokenExpired
	case v.claims.KeyGone():
		return errKeyGone
	}
	// Epochs begin at 0 and so does a new token's: 1 more tells them apart.
	epoch := r.revoked.Epoch() + 1
	if v.epoch.Load() == epoch {
		return nil
	}
	if r.revoked.Refuses(v.claims, time.Time{}) {
		return errRevoked
	}
	v.epoch.Store(epoch)
	return nil
}

func (r *Resolver) spend(ctx context.Context, budget cache.Limit, address string) error {
	if d, _ := r.budget.Allow(ctx, cache.Check{Key: address, Limit: budget}); !d.Allowed {
		return problem.TooManyRequests.WithRetryAfter(d.RetryAfter)
	}
	return nil
}

func (r *Resolver) giveBack(budget cache.Limit, address string) {
	r.budget.GiveBack(cache.Check{Key: address, Limit: budget})
}
