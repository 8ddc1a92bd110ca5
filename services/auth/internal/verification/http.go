package verification

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (v *Verification) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "sendVerificationEmail", Path: "/send-verification-email", Summary: "Mail a link that proves an address", Errors: []int{400, 429}}, v.send)
	wire.GetPage(r, wire.Op{ID: "verifyEmail", Path: "/verify-email", Query: []string{"token", "callbackURL"}, Summary: "Open the link of a verification letter", Errors: []int{401, 403}}, v.verify)
}

type sendForm struct {
	Email       validation.Email `json:"email"`
	CallbackURL *string          `json:"callbackURL" doc:"Where the link leads on to"`
}

func (v *Verification) send(ctx context.Context, c *wire.Call, in sendForm) (*wire.Answer[wire.Status], error) {
	began, email := time.Now(), in.Email.String()
	callback := ""
	if in.CallbackURL != nil {
		callback = *in.CallbackURL
	}
	live, err := v.Sessions.Current(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case live != nil && live.User.Email != email:
		return nil, ErrMismatch
	case live != nil && live.User.EmailVerified:
		return nil, ErrAlready
	}
	if err := v.Limits.Letter(ctx, email); err != nil {
		return nil, err
	}
	if err := v.write(ctx, c, email, callback); err != nil {
		return nil, err
	}
	if live == nil {
		err = wire.AtLeast(ctx, began, v.Floor)
	}
	return wire.OK(wire.Status{Status: true}), err
}

// Verified is what opening a link without callbackURL answers.
type Verified struct {
	Status bool          `json:"status"`
	User   *user.Profile `json:"user"`
}

func (v *Verification) verify(ctx context.Context, c *wire.Call) (*wire.Page, error) {
	callback := c.Query("callbackURL")
	token, err := c.MustQuery("token")
	if err != nil {
		return nil, err
	}
	begun, err := v.use(ctx, c, token)
	var refused *problem.Problem
	switch {
	case err != nil && callback != "" && errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return wire.Redirect(wire.AddQuery(callback, "error", refused.Code)), nil
	case err != nil:
		return nil, err
	}
	page := wire.JSON(Verified{Status: true})
	if callback != "" {
		page = wire.Redirect(callback)
	}
	if begun == nil {
		return page, nil
	}
	if page.Location != "" {
		page.Location = v.Entrance.Onward(begun, page.Location)
	}
	return page, v.Entrance.Admit(ctx, c, &page.Headers, begun)
}

func (v *Verification) use(ctx context.Context, c *wire.Call, token string) (*entrance.Entered, error) {
	userID, email, err := v.open(token)
	if err != nil {
		return nil, err
	}
	return v.prove(ctx, c, userID, email)
}
