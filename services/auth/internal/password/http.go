package password

import (
	"context"

	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Handler serves what a page asks about a password before it is chosen.
type Handler struct {
	Policy Policy
	Limits *limit.Limits
}

// Routes names every operation of this feature.
func (h *Handler) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "passwordStrength", Path: "/password-strength", Summary: "Whether a password may be chosen, and how strong it is", Errors: []int{400, 429}}, h.strength)
}

type strengthForm struct {
	Password string  `json:"password"`
	Email    *string `json:"email" doc:"What the person typed as address, which the password should not be made of"`
	Name     *string `json:"name"`
}

// strength looks at what was typed and at nothing else: it tells nothing about
// anybody's account.
func (h *Handler) strength(ctx context.Context, c *wire.Call, in strengthForm) (*wire.Answer[Strength], error) {
	if err := h.Limits.Strength(ctx, c.Address); err != nil {
		return nil, err
	}
	var about []string
	for _, text := range []*string{in.Email, in.Name} {
		if text != nil {
			about = append(about, *text)
		}
	}
	found, err := h.Policy.Strength(ctx, in.Password, about...)
	if err != nil {
		return nil, err
	}
	answer := wire.OK(found)
	return answer, nil
}
