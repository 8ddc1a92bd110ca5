package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

// Middleware is what an operation or a group of them does before its handler.
type Middleware = func(ctx huma.Context, next func(huma.Context))

// TokenVerifier reads an access token; *security.Verifier is one.
type TokenVerifier interface {
	Verify(ctx context.Context, token string) (security.Claims, error)
}

// Authenticated lets only those pass who bring a valid access token; handlers
// find out who it is with security.IdentityOf. It answers 401 to a missing or
// bad token, and 503 while no signing key is known: nobody is to be signed out
// because auth is away.
func Authenticated(v TokenVerifier) Middleware {
	return func(ctx huma.Context, next func(huma.Context)) {
		token, ok := security.BearerToken(ctx.Header("Authorization"))
		if !ok {
			unauthorized(ctx)
			return
		}
		claims, err := v.Verify(ctx.Context(), token)
		switch {
		case err == nil:
			next(huma.WithContext(ctx, security.WithIdentity(ctx.Context(), claims.Identity())))
		case errors.Is(err, security.ErrTokenInvalid):
			unauthorized(ctx)
		case errors.Is(err, security.ErrKeysUnavailable):
			Refuse(ctx, errors.Join(problem.Unavailable, err))
		default:
			Refuse(ctx, err)
		}
	}
}

// Internal lets only other services pass, which show a service token.
func Internal(tokens security.ServiceTokens) Middleware {
	return func(ctx huma.Context, next func(huma.Context)) {
		if !tokens.Check(ctx.Header("Authorization")) {
			refuseToken(ctx, ErrServiceToken)
			return
		}
		next(ctx)
	}
}

// ErrServiceToken refuses another service. Its code is its own: a caller must be
// able to tell a wrong SERVICE_TOKENS from what the operation itself says about a
// person ("no such session").
var ErrServiceToken = problem.New(http.StatusUnauthorized, "SERVICE_TOKEN_REFUSED", "This address is for services that show their token")

func unauthorized(ctx huma.Context) { refuseToken(ctx, problem.Unauthorized) }

func refuseToken(ctx huma.Context, p *problem.Problem) {
	ctx.SetHeader("WWW-Authenticate", "Bearer") // RFC 9110 section 11.6.1 wants one with each 401
	Refuse(ctx, p)
}

// Caller gives who makes this request, or problem.Unauthorized in an operation
// that forgot to ask for a token.
func Caller(ctx context.Context) (security.Identity, error) {
	id, ok := security.IdentityOf(ctx)
	if !ok {
		return security.Identity{}, problem.Unauthorized
	}
	return id, nil
}
