package verification

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (v *Verification) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "sendVerificationEmail", Path: "/send-verification-email", Summary: "Mail a link that proves an address", Errors: []int{400, 429}}, v.send)
	wire.Post(r, wire.Op{ID: "changeEmail", Path: "/change-email", Summary: "Change the caller's address, which mails prove", Session: true, Errors: []int{400, 401, 403, 429}}, v.postChange)
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
	p, err := v.open(token)
	var begun *entrance.Entered
	var moved *user.User
	switch {
	case err != nil:
	case p.step != "":
		moved, err = v.step(ctx, c, p)
	default:
		begun, err = v.prove(ctx, c, p.userID, p.email)
	}
	if err != nil {
		err = v.Audit.Refused(ctx, v.Users.DB, c, audit.EmailVerified, "link", err)
	}
	var refused *problem.Problem
	switch {
	case err != nil && callback != "" && errors.As(err, &refused) && refused.Status == http.StatusUnauthorized:
		return wire.Redirect(wire.AddQuery(callback, "error", refused.Code)), nil
	case err != nil:
		return nil, err
	}
	verified := Verified{Status: true}
	if moved != nil {
		profile := v.Sessions.Shape.Profile(*moved)
		verified.User = &profile
	}
	page := wire.JSON(verified)
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
