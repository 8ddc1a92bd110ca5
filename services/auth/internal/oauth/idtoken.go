package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/link"
	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// brought is an ID token that a client got from a provider by itself.
type brought struct {
	Token        string          `json:"token"`
	Nonce        string          `json:"nonce"`
	AccessToken  string          `json:"accessToken"`
	RefreshToken string          `json:"refreshToken"`
	ExpiresAt    *float64        `json:"expiresAt"` // of the access token: seconds, or milliseconds, since 1970
	User         json.RawMessage `json:"user"`
}

// claim verifies the ID token of a form.
func (h *Handler) claim(ctx context.Context, p *provider.Provider, in askForm) (link.Claim, error) {
	var b brought
	if json.Unmarshal(in.IDToken, &b) != nil || b.Token == "" {
		return link.Claim{}, wire.Invalid("body.idToken", "Invalid input")
	}
	t := provider.Tokens{ID: b.Token, Access: b.AccessToken, Refresh: b.RefreshToken, AccessExpires: moment(b.ExpiresAt)}
	who, err := p.Verify(ctx, t, b.Nonce)
	switch {
	case errors.Is(err, provider.ErrNoIDToken):
		return link.Claim{}, ErrNoIDToken
	case err != nil:
		h.Log.WarnContext(ctx, "ID token refused", "provider", p.ID, "err", err)
		return link.Claim{}, wire.ErrInvalidToken
	}
	return h.claimOf(p, who, t, string(b.User), h.admits(p.ID, in.RequestSignUp)), nil
}

// claimOf joins what a provider vouches for with the name that its user gave, where
// it tells none.
func (h *Handler) claimOf(p *provider.Provider, who provider.Identity, t provider.Tokens, user string, signUp bool) link.Claim {
	who.Name = cmp.Or(who.Name, provider.NameOf(user))
	return link.Claim{Provider: p.ID, Identity: who, Tokens: t, SignUp: signUp}
}

func (h *Handler) signInByToken(ctx context.Context, c *wire.Call, p *provider.Provider, in askForm) (*wire.Answer[entrance.Body], error) {
	claim, err := h.claim(ctx, p, in)
	if err != nil {
		return nil, err
	}
	var entered *entrance.Entered
	err = h.Links.InTx(ctx, func(tx pgx.Tx) error {
		entered, err = h.enter(ctx, tx, c, claim)
		return err
	})
	if err != nil {
		return nil, h.spoken(ctx, c, claim, "", err)
	}
	answer := wire.OK(h.Entrance.Body(entered))
	if entered.Live != nil {
		no := false
		answer.Body.Redirect = &no
	}
	return answer, h.Entrance.Admit(ctx, c, &answer.Headers, entered)
}

func (h *Handler) linkByToken(ctx context.Context, c *wire.Call, p *provider.Provider, in askForm, w link.Wish) error {
	claim, err := h.claim(ctx, p, in)
	if err != nil {
		return err
	}
	if err := h.Links.Add(ctx, c, claim, w); err != nil {
		return h.spoken(ctx, c, claim, w.UserID, err)
	}
	return nil
}

// spoken records that a claim was refused, and says it as the JSON doors do.
func (h *Handler) spoken(ctx context.Context, c *wire.Call, claim link.Claim, userID string, err error) error {
	code, refused := codeOf(err)
	if !refused {
		return err
	}
	if err := h.record(ctx, c, claim.Provider, userID, code); err != nil {
		return err
	}
	switch {
	case errors.Is(err, link.ErrNoEmail):
		return ErrNoEmail
	case errors.Is(err, link.ErrUnverified):
		return ErrUnverified
	case errors.Is(err, link.ErrClosed):
		return ErrLink.WithMessage("signup disabled")
	case errors.Is(err, link.ErrNotLinked):
		return ErrLink
	case errors.Is(err, link.ErrTaken):
		return ErrTaken
	case errors.Is(err, link.ErrForbidden):
		return ErrForbidden
	case errors.Is(err, link.ErrOtherEmail):
		return ErrOtherEmail
	}
	return err // a ban, which has words of its own
}

// firstMilliseconds tells seconds and milliseconds apart: the year 5138 in the
// one, 1973 in the other.
const firstMilliseconds = 1e11

func moment(at *float64) *time.Time {
	if at == nil || *at <= 0 || *at > 1e14 {
		return nil
	}
	seconds := *at
	if seconds >= firstMilliseconds {
		seconds /= 1000
	}
	t := time.Unix(int64(seconds), 0)
	return &t
}
