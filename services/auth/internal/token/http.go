package token

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Handler serves access tokens and their key set.
type Handler struct {
	Issuer   *Issuer
	Sessions *session.Registry
	Services security.ServiceTokens
	Public   bool // clients get access tokens; otherwise the gateway alone
}

// Routes names every operation of this feature for the public.
func (h *Handler) Routes(r *wire.Router) {
	if h.Public {
		wire.Get(r, wire.Op{ID: "token", Path: "/token", Summary: "An access token for other services", Session: true, Errors: []int{401, 403}}, h.token)
	}
	wire.Get(r, wire.Op{ID: "jwks", Path: "/jwks", Summary: "The keys that verify access tokens"}, h.jwks)
}

// Token is what /token answers.
type Token struct {
	Token string `json:"token"`
}

func (h *Handler) token(ctx context.Context, c *wire.Call) (*wire.Answer[Token], error) {
	live, err := h.Sessions.Current(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case live == nil:
		return nil, wire.ErrUnauthorized
	}
	issued, err := h.Issuer.For(ctx, live)
	if err != nil {
		return nil, err
	}
	answer := wire.OK(Token{issued.JWT})
	h.Sessions.Renew(&answer.Headers, c, live)
	return answer, nil
}

func (h *Handler) jwks(ctx context.Context, _ *wire.Call) (*wire.Answer[Set], error) {
	set, err := h.Issuer.Keys.Public(ctx)
	if err != nil {
		return nil, err
	}
	answer := wire.OK(set)
	answer.CacheControl = "public, max-age=60" // far below the time a key is published before it signs
	return answer, nil
}

// InternalRoutes names every operation of this feature for other services.
func (h *Handler) InternalRoutes(api huma.API) {
	httpapi.Register(api, huma.Operation{
		OperationID: "internalExchange", Method: http.MethodPost, Path: "/internal/v1/sessions/exchange",
		Summary: "An access token for a session cookie, for the gateway", Tags: []string{"internal"},
		Middlewares: huma.Middlewares{httpapi.Internal(h.Services)}, Errors: []int{401, 403},
	}, h.exchange)
}

type exchangeInput struct {
	Body struct {
		Cookie string `json:"cookie" maxLength:"512" doc:"The session cookie's value, percent-decoded"`
	}
}

type exchangeOutput struct {
	Body struct {
		JWT       string    `json:"jwt"`
		ExpiresAt time.Time `json:"expires_at"`
		UserID    string    `json:"user_id"`
		SessionID string    `json:"session_id"`
	}
}

func (h *Handler) exchange(ctx context.Context, in *exchangeInput) (*exchangeOutput, error) {
	live, err := h.Sessions.ByCookie(ctx, in.Body.Cookie)
	switch {
	case err != nil:
		return nil, err
	case live == nil:
		return nil, wire.ErrUnauthorized
	}
	issued, err := h.Issuer.For(ctx, live)
	if err != nil {
		return nil, err
	}
	out := &exchangeOutput{}
	out.Body.JWT, out.Body.ExpiresAt = issued.JWT, issued.ExpiresAt.UTC()
	out.Body.UserID, out.Body.SessionID = live.UserID, live.ID
	return out, nil
}
