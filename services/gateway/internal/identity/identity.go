// Package identity owns the answer to "who asks?": the bearer token, else the JWT
// cookie, else the session cookie, which auth exchanges for a token.
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

// Source says what a caller showed.
type Source string

// The sources.
const (
	Nobody   Source = ""
	Bearer   Source = "bearer"   // Authorization: Bearer
	Cookie   Source = "cookie"   // the JWT cookie
	Exchange Source = "exchange" // the session cookie, exchanged at auth
)

// ByCookie tells whether the browser sent the proof by itself, so that a foreign
// page could have caused the request.
func (s Source) ByCookie() bool { return s == Cookie || s == Exchange }

// Caller is who asks, and the token to hand to the services.
type Caller struct {
	security.Identity
	Token     string
	Source    Source
	SetCookie string // the JWT cookie to set on the answer; empty: none
}

// Budgets bound what one address can make us do without ever proving anything: an
// attempt that proves somebody is given back, so that an office behind one address,
// or a gateway that has just started, is not held for an attack.
var (
	signatureBudget = cache.Limit{Name: "signatures", Rate: 50, Per: time.Second, Burst: 200}
	exchangeBudget  = cache.Limit{Name: "exchanges", Rate: 20, Per: time.Second, Burst: 100}
)

// Keys is the key set's part that cached verdicts depend on.
type Keys interface {
	Generation() uint64
}

// Resolver finds out who asks.
type Resolver struct {
	verifier *security.Verifier
	keys     Keys
	revoked  *revocation.Set
	exchange *Exchanger
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
	Keys     Keys
	Revoked  *revocation.Set
	Exchange *Exchanger
	Cookies  Cookies
	Fresh    func() bool
	Now      func() time.Time
	Log      *slog.Logger
}

// NewResolver makes a Resolver with an empty cache.
func NewResolver(c Config) *Resolver {
	return &Resolver{
		verifier: c.Verifier, keys: c.Keys, revoked: c.Revoked, exchange: c.Exchange, cookies: c.Cookies,
		budget: cache.NewLimiter(nil, "budget", c.Log), tokens: newTokenCache(c.Now),
		now: c.Now, fresh: c.Fresh, log: c.Log,
	}
}

// Known answers from memory alone, without any cost that a forged token could
// cause. False means only that Resolve must look closer.
func (r *Resolver) Known(h http.Header) (Caller, bool) {
	token, source := r.shown(h)
	if token == "" {
		return Caller{}, false
	}
	v := r.tokens.get(token)
	if v == nil || r.check(v) != nil {
		return Caller{}, false
	}
	return Caller{Identity: v.claims.Identity(), Token: v.token, Source: source}, true
}

// shown is the token that a request brings, if it brings one.
func (r *Resolver) shown(h http.Header) (string, Source) {
	if values := h["Authorization"]; len(values) > 0 {
		token, _ := security.BearerToken(values[0])
		return token, Bearer
	}
	token, _ := security.ReadCookie(h, r.cookies.JWT)
	return token, Cookie
}

// Resolve finds out who asks. address is the limit key of the client's address.
// The error is problem.Unauthorized where nobody is proved, problem.Unavailable
// where that could not be found out, problem.TooManyRequests where the address
// has spent its budget of attempts.
func (r *Resolver) Resolve(ctx context.Context, h http.Header, address string) (Caller, error) {
	token, source := r.shown(h)
	if token != "" {
		v, err := r.verify(ctx, token, address)
		if err == nil {
			return Caller{Identity: v.claims.Identity(), Token: v.token, Source: source}, nil
		}
		if source == Bearer || !errors.Is(err, security.ErrTokenInvalid) {
			return Caller{}, refusal(err)
		}
	}
	if source == Bearer { // shown and useless: never a guest, never the cookie instead
		return Caller{}, problem.Unauthorized
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
		r.exchange.Forget(session)
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
	if v := r.tokens.get(token); v != nil && v.generation == r.keys.Generation() {
		return v, r.check(v)
	}
	if err := r.spend(ctx, signatureBudget, address); err != nil {
		return nil, err
	}
	v, err := r.read(ctx, token)
	if err != nil {
		return nil, err
	}
	r.giveBack(signatureBudget, address)
	if err := r.check(v); err != nil {
		return nil, err
	}
	r.tokens.put(v)
	return v, nil
}

// read checks a token's signature and claims. The generation is taken first: a
// verdict under a key set that changed in between is not kept. It is asked again,
// because the change may have been caused by this very token (an unknown key).
func (r *Resolver) read(ctx context.Context, token string) (*verified, error) {
	for {
		generation := r.keys.Generation()
		claims, err := r.verifier.Verify(ctx, token)
		if err != nil {
			return nil, err
		}
		if generation == r.keys.Generation() {
			return &verified{token: token, claims: claims, generation: generation}, nil
		}
	}
}

var errRevoked = errors.Join(security.ErrTokenInvalid, errors.New("revoked"))

// check asks what can change about a verified token: its end, its key, its
// session. The revocation set is looked into once per epoch.
func (r *Resolver) check(v *verified) error {
	switch {
	case !r.now().Before(v.claims.ExpiresAt):
		return security.ErrTokenExpired
	case v.generation != r.keys.Generation():
		return security.ErrTokenInvalid
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

// fromSession exchanges a session cookie. An answer of a moment ago is used
// again, unless what it gave has been revoked since.
func (r *Resolver) fromSession(ctx context.Context, session, address string) (Caller, error) {
	g, known := r.exchange.known(session)
	if known && g.token == "" {
		return Caller{}, problem.Unauthorized
	}
	if known && r.fresh() {
		if caller, err := r.granted(ctx, g); err == nil {
			return caller, nil
		}
	}
	if err := r.spend(ctx, exchangeBudget, address); err != nil {
		return Caller{}, err
	}
	g, err := r.exchange.ask(ctx, session)
	if err != nil {
		return Caller{}, err
	}
	if g.token == "" {
		return Caller{}, problem.Unauthorized
	}
	r.giveBack(exchangeBudget, address)
	caller, err := r.granted(ctx, g)
	if errors.Is(err, security.ErrTokenInvalid) && !errors.Is(err, errRevoked) {
		// auth and gateway disagree about issuer, audience or clock: ours to mend.
		r.log.ErrorContext(ctx, "auth's own token does not verify", "err", err)
		return Caller{}, unavailable("exchange session: %w", err)
	}
	return caller, refusal(err)
}

// granted verifies what auth gave and wraps it for the browser.
func (r *Resolver) granted(ctx context.Context, g grant) (Caller, error) {
	v := r.tokens.get(g.token)
	if v == nil || v.generation != r.keys.Generation() {
		var err error
		if v, err = r.read(ctx, g.token); err != nil {
			return Caller{}, err
		}
	}
	age := v.claims.ExpiresAt.Sub(r.now())
	if age <= 0 {
		return Caller{}, security.ErrTokenExpired
	}
	if r.revoked.Refuses(v.claims, g.asked) {
		return Caller{}, errRevoked
	}
	r.tokens.put(v)
	return Caller{
		Identity: v.claims.Identity(), Token: v.token, Source: Exchange, SetCookie: r.cookies.Set(v.token, age),
	}, nil
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
