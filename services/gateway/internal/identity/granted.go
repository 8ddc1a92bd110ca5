package identity

import (
	"context"
	"errors"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

const (
	apiKeyHeader  = "X-Api-Key"
	maxAPIKey     = 512
	keySessionTag = "key_" // begins the session id of a token that was made for an API key
)

// readAPIKey gives the key where there is exactly one that could be one.
func readAPIKey(values []string) string {
	if len(values) != 1 || len(values[0]) > maxAPIKey {
		return ""
	}
	key := values[0]
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return ""
		}
	}
	return key
}

// fromSession turns a session cookie, as sent, into a caller with a JWT cookie.
func (r *Resolver) fromSession(ctx context.Context, cookie, address string) (Caller, error) {
	value, ok := security.DecodeCookieValue(cookie)
	if !ok || len(value) > maxSession {
		return Caller{}, problem.Unauthorized
	}
	caller, err := r.exchanged(ctx, r.sessions, cookie, value, address)
	if err != nil {
		return Caller{}, err
	}
	caller.Source = Exchange
	caller.SetCookie = r.cookies.Set(caller.Token, caller.proof.claims.ExpiresAt.Sub(r.now()))
	return caller, nil
}

// fromAPIKey turns an API key into a caller.
func (r *Resolver) fromAPIKey(ctx context.Context, key, address string) (Caller, error) {
	return r.exchanged(ctx, r.apiKeys, key, key, address)
}

// knownKey is fromAPIKey from memory alone.
func (r *Resolver) knownKey(key string) (Caller, bool) {
	g, known := r.apiKeys.known(key)
	if !known || g.token == "" || !r.fresh() {
		return Caller{}, false
	}
	v := r.tokens.get(g.token)
	if v == nil || r.check(v) != nil {
		return Caller{}, false
	}
	caller := r.caller(v, APIKey)
	caller.KeyID, caller.asked = g.keyID, g.asked
	return caller, true
}

// exchanged has auth turn a secret into a token. An answer of a moment ago is used
// again, unless what it gave has been revoked since.
func (r *Resolver) exchanged(ctx context.Context, x *Exchanger, sent, value, address string) (Caller, error) {
	g, known := x.known(sent)
	if known && g.token == "" {
		return Caller{}, g.refusal(r.now())
	}
	if known && r.fresh() {
		if caller, err := r.granted(ctx, g); err == nil {
			return caller, nil
		}
	}
	if err := r.spend(ctx, exchangeBudget, address); err != nil {
		return Caller{}, err
	}
	g, err := x.ask(ctx, sent, value)
	if err != nil {
		return Caller{}, err
	}
	if g.token == "" {
		return Caller{}, g.refusal(r.now())
	}
	r.giveBack(exchangeBudget, address)
	caller, err := r.granted(ctx, g)
	if errors.Is(err, security.ErrTokenInvalid) && !errors.Is(err, errRevoked) {
		// auth and gateway disagree about issuer, audience or clock: ours to mend.
		r.log.ErrorContext(ctx, "auth's own token does not verify", "err", err)
		return Caller{}, unavailable("exchange: %w", err)
	}
	return caller, refusal(err)
}

var errNotOfKey = errors.Join(security.ErrTokenInvalid, errors.New("made for an API key, it names another session"))

// granted verifies what auth gave.
func (r *Resolver) granted(ctx context.Context, g grant) (Caller, error) {
	v := r.tokens.get(g.token)
	if v == nil || v.claims.KeyGone() {
		claims, err := r.verifier.Verify(ctx, g.token)
		if err != nil {
			return Caller{}, err
		}
		v = newVerified(g.token, claims)
	}
	switch sid, ofKey := strings.CutPrefix(v.claims.SessionID, keySessionTag); {
	case !r.now().Before(v.claims.ExpiresAt):
		return Caller{}, security.ErrTokenExpired
	case g.keyID != "" && (!ofKey || sid != g.keyID): // its revocation would not be seen
		return Caller{}, errNotOfKey
	case r.revoked.Refuses(v.claims, g.asked):
		return Caller{}, errRevoked
	}
	r.tokens.put(v)
	caller := r.caller(v, APIKey)
	caller.KeyID, caller.asked = g.keyID, g.asked
	return caller, nil
}
