package reset

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// asked is the answer in every case.
const asked = "If this email exists in our system, check your email for the reset link"

// Routes names every operation of this feature.
func (r *Reset) Routes(router *wire.Router) {
	wire.Post(router, wire.Op{ID: "requestPasswordReset", Path: "/request-password-reset", Summary: "Mail a link for a new password", Errors: []int{400, 403, 429}}, r.request)
	wire.GetPage(router, wire.Op{ID: "openPasswordReset", Path: "/reset-password/{token}", Query: []string{"callbackURL"}, Summary: "Open the link of a reset letter", Errors: []int{403}}, r.open)
	wire.Post(router, wire.Op{ID: "resetPassword", Path: "/reset-password", Summary: "Set a new password with the token of a letter", Errors: []int{400}}, r.set)
}

type requestForm struct {
	Email      validation.Email `json:"email"`
	RedirectTo *string          `json:"redirectTo" doc:"The page that takes the token and the new password"`
}

// Asked is what asking for a link answers.
type Asked struct {
	Status  bool   `json:"status"`
	Message string `json:"message"`
}

func (r *Reset) request(ctx context.Context, c *wire.Call, in requestForm) (*wire.Answer[Asked], error) {
	began := time.Now()
	if err := r.Limits.Letter(ctx, in.Email.String()); err != nil {
		return nil, err
	}
	page := r.Page
	if in.RedirectTo != nil && *in.RedirectTo != "" {
		page = *in.RedirectTo
	}
	if err := r.write(ctx, c, in.Email.String(), page); err != nil {
		return nil, err
	}
	return wire.OK(Asked{Status: true, Message: asked}), wire.AtLeast(ctx, began, r.Floor)
}

func (r *Reset) open(ctx context.Context, c *wire.Call) (*wire.Page, error) {
	token := c.Param("token")
	if strings.Contains(token, "/") { // the router lets a last parameter run on
		return nil, wire.ErrNothing
	}
	to, err := c.MustQuery("callbackURL")
	if err != nil {
		return nil, err
	}
	_, err = r.Store.Peek(ctx, security.HashToken(token), r.Now())
	switch {
	case errors.Is(err, ErrToken):
		return wire.Redirect(wire.AddQuery(r.absolute(to, r.Base+"/error"), "error", ErrToken.Code)), nil
	case err != nil:
		return nil, err
	}
	return wire.Redirect(wire.AddQuery(r.absolute(to, r.Page), "token", token)), nil
}

// absolute gives the address that a link leads on to: a path is one of ours.
func (r *Reset) absolute(to, without string) string {
	if to == "" {
		to = without
	}
	if strings.HasPrefix(to, "/") {
		return r.Origin + to
	}
	return to
}

type setForm struct {
	NewPassword string  `json:"newPassword"`
	Token       *string `json:"token"`
}

func (r *Reset) set(ctx context.Context, c *wire.Call, in setForm) (*wire.Answer[wire.Status], error) {
	token := c.Query("token")
	if in.Token != nil && *in.Token != "" {
		token = *in.Token
	}
	chosen, err := r.Passwords.Choose(in.NewPassword)
	if err != nil {
		return nil, err
	}
	// A guess costs a look-up, not a hash.
	owner, err := r.Store.Peek(ctx, security.HashToken(token), r.Now())
	if err != nil {
		return nil, r.Audit.Refused(ctx, r.Store.DB, c, audit.PasswordReset, "link", err)
	}
	u, err := user.Store{DB: r.Store.DB}.ByID(ctx, owner)
	if err != nil {
		return nil, err
	}
	if _, err := r.Passwords.Choose(in.NewPassword, u.Email, u.Name); err != nil {
		return nil, err
	}
	hash, err := r.Passwords.Hash(ctx, chosen)
	if err != nil {
		return nil, err
	}
	if err := r.use(ctx, c, token, hash); err != nil {
		return nil, r.Audit.Refused(ctx, r.Store.DB, c, audit.PasswordReset, "link", err)
	}
	return wire.OK(wire.Status{Status: true}), nil
}
